// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

// TestAnyone: what Anyone says is blocked no lineage may do, and where no rule
// depends on the lineage it says what is decided.
func TestAnyone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		unit := unitOf(t, ps)
		for range 20 {
			op := sample.Operation(ps).Draw(t, "operation")
			if op.Kind != policy.OpFile || op.Object.Class != policy.Named || op.Access == policy.AccessMap {
				continue
			}
			most, ok := unit.Enforced.Anyone(policy.File, op.Access, op.Object.Path)
			if !ok {
				continue
			}
			got, err := unit.Decide(op, nil)
			if err != nil {
				t.Fatal(err)
			}
			if v := got.Verdict; most.Action == policy.Block && v.Action != policy.Block {
				t.Fatalf("%s of %s: Anyone says Block, and %s has %s\n%s", op.Access, op.Object.Path, op.Lineage, v.Action, unit.Dump())
			}
			if conditional(unit.Enforced) {
				continue
			}
			if most.Action != got.Verdict.Action || most.Conditional || most.Rule.Rule == "" {
				t.Fatalf("%s of %s: Anyone says %+v, decided is %+v\n%s", op.Access, op.Object.Path, most, got.Verdict, unit.Dump())
			}
		}
	})
}

func conditional(l *ir.Layer) bool {
	return l.Paths != nil && slices.ContainsFunc(l.Paths.Groups, func(g ir.PathGroup) bool { return g.Cond != ir.Always })
}
