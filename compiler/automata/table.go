// SPDX-License-Identifier: Apache-2.0

package automata

import "fmt"

// Table is a Set packed for a matcher that has only loads, compares and bounded
// loops. It needs at most two loads a byte:
//
//	slot          check (8 bits) | next (24 bits)
//	state         the offset of its row in Slots; SinkBit is set in references
//	              to a state whose verdict no further byte can change
//	Slots[s]      check is 0, next is the default target
//	Slots[s+1]    check is 1 when the state accepts; next is then the index
//	              into Labels, or with BelowBit into Belows
//	Slots[s+c]    c = Classes[byte], 2 or more: if check is c, next is the
//	              target, else the default is
//
// Rows overlap. Two rows never begin at one offset, so a slot whose check is c
// belongs to the row that begins c slots before it.
type Table struct {
	Slots   []uint32
	Classes [256]uint8
	// Starts are the start states of the parts; a path's labels are the union
	// over the parts.
	Starts []uint32
	// Labels are the sets that states accept. The first is empty and not used.
	Labels []Labels
	// Belows say what is below directories, as PackOptions.Views see it. The first
	// is that of directories with nothing below. The state of a directory leads by
	// "/" to one that, when it is a sink, has its Below in SinkBelows, and otherwise
	// leads by NUL to a state that accepts its Below, or nothing.
	Belows []Below
	// SinkBelows are the indices into Belows of the sinks that accept Labels.
	SinkBelows []int
}

const (
	// SinkBit marks references to states that every byte leads back to.
	SinkBit = 1 << 23
	// BelowBit marks what a state accepts as an index into Belows.
	BelowBit = 1 << 23
	// nextMask are the bits of a slot that refer to a state.
	nextMask = 1<<24 - 1
	// rowSpan is the number of slots that a row can reach.
	rowSpan = 256
	// firstClass is the smallest class code.
	firstClass = 2
	// maxSlots is what a reference can address.
	maxSlots = SinkBit
	// DefaultMaxBytes is the largest value of a BPF array map element on Linux
	// 5.10 (KMALLOC_MAX_SIZE), and the default limit of a table.
	DefaultMaxBytes = 4 << 20
)

// Bytes returns the size of Slots in bytes.
func (t *Table) Bytes() int { return 4 * len(t.Slots) }

// Match returns the labels of path: none when the path is not canonical.
func (t *Table) Match(path string) Labels {
	var out Labels
	if !IsCanonical(path) {
		return out
	}
	for _, s := range t.Starts {
		for i := 0; i < len(path) && s&SinkBit == 0; i++ {
			c := uint32(t.Classes[path[i]])
			slot := t.Slots[s+c]
			if slot>>24 != c {
				slot = t.Slots[s]
			}
			s = slot & nextMask
		}
		if slot := t.Slots[s&^SinkBit+1]; slot>>24 == 1 {
			out = out.Or(t.Labels[slot&nextMask])
		}
	}
	return out
}

// Verify checks that no walk leaves the table: every reference leads to a row
// that lies within it, every accept value has its labels, and what is called a sink is one.
func (t *Table) Verify() error {
	for b, c := range t.Classes {
		if c < firstClass {
			return fmt.Errorf("automata: table: byte %d has class %d, the smallest is %d", b, c, firstClass)
		}
	}
	if len(t.Starts) == 0 || len(t.Starts) > MostParts {
		return fmt.Errorf("automata: table: %d parts, not 1 to %d", len(t.Starts), MostParts)
	}
	inside := func(ref uint32) bool { return int(ref&^SinkBit)+rowSpan <= len(t.Slots) }
	badRef := func(ref uint32) string {
		switch {
		case !inside(ref):
			return fmt.Sprintf("leads to %d, outside of %d slots", ref, len(t.Slots))
		case t.Slots[ref&^SinkBit]>>24 != 0:
			return fmt.Sprintf("leads to %d, where no row begins", ref&^SinkBit)
		case ref&SinkBit != 0 && t.Slots[ref&^SinkBit] != ref:
			return fmt.Sprintf("calls %d a sink, which it is not", ref&^SinkBit)
		}
		return ""
	}
	for i, s := range t.Starts {
		if s > nextMask {
			return fmt.Errorf("automata: table: part %d starts at %#x, not a reference", i, s)
		}
		if bad := badRef(s); bad != "" {
			return fmt.Errorf("automata: table: part %d %s", i, bad)
		}
	}
	// All slots are checked, not only those that some path reaches.
	for i, slot := range t.Slots {
		next := slot & nextMask
		if slot>>24 != 1 {
			if bad := badRef(next); bad != "" {
				return fmt.Errorf("automata: table: slot %d %s", i, bad)
			}
		} else if below := next &^ BelowBit; below != next {
			if int(below) >= len(t.Belows) {
				return fmt.Errorf("automata: table: slot %d has what is below in %d, but there are %d", i, below, len(t.Belows))
			}
		} else if int(next) >= len(t.Labels) {
			return fmt.Errorf("automata: table: slot %d accepts %d, but there are %d label sets", i, next, len(t.Labels))
		}
	}
	return nil
}
