// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"cmp"
	"slices"
)

// minimize returns the automaton with the fewest states and byte classes that
// has the same languages from the same starts. Its states are numbered in
// depth-first order from the starts, so equal languages give equal automata.
//
// States are told apart round by round. A state is looked at again only when
// one of its targets moved to another block, and the largest piece of a split
// block keeps its number: each state moves at most log n times (Hopcroft's
// argument), and defaults need not be spelled out.
func minimize(d *dfa) *dfa {
	r := &refiner{dfa: d}
	r.start()
	for len(r.dirty) > 0 {
		r.round()
	}
	return r.quotient().mergeClasses()
}

type refiner struct {
	*dfa
	block []int32 // of each state
	// The states of block b are elems[blocks[b].lo:blocks[b].hi], and state s
	// stands at elems[pos[s]].
	elems, pos []int32
	blocks     []span
	// Sources of the transitions into s are preds[predLo[s]:predLo[s+1]].
	preds   []int32
	predLo  []uint32
	dirty   []int32
	isDirty []bool
	hashes  []uint64
	// Memory for the next round.
	spare, fresh []int32
	parts        []span
}

func (r *refiner) start() {
	n := len(r.rows)
	r.block = make([]int32, n)
	r.isDirty = make([]bool, n)
	r.hashes = make([]uint64, n)
	r.pos = make([]int32, n)
	r.elems = make([]int32, n)
	for s := range r.elems {
		r.elems[s] = int32(s)
		r.mark(int32(s))
	}
	slices.SortStableFunc(r.elems, func(s, t int32) int { return cmp.Compare(r.rows[s].accept, r.rows[t].accept) })
	for i, s := range r.elems {
		r.pos[s] = int32(i)
		if i == 0 || r.rows[s].accept != r.rows[r.elems[i-1]].accept {
			r.blocks = append(r.blocks, span{int32(i), int32(i)})
		}
		b := len(r.blocks) - 1
		r.blocks[b].hi++
		r.block[s] = int32(b)
	}
	r.preds, r.predLo = r.predecessors()
}

// predecessors returns the sources of the transitions into every state s:
// preds[lo[s]:lo[s+1]].
func (d *dfa) predecessors() (preds []int32, lo []uint32) {
	n := len(d.rows)
	each := func(visit func(from, to int32)) {
		for s := range d.rows {
			visit(int32(s), d.rows[s].def)
			for _, e := range d.exceptions(int32(s)) {
				visit(int32(s), e.to)
			}
		}
	}
	lo = make([]uint32, n+1)
	each(func(_, to int32) { lo[to+1]++ })
	for s := range n {
		lo[s+1] += lo[s]
	}
	preds = make([]int32, lo[n])
	fill := slices.Clone(lo)
	each(func(from, to int32) {
		preds[fill[to]] = from
		fill[to]++
	})
	return preds, lo
}

func (r *refiner) mark(s int32) {
	if !r.isDirty[s] {
		r.isDirty[s] = true
		r.dirty = append(r.dirty, s)
	}
}

// hash of where s leads, as blocks.
func (r *refiner) hash(s int32) uint64 {
	def := r.block[r.rows[s].def]
	h := mix(1, uint64(def))
	for _, e := range r.exceptions(s) {
		if b := r.block[e.to]; b != def {
			h = mix(h, uint64(e.class)<<32|uint64(b))
		}
	}
	return h
}

// same reports whether s and t lead to the same blocks.
func (r *refiner) same(s, t int32) bool {
	def := r.block[r.rows[s].def]
	if def != r.block[r.rows[t].def] {
		return false
	}
	a, b := r.exceptions(s), r.exceptions(t)
	for {
		for len(a) > 0 && r.block[a[0].to] == def {
			a = a[1:]
		}
		for len(b) > 0 && r.block[b[0].to] == def {
			b = b[1:]
		}
		if len(a) == 0 || len(b) == 0 {
			return len(a) == len(b)
		}
		if a[0].class != b[0].class || r.block[a[0].to] != r.block[b[0].to] {
			return false
		}
		a, b = a[1:], b[1:]
	}
}

// round looks at all dirty states once. All of it is judged by the blocks as
// they were when the round began.
func (r *refiner) round() {
	work := r.dirty
	r.dirty, r.spare = r.spare[:0], work
	for _, s := range work {
		r.isDirty[s] = false
		r.hashes[s] = r.hash(s)
	}
	slices.SortFunc(work, func(s, t int32) int {
		return cmp.Or(cmp.Compare(r.block[s], r.block[t]), cmp.Compare(r.hashes[s], r.hashes[t]), cmp.Compare(s, t))
	})
	// New blocks are named at the end: until then r.block is as it was.
	fresh := r.fresh[:0]
	for len(work) > 0 {
		n := 1
		for n < len(work) && r.block[work[n]] == r.block[work[0]] {
			n++
		}
		fresh = r.splitBlock(fresh, work[:n])
		work = work[n:]
	}
	r.fresh = fresh
	for _, b := range fresh {
		for _, s := range r.states(b) {
			r.block[s] = b
		}
	}
	for _, b := range fresh {
		for _, s := range r.states(b) {
			for _, q := range r.preds[r.predLo[s]:r.predLo[s+1]] {
				r.mark(q)
			}
		}
	}
}

