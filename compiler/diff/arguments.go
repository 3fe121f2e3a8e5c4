// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
)

// valuesOf returns a smallest number for each way in which conditions on one
// argument can hold and fail together; the smallest first. Numbers have so many
// bits as the kernel looks at.
//
// It reads the bits of the argument from the highest on. After some bits a
// comparison knows whether the argument is less, greater or still equal, and a
// mask whether it still fits: what two prefixes have in common there, they have
// in common for ever, so one of them is enough.
func valuesOf(conditions []policy.Arg, bits int) ([]uint64, error) {
	type prefix struct {
		value uint64
		state []byte // of each condition
	}
	at := []prefix{{0, make([]byte, len(conditions))}}
	for bit := 63; bit >= 0; bit-- {
		values := []uint64{0, 1}
		if bit >= bits {
			values = values[:1]
		}
		var next []prefix
		seen := map[string]int{} // by state, the index into next
		for _, b := range values {
			for _, p := range at {
				state := make([]byte, len(conditions))
				for i, c := range conditions {
					state[i] = read(c, p.state[i], bit, b)
				}
				value := p.value<<1 | b
				i, ok := seen[string(state)]
				switch {
				case !ok:
					seen[string(state)] = len(next)
					next = append(next, prefix{value, state})
				case value < next[i].value:
					next[i].value = value
				}
			}
		}
		slices.SortFunc(next, func(a, b prefix) int {
			if a.value < b.value {
				return -1
			}
			return 1 // no two are equal
		})
		if at = next; len(at) > maxCells {
			return nil, fmt.Errorf("conditions on arguments: %w", automata.ErrBudget)
		}
	}
	var out []uint64
	seen := map[string]bool{}
	for _, p := range at {
		held := make([]byte, len(conditions))
		for i, c := range conditions {
			if c.Holds(p.value) {
				held[i] = 1
			}
		}
		if !seen[string(held)] {
			seen[string(held)] = true
			out = append(out, p.value)
		}
	}
	return out, nil
}

// What is known of a condition after some bits.
const (
	undecided = iota // equal so far, or fits the mask so far
	less
	greater
	unfit
)

// read goes on by one bit of the argument.
func read(c policy.Arg, state byte, bit int, b uint64) byte {
	v := c.Value >> bit & 1
	switch {
	case state != undecided:
		return state
	case c.Op != policy.ArgMaskedEqual && b < v:
		return less
	case c.Op != policy.ArgMaskedEqual && b > v:
		return greater
	case c.Op == policy.ArgMaskedEqual && b&(c.Mask>>bit) != v:
		return unfit
	}
	return undecided
}
