// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"slices"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lineages"
	"github.com/avert-dev/avert/compiler/policy"
)

// Budgets of one comparison. They are far above what policies need, and keep
// hostile ones from taking a machine.
const (
	maxStates = 4_000_000 // of automata side by side
	maxCells  = 1 << 18   // cells of flows, or of arguments
)

// comparison is one pair of layers.
type comparison struct {
	layers [2]*ir.Layer // old and new
	*lineages.Lineages
	floors  []Floor
	changes []Change
}

// Layers compares two effective policies. floors are the default profiles of
// container runtimes that count as the base of system calls.
func Layers(old, new *ir.Layer, floors []Floor) ([]Change, error) {
	l, err := lineages.New(old, new)
	if err != nil {
		return nil, err
	}
	c := &comparison{layers: [2]*ir.Layer{old, new}, Lineages: l, floors: floors}
	for _, section := range []func() error{c.paths, c.network, c.syscalls, c.masks} {
		if err := section(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(c.changes, func(a, b Change) int {
		if a.Section != b.Section {
			return int(a.Section) - int(b.Section)
		}
		return int(a.Kind) - int(b.Kind)
	})
	return c.changes, nil
}

// decide asks both sides about an operation.
func (c *comparison) decide(op policy.Operation, base ir.Base) (before, after policy.Verdict) {
	// The error is about directories that move, and there are none.
	before, _ = c.layers[0].Decide(op, base)
	after, _ = c.layers[1].Decide(op, base)
	return before, after
}

// transition is what becomes of an effect.
type transition struct{ before, after policy.Verdict }