// span is a half-open range of refiner.elems.
type span struct{ lo, hi int32 }

func (r *refiner) states(b int32) []int32 { return r.elems[r.blocks[b].lo:r.blocks[b].hi] }

func (r *refiner) place(s, at int32) {
	other, from := r.elems[at], r.pos[s]
	r.elems[at], r.elems[from] = s, other
	r.pos[s], r.pos[other] = at, from
}

// splitBlock splits the block of the dirty states, which are sorted by hash, and
// appends the numbers of new blocks to fresh.
func (r *refiner) splitBlock(fresh, dirty []int32) []int32 {
	b := r.block[dirty[0]]
	whole := r.blocks[b]
	if whole.hi-whole.lo == 1 {
		return fresh
	}
	// The clean states lead to the same blocks as one another, and to none that
	// is new; each dirty state leads to a new one. So they part, and the clean
	// states go to the end.
	at := whole.lo
	parts := r.parts[:0]
	for len(dirty) > 0 {
		n := 1
		for n < len(dirty) && r.hashes[dirty[n]] == r.hashes[dirty[0]] && r.same(dirty[n], dirty[0]) {
			n++
		}
		parts = append(parts, span{at, at + int32(n)})
		for _, s := range dirty[:n] {
			r.place(s, at)
			at++
		}
		dirty = dirty[n:]
	}
	if at < whole.hi {
		parts = append(parts, span{at, whole.hi})
	}
	r.parts = parts
	largest := 0
	for i, p := range parts {
		if p.hi-p.lo > parts[largest].hi-parts[largest].lo {
			largest = i
		}
	}
	r.blocks[b] = parts[largest]
	for i, p := range parts {
		if i != largest {
			fresh = append(fresh, int32(len(r.blocks)))
			r.blocks = append(r.blocks, p)
		}
	}
	return fresh
}

// quotient makes one state of each block that a start reaches, in depth-first
// order.
func (r *refiner) quotient() *dfa {
	q := &dfa{classes: r.classes}
	id := make([]int32, len(r.blocks))
	for i := range id {
		id[i] = -1
	}
	var order []int32 // representatives
	var stack []int32
	for _, s := range r.dfa.starts {
		stack = append(stack, s)
		for len(stack) > 0 {
			s := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if id[r.block[s]] >= 0 {
				continue
			}
			id[r.block[s]] = int32(len(order))
			order = append(order, s)
			def := r.rows[s].def
			stack = append(stack, def)
			ex := r.exceptions(s)
			for i := len(ex) - 1; i >= 0; i-- {
				if r.block[ex[i].to] != r.block[def] {
					stack = append(stack, ex[i].to)
				}
			}
		}
		q.starts = append(q.starts, id[r.block[s]])
	}
	q.rows = make([]row, len(order))
	for i, s := range order {
		def := id[r.block[r.rows[s].def]]
		lo := uint32(len(q.edges))
		for _, e := range r.exceptions(s) {
			if to := id[r.block[e.to]]; to != def {
				q.edges = append(q.edges, edge{to: to, class: e.class})
			}
		}
		q.rows[i] = row{def: def, lo: lo, hi: uint32(len(q.edges)), accept: r.rows[s].accept}
	}
	return q
}

// mergeClasses merges the classes that no state tells apart, in place.
func (d *dfa) mergeClasses() *dfa {
	type cell struct{ from, to int32 }
	end := make([]int, d.classes.num+1) // of each class's column in cells
	for _, e := range d.edges {
		end[int(e.class)+1]++
	}
	for c := range d.classes.num {
		end[c+1] += end[c]
	}
	column := func(cells []cell, c int) []cell {
		if c == 0 {
			return cells[:end[0]]
		}
		return cells[end[c-1]:end[c]]
	}
	cells := make([]cell, len(d.edges))
	for s := range d.rows {
		for _, e := range d.exceptions(int32(s)) {
			cells[end[e.class]] = cell{int32(s), e.to}
			end[e.class]++
		}
	}
	merged := make([]uint8, d.classes.num) // new number of each class
	first := make([]bool, d.classes.num)   // it is the one that stays
	var seen index
	var kept []int // class of each entry of seen
	for c := range d.classes.num {
		col := column(cells, c)
		h := uint64(len(col))
		for _, x := range col {
			h = mix(h, uint64(x.from)<<32|uint64(x.to))
		}
		id, ok := seen.find(h, func(id int32) bool { return slices.Equal(column(cells, kept[id]), col) })
		if !ok {
			id = seen.add(h)
			kept = append(kept, c)
			first[c] = true
		}
		merged[c] = uint8(id)
	}
	n := len(kept)
	if n == d.classes.num {
		return d
	}
	for b := range d.classes.of {
		d.classes.of[b] = merged[d.classes.of[b]]
	}
	d.classes.num = n
	left := d.edges[:0]
	for s := range d.rows {
		r := &d.rows[s]
		ex := d.edges[r.lo:r.hi]
		r.lo = uint32(len(left))
		for _, e := range ex {
			if first[e.class] {
				left = append(left, edge{to: e.to, class: merged[e.class]})
			}
		}
		r.hi = uint32(len(left))
	}
	d.edges = left
	return d
}
