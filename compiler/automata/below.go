// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"encoding/binary"
	"slices"
)

// View is what somebody tells apart of what paths are labelled with: a number
// that is equal for labels that mean the same, 0 for those that mean nothing, as
// the empty set must.
type View func(Labels) int

// Below is what a set says about all paths below a directory.
type Below struct {
	// Classes has a number for each View: equal for directories below which the
	// view sees the same at the same names, 0 where it sees nothing.
	Classes []int
	// Labels are those of the paths below, one set for all that the views do not
	// tell apart.
	Labels Labels
}

// belows is what a set says below directories.
type belows struct {
	all []Below // the first is that of directories with nothing below
	// of maps each state that a slash leads to from a directory to its Below.
	of map[int32]int
}

// belows finds the coarsest classes of directories that the views allow.
func (s *Set) belows(views []View) belows {
	colours := s.colours(views)
	paths, after := s.dfa.canonicalPaths(colours.of)
	joint := minimize(paths)
	out := belows{all: []Below{{Classes: make([]int, len(views))}}, of: map[int32]int{}}
	classes := make([][]int32, len(views))
	nothing := make([][]bool, len(views))
	for v := range views {
		classes[v], nothing[v] = joint.classesOf(func(colour labelID) labelID { return labelID(colours.seen[colour][v]) })
	}
	reached := joint.reached(colours.labels)
	known := map[int32]int{} // index in all of states of joint
	for i, start := range joint.starts {
		at, ok := known[start]
		if !ok {
			b := Below{Classes: make([]int, len(views)), Labels: reached[start]}
			empty := true
			for v := range views {
				if !nothing[v][i] {
					b.Classes[v], empty = int(classes[v][i])+1, false
				}
			}
			if !empty {
				at = len(out.all)
				out.all = append(out.all, b)
			}
			known[start] = at
		}
		out.of[after[i]] = at
	}
	return out
}

// colours are the sets of labels as far as views tell them apart.
type colours struct {
	of     []labelID // by index of Set.labels
	seen   [][]int   // what each view sees of a colour
	labels []Labels  // one set of each colour
}

func (s *Set) colours(views []View) colours {
	c := colours{of: make([]labelID, len(s.labels)), seen: [][]int{make([]int, len(views))}, labels: []Labels{{}}}
	ids := map[string]labelID{string(make([]byte, 8*len(views))): 0}
	for i, labels := range s.labels[1:] {
		var key []byte
		seen := make([]int, len(views))
		for v, view := range views {
			seen[v] = view(labels)
			key = binary.LittleEndian.AppendUint64(key, uint64(seen[v]))
		}
		id, ok := ids[string(key)]
		if !ok {
			id = labelID(len(c.seen))
			ids[string(key)] = id
			c.seen = append(c.seen, seen)
			c.labels = append(c.labels, labels)
		}
		c.of[i+1] = id
	}
	return c
}

// canonicalPaths returns an automaton that accepts canonical paths alone, each
// state of d by its colour, and begins after the slash that follows a directory:
// start i is that of the state after[i] of d. Two of its states have equal
// languages when nothing is told apart below such directories.
func (d *dfa) canonicalPaths(colour []labelID) (out *dfa, after []int32) {
	var alone byteSet
	alone.add('.')
	alone.add('/')
	var p partition
	p.isolate(alone)
	separators := p.classMap()
	out = &dfa{classes: jointClasses(&d.classes, &separators), rows: []row{{}}} // state 0 accepts nothing
	finer := d.classes.finer(&out.classes)
	dot, slash := out.classes.of['.'], out.classes.of['/']
	// NUL, which no path has, goes where other bytes go that no pattern mentions.
	coarser, canon := make([]uint8, out.classes.num), make([]uint8, out.classes.num)
	for b := 1; b < 256; b++ {
		coarser[out.classes.of[b]], canon[out.classes.of[b]] = d.classes.of[b], canonical.classes.of[b]
	}

	type pair struct{ state, mode int32 }
	var pairs []pair // of the states of out but the first
	ids := make([]int32, len(d.rows)*len(canonical.rows))
	id := func(state, mode int32) int32 {
		if mode == canonicalNever {
			return 0
		}
		at := &ids[int(state)*len(canonical.rows)+int(mode)]
		if *at == 0 {
			pairs = append(pairs, pair{state, mode})
			*at = int32(len(pairs))
			if mode == canonicalSlash {
				out.starts = append(out.starts, *at)
				after = append(after, state)
			}
		}
		return *at
	}
	for _, s := range d.starts {
		id(s, canonical.starts[0])
	}
	other := canonical.classes.of[1]
	var touched []uint8
	for i := 0; i < len(pairs); i++ {
		at := pairs[i]
		touched = append(touched[:0], dot, slash)
		for _, e := range d.exceptions(at.state) {
			touched = append(touched, finer[e.class]...)
		}
		slices.Sort(touched)
		r := row{def: id(d.rows[at.state].def, canonical.next(at.mode, other)), lo: uint32(len(out.edges))}
		for _, c := range slices.Compact(touched) {
			if to := id(d.next(at.state, coarser[c]), canonical.next(at.mode, canon[c])); to != r.def {
				out.edges = append(out.edges, edge{to: to, class: c})
			}
		}
		r.hi = uint32(len(out.edges))
		if canonical.rows[at.mode].accept != 0 {
			r.accept = colour[d.rows[at.state].accept]
		}
		out.rows = append(out.rows, r)
	}
	return out, after
}

