// SPDX-License-Identifier: Apache-2.0

package sample_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
	"pgregory.net/rapid"
)

// kinds names what a verdict was about, without the policy and the rule.
func kind(op policy.Operation, v policy.Verdict) string {
	section, rule, _ := strings.Cut(v.Rule.Rule, "/")
	if strings.HasPrefix(rule, "r") {
		rule = "rule"
	}
	return fmt.Sprintf("%d %s/%s %s", op.Kind, section, rule, v.Action)
}

// TestReach: every kind of decision is drawn, so that comparing two deciders
// by samples compares all of them.
func TestReach(t *testing.T) {
	count := map[string]int{}
	for seed := range 6000 {
		ps := sample.Policies().Example(seed)
		op := sample.Operation(ps).Example(seed)
		count[kind(op, reference.Decide(ps, op, sample.Base().Example(seed)).Verdict)]++
	}
	var want []string
	actions := []policy.Action{policy.Allow, policy.Audit, policy.Block}
	sections := map[policy.OperationKind]string{
		policy.OpExec: "process", policy.OpFile: "file", policy.OpRename: "file", policy.OpLink: "file", policy.OpNetwork: "network",
		policy.OpSyscall: "syscalls", policy.OpCapability: "capabilities",
	}
	for op, section := range sections {
		want = append(want, fmt.Sprintf("%d / Allow", op))
		for _, a := range actions {
			want = append(want, fmt.Sprintf("%d %s/rule %s", op, section, a), fmt.Sprintf("%d %s/default %s", op, section, a))
		}
	}
	for _, a := range actions {
		want = append(want, fmt.Sprintf("%d system/rule %s", policy.OpSystem, a))
	}
	want = append(want,
		fmt.Sprintf("%d system/default Block", policy.OpSystem),
		fmt.Sprintf("%d / Allow", policy.OpSystem),
		fmt.Sprintf("%d process/(unresolved) Block", policy.OpExec),
		fmt.Sprintf("%d process/(loader) Block", policy.OpExec),
		fmt.Sprintf("%d process/rule Block", policy.OpFile),
		fmt.Sprintf("%d file/(unresolved) Block", policy.OpFile),
		fmt.Sprintf("%d file/(carry-out) Block", policy.OpRename),
		fmt.Sprintf("%d file/(carry-out) Block", policy.OpLink),
	)
	slices.Sort(want)
	for _, k := range want {
		if count[k] == 0 {
			t.Errorf("never drawn: %s", k)
		}
	}
	if t.Failed() {
		t.Log(count)
	}
}

// TestPatternsMatch: a path drawn near a pattern often matches it, and any
// pattern matches something.
func TestPatternsMatch(t *testing.T) {
	matched := 0
	for seed := range 1000 {
		pattern := sample.Pattern().Example(seed)
		path := sample.Path([]string{pattern}).Example(seed)
		if reference.MatchPath(pattern, path) {
			matched++
		}
	}
	if matched < 300 || matched > 700 {
		t.Errorf("%d of 1000 paths match, want about half", matched)
	}
	rapid.Check(t, func(t *rapid.T) {
		pattern := sample.Pattern().Draw(t, "pattern")
		for seed := range 200 {
			if reference.MatchPath(pattern, sample.Path([]string{pattern}).Example(seed)) {
				return
			}
		}
		t.Fatalf("%s matches none of 200 paths near it", pattern)
	})
}

// TestValid: what check demands of a policy holds of every policy drawn.
func TestValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := map[string]bool{}
		for _, p := range sample.Policies().Draw(t, "policies") {
			rule := func(r policy.Rule) {
				id := p.ID() + " " + r.ID()
				if ids[id] {
					t.Errorf("%s: name given twice", id)
				}
				ids[id] = true
				if r.Quiet && r.Action != policy.Block {
					t.Errorf("%s: quiet %s", id, r.Action)
				}
				if f := r.From; f != nil && len(f.Exe)+len(f.Parent)+len(f.Ancestor) == 0 {
					t.Errorf("%s: empty from", id)
				}
			}
			for section, s := range map[policy.Section]*policy.PathSection{policy.Process: p.Process, policy.File: p.File} {
				if s == nil {
					continue
				}
				for _, r := range s.Rules {
					rule(r.Rule)
					if r.Access == 0 || (r.Access == policy.AccessExec) != (section == policy.Process) || r.Section != section {
						t.Errorf("%s: access %s", r.ID(), r.Access)
					}
					if len(r.Paths)+len(r.Names) == 0 && !r.Anonymous {
						t.Errorf("%s: no object", r.ID())
					}
				}
			}
			if s := p.Network; s != nil {
				for _, r := range s.Rules {
					rule(r.Rule)
					for _, port := range r.Ports {
						if port.EndPort < port.Port || len(r.HTTP) > 0 && port.Protocol != "TCP" {
							t.Errorf("%s: %+v", r.ID(), port)
						}
					}
					for _, peer := range r.Peers {
						if peer.CIDR != peer.CIDR.Masked() {
							t.Errorf("%s: %s", r.ID(), peer.CIDR)
						}
						for _, e := range peer.Except {
							if !peer.CIDR.Overlaps(e) || e.Bits() <= peer.CIDR.Bits() {
								t.Errorf("%s: %s is not within %s", r.ID(), e, peer.CIDR)
							}
						}
					}
				}
			}
			if s := p.Syscalls; s != nil {
				for _, r := range s.Rules {
					rule(r.Rule)
					if (r.Errno != 0) != (r.Action == policy.Block) {
						t.Errorf("%s: errno %d of %s", r.ID(), r.Errno, r.Action)
					}
				}
			}
			if s := p.Capabilities; s != nil {
				for _, r := range s.Rules {
					rule(r.Rule)
				}
			}
			if s := p.System; s != nil {
				for _, r := range s.Rules {
					rule(r.Rule)
				}
			}
		}
	})
}
