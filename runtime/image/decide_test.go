// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

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
