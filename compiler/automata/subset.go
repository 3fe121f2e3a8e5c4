// SPDX-License-Identifier: Apache-2.0

package automata

import "slices"

// determinizer is the subset construction of an nfa, on demand: states and
// their rows come into being when expand is called.
//
// A state is a sorted list of items after one number: the labels that are
// accepted whatever follows. Items that can add no label to those are dropped,
// else every "/dir/**" would keep all rules below it apart for nothing.
type determinizer struct {
	dfa
	nfa     *nfa
	limit   limits
	keys    []int32 // absorbed labels and items of all states
	keyEnd  []uint32
	states  index
	rowDone []bool
	// setClasses[i] are the classes of set i, setOthers[i] the rest.
	setClasses, setOthers [][]uint8
	setIn                 [][256]bool
	slash                 uint8

	// Scratch of expand: the classes that may not follow the default, and where
	// each of them and the default lead.
	touched   []uint8
	isTouched [256]bool
	moves     [256][]item32
	defMove   []item32
	key       []int32
}

// limits bounds a construction. All that is counted is memory.
type limits struct{ states, items, edges int }

func limitsFor(states int) limits {
	const perState, some = 16, 1 << 16
	return limits{states: states, items: perState*states + some, edges: perState*states + some}
}

// newDeterminizer makes the construction with its start state.
func newDeterminizer(a *nfa, classes classMap, limit limits) *determinizer {
	d := &determinizer{nfa: a, limit: limit, slash: classes.of['/']}
	d.classes = classes
	for _, s := range a.sets {
		in := classes.classesOf(s)
		d.setClasses = append(d.setClasses, in)
		d.setOthers = append(d.setOthers, classes.classesOf(s.complement()))
		var has [256]bool
		for _, c := range in {
			has[c] = true
		}
		d.setIn = append(d.setIn, has)
	}
	d.starts = []int32{d.intern(0, slices.Clone(a.closures[a.root]))}
	return d
}

// intern returns the state of the items, which it reorders.
func (d *determinizer) intern(absorbed labelID, items []item32) int32 {
	a := d.nfa
	for _, it := range items {
		if n := it >> 1; it&1 == 0 && a.absorbing(n) {
			absorbed = a.labels.union(absorbed, a.nodes[n].accept)
		}
	}
	d.key = append(d.key[:0], int32(absorbed))
	if len(items) > 1 {
		slices.Sort(items)
	}
	last := item32(-1)
	for _, it := range items {
		if it == last || a.labels.subset(a.nodes[it>>1].reach, absorbed) {
			continue
		}
		d.key = append(d.key, it)
		last = it
	}
	h := uint64(len(d.key))
	for _, x := range d.key {
		h = mix(h, uint64(x))
	}
	if s, ok := d.states.find(h, func(s int32) bool { return slices.Equal(d.stateKey(s), d.key) }); ok {
		return s
	}
	d.keys = append(d.keys, d.key...)
	d.keyEnd = append(d.keyEnd, uint32(len(d.keys)))
	accept := absorbed
	for _, it := range d.key[1:] {
		if it&1 == 0 {
			accept = a.labels.union(accept, a.nodes[it>>1].accept)
		}
	}
	d.rows = append(d.rows, row{accept: accept})
	d.rowDone = append(d.rowDone, false)
	return d.states.add(h)
}

func (d *determinizer) stateKey(s int32) []int32 {
	lo := uint32(0)
	if s > 0 {
		lo = d.keyEnd[s-1]
	}
	return d.keys[lo:d.keyEnd[s]]
}

// expand makes the row of s. It returns ErrBudget when a limit is reached.
func (d *determinizer) expand(s int32) error {
	if d.rowDone[s] {
		return nil
	}
	if len(d.rows) > d.limit.states || len(d.keys) > d.limit.items || len(d.edges) > d.limit.edges {
		return ErrBudget
	}
	d.rowDone[s] = true
	a := d.nfa
	key := d.stateKey(s)
	absorbed, items := labelID(key[0]), key[1:]
	d.touch(items)
	// The moves of the default and of each class that does not follow it.
	for _, it := range items {
		n := it >> 1
		if it&1 != 0 {
			d.moveAll(it)
			d.move(d.slash, a.closures[n]...)
			continue
		}
		switch x := &a.nodes[n]; x.loop {
		case tokAny:
			d.moveAll(a.closures[n]...)
		case tokStar:
			d.defMove = append(d.defMove, a.closures[n]...)
			for _, c := range d.touched {
				if c != d.slash {
					d.move(c, a.closures[n]...)
				}
			}
		}
		for _, e := range a.arcs[a.nodes[n].lo:a.nodes[n].hi] {
			switch e.kind {
			case tokByte:
				d.move(d.classes.of[e.b], a.closures[e.child]...)
			case tokSet:
				in := &d.setIn[e.set]
				if in[0] {
					d.defMove = append(d.defMove, a.closures[e.child]...)
				}
				for _, c := range d.touched {
					if in[c] {
						d.move(c, a.closures[e.child]...)
					}
				}
			}
		}
	}
	def := d.intern(absorbed, d.defMove)
	d.defMove = d.defMove[:0]
	lo := uint32(len(d.edges))
	slices.Sort(d.touched)
	for _, c := range d.touched {
		if to := d.intern(absorbed, d.moves[c]); to != def {
			d.edges = append(d.edges, edge{to: to, class: c})
		}
		d.moves[c] = d.moves[c][:0]
		d.isTouched[c] = false
	}
	d.touched = d.touched[:0]
	r := &d.rows[s]
	r.def, r.lo, r.hi = def, lo, uint32(len(d.edges))
	return nil
}

// touch collects the classes that may lead elsewhere than class 0 does.
func (d *determinizer) touch(items []item32) {
	a := d.nfa
	mark := func(c uint8) {
		if c != 0 && !d.isTouched[c] {
			d.isTouched[c] = true
			d.touched = append(d.touched, c)
		}
	}
	for _, it := range items {
		x := &a.nodes[it>>1]
		if it&1 != 0 {
			mark(d.slash)
			continue
		}
		if x.loop == tokStar {
			mark(d.slash)
		}
		for _, e := range a.arcs[x.lo:x.hi] {
			switch e.kind {
			case tokByte:
				mark(d.classes.of[e.b])
			case tokSet:
				differ := d.setClasses[e.set]
				if d.setIn[e.set][0] {
					differ = d.setOthers[e.set]
				}
				for _, c := range differ {
					mark(c)
				}
			}
		}
	}
}

func (d *determinizer) move(c uint8, items ...item32) { d.moves[c] = append(d.moves[c], items...) }

func (d *determinizer) moveAll(items ...item32) {
	d.defMove = append(d.defMove, items...)
	for _, c := range d.touched {
		d.move(c, items...)
	}
}

// all expands every state.
func (d *determinizer) all() error {
	for s := int32(0); int(s) < len(d.rows); s++ {
		if err := d.expand(s); err != nil {
			return err
		}
	}
	return nil
}