// classesOf returns a number for the language of each start when states accept
// what view makes of their acceptance, and whether that language is empty.
func (d *dfa) classesOf(view func(labelID) labelID) (classes []int32, empty []bool) {
	seen := &dfa{classes: d.classes, rows: slices.Clone(d.rows), edges: d.edges, starts: d.starts}
	for i := range seen.rows {
		seen.rows[i].accept = view(seen.rows[i].accept)
	}
	m := minimize(seen)
	for _, s := range m.starts {
		empty = append(empty, m.rows[s].accept == 0 && m.sink(s))
	}
	return m.starts, empty
}

// reached returns the union of the labels that each state leads to.
func (d *dfa) reached(labels []Labels) []Labels {
	in := newInterner()
	of := make([]labelID, len(d.rows))
	queued := make([]bool, len(d.rows))
	var queue []int32
	for s, r := range d.rows {
		if of[s] = in.id(labels[r.accept]); of[s] != 0 {
			queue, queued[s] = append(queue, int32(s)), true
		}
	}
	preds, lo := d.predecessors()
	for len(queue) > 0 {
		s := queue[0]
		queue, queued[s] = queue[1:], false
		for _, q := range preds[lo[s]:lo[s+1]] {
			if both := in.union(of[q], of[s]); both != of[q] {
				of[q] = both
				if !queued[q] {
					queue, queued[q] = append(queue, q), true
				}
			}
		}
	}
	out := make([]Labels, len(d.rows))
	for s := range out {
		out[s] = in.sets[of[s]]
	}
	return out
}

// withBelows returns the set's automaton with an edge for NUL, a class of its
// own, from every state after a directory's slash: to a state that accepts the
// number of its Below with BelowBit. Where nothing is below the edge leads to a
// state that accepts nothing, if it did not anyway. No path has a NUL.
func (s *Set) withBelows(b belows) *dfa {
	d := &s.dfa
	out := &dfa{classes: d.classes, rows: make([]row, len(d.rows)), starts: d.starts}
	nul := uint8(d.classes.num)
	out.classes.of[0] = nul
	out.classes.num++
	last := int32(len(d.rows)) // the number of states that there will be
	rowOf := map[int]int32{}
	var added []row
	target := func(below int) int32 {
		at, ok := rowOf[below]
		if !ok {
			at = last
			last++
			rowOf[below] = at
			r := row{def: at}
			if below != 0 {
				r.accept = labelID(BelowBit | below)
			}
			added = append(added, r)
		}
		return at
	}
	for i, r := range d.rows {
		lo := uint32(len(out.edges))
		out.edges = append(out.edges, d.exceptions(int32(i))...)
		if below, ok := b.of[int32(i)]; ok && !d.sink(int32(i)) && (below != 0 || d.rows[r.def].accept != 0) {
			out.edges = append(out.edges, edge{to: target(below), class: nul})
		}
		out.rows[i] = row{def: r.def, lo: lo, hi: uint32(len(out.edges)), accept: r.accept}
	}
	for _, r := range added {
		r.lo, r.hi = uint32(len(out.edges)), uint32(len(out.edges))
		out.rows = append(out.rows, r)
	}
	return out
}
