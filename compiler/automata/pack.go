// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"cmp"
	"fmt"
	"slices"
)

// PackOptions bounds a table.
type PackOptions struct {
	// MaxBytes is the largest size of the slots; 0 means DefaultMaxBytes.
	MaxBytes int
}

// SizeError says that a table is too large.
type SizeError struct {
	// Bytes is the size that packing had reached, MaxBytes the limit.
	Bytes, MaxBytes int
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("the path table needs %d bytes or more, at most %d are possible", e.Bytes, e.MaxBytes)
}

// Pack lays the set out as a table. The error is a *SizeError, or says that the
// patterns tell too many bytes apart.
//
// Rows with many exceptions are placed first, where there is room for them. The
// others follow in depth-first order, so that the states along a path are
// neighbours in memory.
func (s *Set) Pack(opt PackOptions) (*Table, error) {
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = DefaultMaxBytes
	}
	d := &s.dfa
	if d.classes.num > rowSpan-firstClass {
		return nil, fmt.Errorf("the patterns tell %d classes of bytes apart, at most %d are possible", d.classes.num, rowSpan-firstClass)
	}
	p := &packer{dfa: d, limit: min(opt.MaxBytes/4, maxSlots) - rowSpan, base: make([]uint32, len(d.rows))}
	for _, st := range p.order() {
		if !p.place(st) {
			return nil, &SizeError{Bytes: 4 * (p.end + rowSpan), MaxBytes: opt.MaxBytes}
		}
	}
	t := &Table{Slots: make([]uint32, p.end+rowSpan), Labels: s.labels}
	for b, c := range d.classes.of {
		t.Classes[b] = c + firstClass
	}
	for st, r := range d.rows {
		base := p.base[st]
		t.Slots[base] = p.ref(r.def)
		if r.accept != 0 {
			t.Slots[base+1] = 1<<24 | uint32(r.accept)
		}
		for _, e := range d.exceptions(int32(st)) {
			c := uint32(e.class) + firstClass
			t.Slots[base+c] = c<<24 | p.ref(e.to)
		}
	}
	for _, st := range d.starts {
		t.Starts = append(t.Starts, p.ref(st))
	}
	return t, nil
}

type packer struct {
	*dfa
	limit int      // one past the last slot that may be taken
	base  []uint32 // of each state
	taken []bool
	low   int // no slot below is tried any more
	end   int // one past the last slot taken
	far   int // rows that had to go far beyond low
}

// wide is the number of exceptions from which on a row is placed early.
const wide = 3

func (p *packer) order() []int32 {
	order := make([]int32, len(p.rows))
	for i := range order {
		order[i] = int32(i)
	}
	width := func(s int32) int {
		n := int(p.rows[s].hi - p.rows[s].lo)
		if n < wide {
			return 0
		}
		return n
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(width(b), width(a)) })
	return order
}

// place finds the first offset from low where the row of s fits.
func (p *packer) place(s int32) bool {
	// A row that fits only far beyond the first gap says that what is before is
	// too ragged to be worth the search.
	const farAway, patience = 2048, 16
	for p.slot(p.low) {
		p.low++
	}
	at := p.low
	for ; !p.fits(s, at); at++ {
		if at >= p.limit {
			p.end = max(p.end, at)
			return false
		}
	}
	p.take(at)
	if p.rows[s].accept != 0 {
		p.take(at + 1)
	}
	for _, e := range p.exceptions(s) {
		p.take(at + int(e.class) + firstClass)
	}
	p.base[s] = uint32(at)
	if at-p.low > farAway {
		if p.far++; p.far > patience {
			p.low += (at - p.low) / 4
			p.far = 0
		}
	}
	return p.end <= p.limit
}

func (p *packer) fits(s int32, at int) bool {
	if p.slot(at) || p.rows[s].accept != 0 && p.slot(at+1) {
		return false
	}
	for _, e := range p.exceptions(s) {
		if p.slot(at + int(e.class) + firstClass) {
			return false
		}
	}
	return true
}

// slot reports whether slot i is taken.
func (p *packer) slot(i int) bool { return i < len(p.taken) && p.taken[i] }

func (p *packer) take(i int) {
	for len(p.taken) <= i {
		p.taken = append(p.taken, make([]bool, 4096)...)
	}
	p.taken[i] = true
	p.end = max(p.end, i+1)
}

// ref returns the reference to s.
func (p *packer) ref(s int32) uint32 {
	if p.sink(s) {
		return p.base[s] | SinkBit
	}
	return p.base[s]
}
