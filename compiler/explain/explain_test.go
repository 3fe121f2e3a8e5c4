// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/explain"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

func unitOf(t *rapid.T, ps []*policy.Policy) *ir.Unit {
	list := &diag.List{}
	w := &policy.Workload{Kind: "Pod", Namespace: ps[0].Namespace, Name: "w", Containers: []policy.Container{{Name: "c"}}}
	program := lower.Program(&policy.Set{Policies: ps, Workloads: []*policy.Workload{w}}, list)
	if list.HasErrors() || len(program.Units) != 1 {
		t.Fatalf("%v", list.Sorted())
	}
	return program.Units[0]
}

// TestAgainstReference: verdicts are those of the reference interpreter, and a
// rule is said to match when the reference names it in a policy that has it alone.
func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		u, base := unitOf(t, ps), sample.Base().Draw(t, "base")
		for range 10 {
			op := sample.Operation(ps).Draw(t, "operation")
			want := reference.Decide(ps, op, base)
			e, err := explain.Explain(u, op, base, nil)
			if err != nil || want.Undecided {
				continue
			}
			if d := cmp.Diff(want.Verdict, e.Verdict, cmpopts.IgnoreFields(policy.RuleRef{}, "Span")); d != "" {
				t.Fatalf("%s (-reference +explain):\n%s", operation.String(op), d)
			}
			if op.Kind == policy.OpRename || op.Kind == policy.OpLink {
				continue // alone, a rule would also carry out
			}
			var got, wanted []string
			for _, s := range e.Matching {
				got = append(got, s.Policy.Name+" "+s.Rule.ID())
			}
			for _, w := range e.Would {
				for _, s := range w.Matching {
					got = append(got, s.Policy.Name+" "+s.Rule.ID())
				}
			}
			for _, p := range ps {
				for _, s := range policy.Sections {
					for i, r := range p.Rules(s) {
						if matches(p, s, i, op, base) {
							wanted = append(wanted, p.Name+" "+r.ID())
						}
					}
				}
			}
			slices.Sort(got)
			slices.Sort(wanted)
			if d := cmp.Diff(wanted, got, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("%s: rules that match (-reference +explain):\n%s", operation.String(op), d)
			}
		}
	})
}

// matches asks the reference about a policy with one rule, which blocks.
func matches(p *policy.Policy, s policy.Section, i int, op policy.Operation, base reference.Base) bool {
	q := &policy.Policy{Namespace: p.Namespace, Name: p.Name}
	alone := func(r *policy.Rule) { r.Action, r.Quiet = policy.Block, false }
	switch s {
	case policy.Process, policy.File:
		r := p.Paths(s).Rules[i]
		if s == policy.Process && op.Kind == policy.OpFile && r.Action != policy.Block {
			return false // only Blocks of process also block mapping
		}
		alone(&r.Rule)
		section := &policy.PathSection{Rules: []policy.PathRule{r}}
		if q.Process = section; s == policy.File {
			q.Process, q.File = nil, section
		}
	case policy.Network:
		r := p.Network.Rules[i]
		alone(&r.Rule)
		q.Network = &policy.NetworkSection{Rules: []policy.NetworkRule{r}}
	case policy.Syscalls:
		r := p.Syscalls.Rules[i]
		alone(&r.Rule)
		q.Syscalls = &policy.SyscallSection{Rules: []policy.SyscallRule{r}, BaseNone: true}
	case policy.Capabilities:
		r := p.Capabilities.Rules[i]
		alone(&r.Rule)
		q.Capabilities = &policy.CapabilitySection{Rules: []policy.CapabilityRule{r}}
	case policy.System:
		r := p.System.Rules[i]
		alone(&r.Rule)
		q.System = &policy.SystemSection{Rules: []policy.SystemRule{r}}
	}
	if op.Kind == policy.OpExec {
		// Any image is enough.
		for _, image := range op.Images {
			one := op
			one.Images = []policy.Object{image}
			if named(reference.Decide(reference.Policies{q}, one, base).Verdict) {
				return true
			}
		}
		return false
	}
	return named(reference.Decide(reference.Policies{q}, op, base).Verdict)
}

func named(v policy.Verdict) bool {
	return v.Rule.Rule != "" && !strings.HasSuffix(v.Rule.Rule, ")") && !strings.HasSuffix(v.Rule.Rule, "/default")
}
