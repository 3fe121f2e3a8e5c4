// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/avert-dev/avert/bpf"
)

// verifier follows all references of a table. What no walk leads to is read
// neither here nor by the programs.
type verifier struct {
	*table
	mask uint64    // of conditions
	used [256]bool // classes that some byte has
	nul  uint32    // the class that NUL alone has, or 0
	todo []uint32  // rows that are still to be looked at

	rows, sinks    set // that a path can lead to, and those called sinks
	cells, belows  set
	slots, records span // what rows can read, and the cells and belows
}

func newVerifier(t *table) *verifier {
	slots, words := len(t.data)/4, len(t.data)/8
	v := &verifier{
		table: t, mask: t.conditions(), nul: uint32(t.head.Classes[0]),
		rows: newSet(slots), sinks: newSet(slots), cells: newSet(words), belows: newSet(words),
	}
	for b, c := range t.head.Classes {
		v.used[c] = true
		if b != 0 && uint32(c) == v.nul {
			v.nul = 0
		}
	}
	return v
}

// automata verifies all that a walk can read.
func (v *verifier) automata() error {
	for i, ref := range v.head.Starts[:v.head.Parts] {
		if ref > nextMask {
			return fmt.Errorf("part %d starts at %#x, which is no reference", i, ref)
		}
		if err := v.lead(ref); err != nil {
			return fmt.Errorf("part %d %w", i, err)
		}
	}
	for len(v.todo) > 0 {
		at := v.todo[len(v.todo)-1]
		v.todo = v.todo[:len(v.todo)-1]
		if err := v.row(at); err != nil {
			return fmt.Errorf("the row at slot %d %w", at, err)
		}
	}
	return nil
}

// lead verifies where a byte of a path leads.
func (v *verifier) lead(ref uint32) error {
	if err := v.begins(ref); err != nil {
		return err
	}
	if at := ref &^ sinkBit; v.rows.add(at) {
		v.todo = append(v.todo, at)
	}
	return nil
}

// begins verifies that a row begins where a reference leads.
func (v *verifier) begins(ref uint32) error {
	at := ref &^ sinkBit
	end := 4 * (int(at) + rowSpan)
	switch {
	case 4*int(at) < headSize || end > len(v.data):
		return fmt.Errorf("leads to slot %d, which is outside of the slots", at)
	case v.slot(at)>>24 != 0:
		return fmt.Errorf("leads to slot %d, where no row begins", at)
	case ref&sinkBit != 0 && !v.sinks.has(at):
		if !v.sink(ref) {
			return fmt.Errorf("calls slot %d a sink, which it is not", at)
		}
		v.sinks.add(at)
	}
	v.slots.add(4*int(at), end)
	return nil
}

// sink says whether every byte leads back to the state.
func (v *verifier) sink(ref uint32) bool {
	at := ref &^ sinkBit
	for c := uint32(firstClass); c < rowSpan; c++ {
		if s := v.slot(at + c); v.used[c] && s>>24 == c && s&nextMask != ref {
			return false
		}
	}
	return v.slot(at) == ref
}

// row verifies what a row that paths lead to has.
func (v *verifier) row(at uint32) error {
	if err := v.lead(v.slot(at) & nextMask); err != nil {
		return err
	}
	for c := uint32(firstClass); c < rowSpan; c++ {
		s := v.slot(at + c)
		if !v.used[c] || s>>24 != c {
			continue
		}
		lead := v.lead
		if c == v.nul {
			lead = v.end
		}
		if err := lead(s & nextMask); err != nil {
			return err
		}
	}
	value, ok := v.accepted(at)
	switch {
	case !ok:
		return nil
	case value&bpf.BelowBit != 0:
		return errors.New("says of a path what holds below a directory")
	}
	return v.cell(value)
}

// end verifies the state after NUL, where every walk ends.
func (v *verifier) end(ref uint32) error {
	if err := v.begins(ref); err != nil {
		return err
	}
	value, ok := v.accepted(ref)
	switch {
	case !ok:
		return nil
	case value&bpf.BelowBit != 0:
		return v.below(value &^ bpf.BelowBit)
	}
	return v.cell(value)
}

// inside verifies that something that begins at a reference lies within the table.
func (v *verifier) inside(ref uint32, size int) error {
	at := 8 * int64(ref)
	if at < int64(headSize) || at+int64(size) > int64(len(v.data)) {
		return fmt.Errorf("refers to %d bytes at byte %d, which do not lie in the table", size, at)
	}
	v.records.add(int(at), int(at)+size)
	return nil
}

// cell verifies a Cell and what it refers to.
func (v *verifier) cell(ref uint32) error {
	if err := v.inside(ref, cellSize+int(v.head.Layers)*cellLayerSize); err != nil {
		return err
	}
	if !v.cells.add(ref) {
		return nil
	}
	c := v.table.cell(ref)
	switch {
	case c.Atoms&^v.atoms() != 0:
		return fmt.Errorf("refers to the cell at byte %d: atom %d does not exist", 8*int(ref), bits.TrailingZeros64(c.Atoms&^v.atoms()))
	case c.Loader > 1:
		return fmt.Errorf("refers to the cell at byte %d: %d is neither a loader nor none", 8*int(ref), c.Loader)
	}
	for i := range int(v.head.Layers) {
		l := v.cellLayer(ref, i)
		err := verifyMask(l.LoaderAllow, v.mask)
		for _, m := range l.Access {
			if err == nil {
				err = verifyMasks(m, v.mask)
			}
		}
		if err != nil {
			return fmt.Errorf("refers to the cell at byte %d: layer %d: %w", 8*int(ref), i, err)
		}
	}
	if c.Below == 0 {
		return nil
	}
	if err := v.below(c.Below); err != nil {
		return fmt.Errorf("refers to the cell at byte %d, which %w", 8*int(ref), err)
	}
	return nil
}

// nothing verifies what the programs read where there is neither a Cell nor a Below.
func (v *verifier) nothing() error {
	ref, size := v.head.Nothing, max(cellSize+int(v.head.Layers)*cellLayerSize, int(v.head.Layers)*belowLayerSize)
	if err := v.inside(ref, size); err != nil {
		return err
	}
	for _, b := range v.data[8*int(ref):][:size] {
		if b != 0 {
			return fmt.Errorf("refers to byte %d, where there is something", 8*int(ref))
		}
	}
	return nil
}

// below verifies a Below.
func (v *verifier) below(ref uint32) error {
	if err := v.inside(ref, int(v.head.Layers)*belowLayerSize); err != nil {
		return err
	}
	if !v.belows.add(ref) {
		return nil
	}
	for i := range int(v.head.Layers) {
		l := v.belowLayer(ref, i)
		if err := verifyMask(l.BlockProcess|l.BlockFile|l.AllowProcess|l.AllowFile, v.mask); err != nil {
			return fmt.Errorf("refers to the below at byte %d: layer %d: %w", 8*int(ref), i, err)
		}
	}
	return nil
}

// span is a range of bytes, without the end; empty at first.
type span struct{ begin, end int }

func (s *span) add(begin, end int) {
	if s.end == 0 {
		s.begin = begin
	}
	s.begin, s.end = min(s.begin, begin), max(s.end, end)
}

// set is a set of small numbers.
type set []uint64

func newSet(n int) set { return make(set, n/64+1) }

func (s set) has(i uint32) bool { return s[i/64]>>(i%64)&1 != 0 }

// add adds a number, and says whether it is new.
func (s set) add(i uint32) bool {
	added := !s.has(i)
	s[i/64] |= 1 << (i % 64)
	return added
}

func (s set) count() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}
