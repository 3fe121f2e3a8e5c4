// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/runtime/image"
)

// TestDecideByHand decides by an image that no writer has made.
func TestDecideByHand(t *testing.T) {
	m := decode(t, build(t).encode())
	block := image.Verdict{Action: policy.Block, Report: true}
	named := func(path string) policy.Object { return policy.Object{Path: path} }
	for _, test := range []struct {
		name string
		op   policy.Operation
		want image.Verdict
	}{
		{"blocked", policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: named("/secret")}, block},
		{"another access", policy.Operation{Kind: policy.OpFile, Access: policy.AccessWrite, Object: named("/secret")}, image.Verdict{}},
		{"another path", policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: named("/secrets")}, image.Verdict{}},
		{"no lineage", policy.Operation{Kind: policy.OpFile, Access: policy.AccessWrite, Object: named("/etc/a/b")}, image.Verdict{}},
		{"the lineage", policy.Operation{Kind: policy.OpFile, Access: policy.AccessWrite, Object: named("/etc/a/b"), Lineage: []string{"/bin/cat"}}, block},
		{"another lineage", policy.Operation{Kind: policy.OpFile, Access: policy.AccessWrite, Object: named("/etc/a/b"), Lineage: []string{"/bin/cat", "/bin/sh"}}, image.Verdict{}},
		{"unresolved", policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: policy.Object{Class: policy.Unresolved}}, block},
		{"no path", policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: named("/a/../secret")}, block},
		{"a long path", policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: named("/" + strings.Repeat("a", bpf.PathMax-1))}, image.Verdict{}},
		{"a longer path", policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: named("/" + strings.Repeat("a", bpf.PathMax))}, block},
		{"a deep path", policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: named(strings.Repeat("/a", bpf.Components))}, image.Verdict{}},
		{"a deeper path", policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: named(strings.Repeat("/a", bpf.Components+1))}, block},
		{"anonymous", policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: policy.Object{Class: policy.Anonymous}}, image.Verdict{}},
		{"carried out", policy.Operation{Kind: policy.OpRename, Object: named("/secret"), Target: named("/b")}, block},
		{"carried in", policy.Operation{Kind: policy.OpLink, Object: named("/b"), Target: named("/secret")}, image.Verdict{}},
		{"exec is not governed", policy.Operation{Kind: policy.OpExec, Images: []policy.Object{named("/secret")}}, image.Verdict{}},
		{"nor is system", policy.Operation{Kind: policy.OpSystem, System: policy.Mount}, image.Verdict{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if d := cmp.Diff([]image.Verdict{test.want}, m.Decide(test.op)); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
	if got := m.Decide(policy.Operation{Kind: policy.OpCapability, Capability: "SYS_ADMIN"}); got != nil {
		t.Errorf("images say nothing of capabilities, but this one %v", got)
	}
}

// TestIrrelevant: what a layer calls irrelevant is allowed without a look at it.
func TestIrrelevant(t *testing.T) {
	b := build(t)
	b.head.Layer[0].Relevant &^= uint32(policy.AccessRead)
	b.head.Relevant = b.head.Layer[0].Relevant
	op := policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: policy.Object{Path: "/secret"}}
	if d := cmp.Diff([]image.Verdict{{}}, decode(t, b.encode()).Decide(op)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestDirectories: renaming a directory is refused when something below would be
// freed, and not when rules say the same below both names.
func TestDirectories(t *testing.T) {
	rule := func(s policy.Section, a policy.Action, access policy.Access, pattern string) policy.PathRule {
		return policy.PathRule{Rule: policy.Rule{Section: s, Name: "r", Action: a}, Access: access, Paths: []policy.Pattern{{Text: pattern}}}
	}
	blocks := &policy.Policy{Namespace: "n", Name: "p", File: &policy.PathSection{Rules: []policy.PathRule{
		rule(policy.File, policy.Block, policy.AccessRead, "/{a,e}/**"),
		rule(policy.File, policy.Block, policy.AccessRead, "/b/*/x"),
	}}}
	allows := &policy.Policy{Namespace: "n", Name: "p", Process: &policy.PathSection{Default: policy.Block, Rules: []policy.PathRule{
		rule(policy.Process, policy.Allow, policy.AccessExec, "/bin/*/x"),
	}}}
	files := &policy.Policy{Namespace: "n", Name: "p", File: &policy.PathSection{Default: policy.Block, Rules: []policy.PathRule{
		rule(policy.File, policy.Allow, policy.AccessFile, "/{c,open}/d"),
		rule(policy.File, policy.Allow, policy.AccessFile, "/open/*/x"),
	}}}
	for _, test := range []struct {
		policy   *policy.Policy
		from, to string
		want     policy.Action
	}{
		{blocks, "/b/c", "/b/d", policy.Allow},
		{blocks, "/b/c", "/c", policy.Block},
		{blocks, "/b", "/c", policy.Block},
		{blocks, "/c", "/b/c", policy.Allow},
		{blocks, "/a", "/e", policy.Allow},
		{blocks, "/a", "/e/x", policy.Allow}, // to what is below a sink
		{blocks, "/a", "/c", policy.Block},
		{allows, "/c", "/bin/c", policy.Block},
		{allows, "/bin/c", "/c", policy.Allow},
		{allows, "/bin/c", "/bin/d", policy.Allow},
		{files, "/c/d", "/open/d", policy.Block},
		{files, "/open/d", "/c/d", policy.Allow},
	} {
		data, _ := compile(t, []*policy.Policy{test.policy})
		op := policy.Operation{Kind: policy.OpRename, Object: policy.Object{Path: test.from}, Target: policy.Object{Path: test.to}, Directory: true}
		if got := decode(t, data).Decide(op)[0].Action; got != test.want {
			t.Errorf("%s to %s: %s, want %s", test.from, test.to, got, test.want)
		}
	}
}
