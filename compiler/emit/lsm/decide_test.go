// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

// unitOf lowers policies that govern one container.
func unitOf(t fataler, ps []*policy.Policy) *ir.Unit {
	t.Helper()
	list := &diag.List{}
	w := &policy.Workload{Kind: "Pod", Namespace: ps[0].Namespace, Name: "w", Containers: []policy.Container{{Name: "c"}}}
	program := lower.Program(&policy.Set{Policies: ps, Workloads: []*policy.Workload{w}}, list)
	if list.HasErrors() || len(program.Units) != 1 {
		t.Fatalf("%d units, %v", len(program.Units), list.Sorted())
	}
	return program.Units[0]
}

// imageFor makes the image of a unit.
func imageFor(t fataler, u *ir.Unit) []byte {
	t.Helper()
	data, err := imageOf(u)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return data
}

// TestSameBytes: equal policies make equal images.
func TestSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		if one, two := imageFor(t, unitOf(t, ps)), imageFor(t, unitOf(t, ps)); !bytes.Equal(one, two) {
			t.Fatalf("two images differ")
		}
	})
}

// TestDecidesAsIR: for random policies the bytes of an image decide about files,
// programs and operations of system as the IR does, and report the same.
func TestDecidesAsIR(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		u := unitOf(t, ps)
		if !holdsAnything(u) {
			t.Skip("nothing to hold")
		}
		w := open(t, imageFor(t, u))
		for range 30 {
			op := sample.Operation(ps).Draw(t, "operation")
			if op.Kind != policy.OpExec && op.Kind != policy.OpFile && op.Kind != policy.OpSystem {
				continue
			}
			for i, l := range layersOf(u) {
				want, err := l.Decide(op, nil)
				if err != nil {
					t.Fatal(err)
				}
				got := w.decide(i, op)
				if got.action != want.Action || got.report != want.Report && !hushedMap(l, op) {
					t.Fatalf("layer %d decides %+v, the IR %+v\n%s", i, got, want, u.Dump())
				}
			}
		}
	})
}

// hushedMap says whether a quiet Block of process meets rules of file about
// mapping and a default that blocks: masks cannot say that the default reports only
// where none of the rules holds.
func hushedMap(l *ir.Layer, op policy.Operation) bool {
	if op.Kind != policy.OpFile || op.Access != policy.AccessMap || l.Paths == nil || l.Paths.File == nil || l.Paths.File.Action != policy.Block {
		return false
	}
	quiet, rules := false, false
	for _, g := range l.Paths.Groups {
		quiet = quiet || blocksMap(g) && g.Quiet
		rules = rules || g.Access&policy.AccessMap != 0
	}
	return quiet && rules
}
