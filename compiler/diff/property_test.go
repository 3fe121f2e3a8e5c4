// SPDX-License-Identifier: Apache-2.0

package diff_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/diff"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

// layerOf lowers policies to one layer.
func layerOf(t *rapid.T, ps []*policy.Policy) *ir.Layer {
	if len(ps) == 0 {
		return &ir.Layer{}
	}
	list := &diag.List{}
	w := &policy.Workload{Kind: "Pod", Namespace: ps[0].Namespace, Name: "w", Containers: []policy.Container{{Name: "c"}}}
	all := make([]*policy.Policy, len(ps))
	for i, p := range ps {
		q := *p
		q.Selector, q.Containers, q.Mode = policy.Selector{}, nil, policy.Enforce
		all[i] = &q
	}
	program := lower.Program(&policy.Set{Policies: all, Workloads: []*policy.Workload{w}}, list)
	if list.HasErrors() || len(program.Units) != 1 {
		t.Fatalf("%v", list.Sorted())
	}
	return program.Units[0].Enforced
}

// bare drops what a verdict names.
func bare(v policy.Verdict) policy.Verdict {
	v.Rule = policy.RuleRef{}
	return v
}

// TestAgainstBruteForce: every witness is decided otherwise by the reference
// interpreter, and operations of which no change tells are decided alike.
func TestAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := sample.Policies().Draw(t, "old")
		var new []*policy.Policy
		if rapid.Bool().Draw(t, "related") {
			new = mutate(t, old)
		} else {
			new = sample.Policies().Draw(t, "new")
		}
		a, b := layerOf(t, old), layerOf(t, new)
		profile := floorOf(t)
		base := func(call policy.SyscallCall) bool {
			v, err := floor.Decide(profile, call.Name, call.Args)
			return err == nil && v.Allows()
		}
		changes, err := diff.Layers(a, b, []diff.Floor{{Arch: linux.AMD64, Profile: profile}, {Arch: linux.ARM64, Profile: profile}})
		if err != nil {
			t.Fatal(err)
		}
		old, new = a.Policies, b.Policies
		for _, ch := range changes {
			before, after := decide(old, ch.Witness, base), decide(new, ch.Witness, base)
			if bare(before.Verdict) != bare(ch.Before) || bare(after.Verdict) != bare(ch.After) {
				t.Fatalf("%s: diff says %v then %v, the reference %v then %v", operation.String(ch.Witness), ch.Before, ch.After, before.Verdict, after.Verdict)
			}
			if bare(ch.Before) == bare(ch.After) {
				t.Fatalf("%s: both %v", operation.String(ch.Witness), ch.Before)
			}
		}
		for range 30 {
			op := sample.Operation(append(old, new...)).Draw(t, "operation")
			if http := op.Flow.HTTP; http != nil && (!strings.HasPrefix(http.Path, "/") || strings.ContainsAny(http.Path, " \n")) {
				continue // no request is like that
			}
			if _, ok := linux.Syscall(linux.Arch(op.Syscall.Arch), op.Syscall.Name); !ok && op.Kind == policy.OpSyscall {
				continue
			}
			for i := range op.Syscall.Args { // the kernel looks at no more
				op.Syscall.Args[i] &= 1<<linux.ArgBits(op.Syscall.Name, i) - 1
			}
			before, after := decide(old, op, base), decide(new, op, base)
			if before.Undecided || after.Undecided {
				continue
			}
			if bare(before.Verdict) == bare(after.Verdict) {
				continue
			}
			if !slices.ContainsFunc(changes, func(ch diff.Change) bool { return tells(ch, op, before.Verdict, after.Verdict) }) {
				t.Fatalf("%s: %v then %v, and no change of %d tells", operation.String(op), before.Verdict, after.Verdict, len(changes))
			}
		}
	})
}

// decide asks the reference, and lets the floor refuse what policies do not
// unless all that govern system calls give it up.
func decide(ps []*policy.Policy, op policy.Operation, base reference.Base) reference.Result {
	r := reference.Decide(ps, op, base)
	if op.Kind != policy.OpSyscall || r.Verdict.Action == policy.Block || base(op.Syscall) {
		return r
	}
	governed, kept := false, false
	for _, p := range ps {
		if p.Syscalls != nil {
			governed, kept = true, kept || !p.Syscalls.BaseNone
		}
	}
	if kept || !governed {
		r.Verdict = policy.Verdict{Action: policy.Block, Errno: 1}
	}
	return r
}

