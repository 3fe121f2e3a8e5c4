// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

// TestAgreesWithReference: the IR and the naive interpreter, which share no
// code, decide the same for random policies and operations, down to the rule
// that is reported.
func TestAgreesWithReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		unit := unitOf(t, ps)
		base := sample.Base().Draw(t, "base")
		for range 20 {
			op := sample.Operation(ps).Draw(t, "operation")
			want := reference.Decide(ps, op, base)
			got, err := unit.Decide(op, base)
			if want.Undecided || err != nil {
				t.Skip("beyond a search budget")
			}
			if d := cmp.Diff(want.Verdict, got.Verdict, ignore); d != "" {
				t.Fatalf("verdict (-reference +ir):\n%s\n%s", d, unit.Dump())
			}
			if d := cmp.Diff(want.Would, got.Would, ignore, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("would (-reference +ir):\n%s\n%s", d, unit.Dump())
			}
		}
	})
}

// Samples have no places in a source.
var ignore = cmpopts.IgnoreFields(policy.RuleRef{}, "Span")

func unitOf(t interface{ Fatalf(string, ...any) }, ps []*policy.Policy) *ir.Unit {
	list := &diag.List{}
	labels := map[string]string{}
	w := &policy.Workload{Kind: "Pod", Namespace: ps[0].Namespace, Name: "w", Labels: labels, Containers: []policy.Container{{Name: "c"}}}
	all := make([]*policy.Policy, len(ps))
	for i, p := range ps {
		q := *p
		q.Selector, q.Containers, q.Namespace = policy.Selector{}, nil, p.Namespace
		all[i] = &q
	}
	program := lower.Program(&policy.Set{Policies: all, Workloads: []*policy.Workload{w}}, list)
	if list.HasErrors() {
		t.Fatalf("%v", list.Sorted())
	}
	if err := program.Verify(); err != nil {
		t.Fatalf("%v", err)
	}
	if len(program.Units) != 1 {
		t.Fatalf("%d units", len(program.Units))
	}
	return program.Units[0]
}
