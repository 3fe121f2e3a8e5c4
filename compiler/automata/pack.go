// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// PackOptions bounds a table.
type PackOptions struct {
	// MaxBytes is the largest size of the slots; 0 means DefaultMaxBytes.
	MaxBytes int
	// Views, if there are any, ask for what is below directories.
	Views []View
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
	var below belows
	if len(opt.Views) > 0 {
		below = s.belows(opt.Views)
		d = s.withBelows(below)
	}
	if d.classes.num > rowSpan-firstClass {
		return nil, fmt.Errorf("the patterns tell %d classes of bytes apart, at most %d are possible", d.classes.num, rowSpan-firstClass)
	}
	p := &packer{dfa: d, limit: min(opt.MaxBytes/4, maxSlots) - rowSpan, base: make([]uint32, len(d.rows))}
	for _, st := range p.order() {
		if !p.place(st) {
			return nil, &SizeError{Bytes: 4 * (p.end + rowSpan), MaxBytes: opt.MaxBytes}
		}
	}
	t := &Table{Slots: make([]uint32, p.end+rowSpan), Labels: s.labels, Belows: below.all}
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
	if len(opt.Views) > 0 {
		t.SinkBelows = make([]int, len(s.labels))
		for st, at := range below.of {
			if d.sink(st) {
				t.SinkBelows[d.rows[st].accept] = at
			}
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
	taken []uint64 // a bit for each slot
	low   int      // no slot below is tried any more
	end   int      // one past the last slot taken
	far   int      // rows that had to go far beyond low
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
	for p.bits(p.low) == ^uint64(0) {
		p.low += 64
	}
	at := p.low
	for {
		if at >= p.limit {
			p.end = max(p.end, at)
			return false
		}
		if busy := p.busy(s, at); busy != ^uint64(0) {
			at += bits.TrailingZeros64(^busy)
			break
		}
		at += 64
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

// busy returns a bit for each of the 64 slots from at: whether a row of s that
// begins there meets a taken slot.
func (p *packer) busy(s int32, at int) uint64 {
	busy := p.bits(at)
	if p.rows[s].accept != 0 {
		busy |= p.bits(at + 1)
	}
	for _, e := range p.exceptions(s) {
		if busy == ^uint64(0) {
			break
		}
		busy |= p.bits(at + int(e.class) + firstClass)
	}
	return busy
}

// bits returns whether the 64 slots from i are taken.
func (p *packer) bits(i int) uint64 {
	word, shift := i/64, i%64
	if word+1 >= len(p.taken) {
		p.taken = append(p.taken, make([]uint64, max(64, len(p.taken)))...)
	}
	return p.taken[word]>>shift | p.taken[word+1]<<(64-shift)
}

// take takes slot i, which busy has seen.
func (p *packer) take(i int) {
	p.taken[i/64] |= 1 << (i % 64)
	p.end = max(p.end, i+1)
}

// ref returns the reference to s.
func (p *packer) ref(s int32) uint32 {
	if p.sink(s) {
		return p.base[s] | SinkBit
	}
	return p.base[s]
}