// floorOf draws a profile that allows some calls, one under conditions.
func floorOf(t *rapid.T) *specs.LinuxSeccomp {
	p := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno}
	for _, name := range []string{"read", "ptrace", "personality", "mount", "clone"} {
		if !rapid.Bool().Draw(t, name) {
			continue
		}
		rule := specs.LinuxSyscall{Names: []string{name}, Action: specs.ActAllow}
		if name == "personality" {
			rule.Args = []specs.LinuxSeccompArg{{Index: 0, Op: specs.OpMaskedEqual, Value: 9, ValueTwo: 8}}
		}
		p.Syscalls = append(p.Syscalls, rule)
	}
	return p
}

// tells says whether a change is one that the operation may belong to.
func tells(ch diff.Change, op policy.Operation, before, after policy.Verdict) bool {
	alike := bare(ch.Before) == bare(before) && bare(ch.After) == bare(after)
	switch op.Kind {
	case policy.OpExec:
		return ch.Section == policy.Process && (alike || len(op.Images) > 1)
	case policy.OpFile:
		if ch.Section != policy.File {
			return false
		}
		return alike && slices.Contains(ch.Uses, op.Access.String())
	case policy.OpRename, policy.OpLink:
		return ch.Section == policy.Process || ch.Section == policy.File
	case policy.OpNetwork:
		return alike && ch.Section == policy.Network && ch.Witness.Flow.Direction == op.Flow.Direction
	case policy.OpSyscall:
		return alike && ch.Section == policy.Syscalls && (ch.Witness.Syscall.Name == op.Syscall.Name || slices.Contains(ch.Others, op.Syscall.Name))
	case policy.OpCapability:
		return alike && ch.Section == policy.Capabilities
	}
	return alike && ch.Section == policy.System
}

// mutate changes policies a little, or only how they are written.
func mutate(t *rapid.T, ps []*policy.Policy) []*policy.Policy {
	var out []*policy.Policy
	for _, p := range ps {
		if rapid.IntRange(0, 9).Draw(t, "drop") == 9 {
			continue
		}
		q := *p
		for _, s := range []**policy.PathSection{&q.Process, &q.File} {
			if *s == nil {
				continue
			}
			section := **s
			section.Rules = nil
			for _, r := range (*s).Rules {
				switch rapid.IntRange(0, 9).Draw(t, "rule") {
				case 9:
					continue
				case 8:
					r.From = nil
				case 7:
					r.Quiet = !r.Quiet && r.Action == policy.Block
				case 6:
					// One rule in two says the same.
					if len(r.Paths) > 1 {
						twin := r
						twin.Name += "-2"
						twin.Paths, r.Paths = r.Paths[1:], r.Paths[:1]
						section.Rules = append(section.Rules, twin)
					}
				}
				section.Rules = append(section.Rules, r)
			}
			*s = &section
		}
		if q.Network != nil {
			section := *q.Network
			section.Rules = some(t, section.Rules)
			for i, r := range section.Rules {
				if len(r.Peers) > 1 && rapid.Bool().Draw(t, "split") {
					twin := r
					twin.Name += "-2"
					twin.Peers, section.Rules[i].Peers = r.Peers[1:], r.Peers[:1]
					section.Rules = append(section.Rules, twin)
				}
			}
			q.Network = &section
		}
		if q.Syscalls != nil {
			section := *q.Syscalls
			section.Rules = some(t, section.Rules)
			q.Syscalls = &section
		}
		if q.Capabilities != nil {
			section := *q.Capabilities
			section.Rules = some(t, section.Rules)
			q.Capabilities = &section
		}
		if q.System != nil {
			section := *q.System
			section.Rules = some(t, section.Rules)
			q.System = &section
		}
		out = append(out, &q)
	}
	return out
}

// some drops or turns around rules, and mostly does neither.
func some[R any](t *rapid.T, rules []R) []R {
	rules = slices.Clone(rules)
	switch rapid.IntRange(0, 3).Draw(t, "rules") {
	case 3:
		return rules[:len(rules)/2]
	case 2:
		slices.Reverse(rules)
	}
	return rules
}
