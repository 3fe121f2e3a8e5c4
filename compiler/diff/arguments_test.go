// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/policy"
)

// TestValuesOf: there is a value for every way in which conditions hold together
// for some number, the smallest, and no other.
func TestValuesOf(t *testing.T) {
	const bits = 6
	rapid.Check(t, func(t *rapid.T) {
		var conditions []policy.Arg
		for range rapid.IntRange(0, 4).Draw(t, "conditions") {
			c := policy.Arg{Op: policy.ArgOp(rapid.IntRange(0, int(policy.ArgMaskedEqual)).Draw(t, "op")), Value: rapid.Uint64Range(0, 1<<bits).Draw(t, "value")}
			if c.Op == policy.ArgMaskedEqual {
				c.Mask = rapid.Uint64Range(0, 1<<bits-1).Draw(t, "mask")
			}
			conditions = append(conditions, c)
		}
		held := func(v uint64) string {
			var out []bool
			for _, c := range conditions {
				out = append(out, c.Holds(v))
			}
			return fmt.Sprint(out)
		}
		want := map[string]uint64{}
		for v := uint64(0); v < 1<<bits; v++ {
			if _, ok := want[held(v)]; !ok {
				want[held(v)] = v
			}
		}
		got, err := valuesOf(conditions, bits)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range got {
			if smallest, ok := want[held(v)]; !ok || smallest != v {
				t.Fatalf("%d is not the smallest number of its kind", v)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d numbers, want %d", len(got), len(want))
		}
	})
}
