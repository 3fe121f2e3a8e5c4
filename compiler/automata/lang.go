// SPDX-License-Identifier: Apache-2.0

package automata

// Lang is a language of canonical paths, as a minimal automaton. It is
// immutable. Equal languages have equal automata.
type Lang struct{ dfa *dfa }

// AllPaths returns the language of all canonical paths.
func AllPaths() Lang { return Lang{minimize(canonical)} }

// FromGlobs returns the paths that match one of the globs; without globs that is
// none. The error is ErrBudget when more than budget states come into being.
func FromGlobs(budget int, globs ...*Glob) (Lang, error) {
	d := lazyAutomaton(globs, budget)
	if err := d.all(); err != nil {
		return Lang{}, err
	}
	for i := range d.rows {
		if d.rows[i].accept != 0 {
			d.rows[i].accept = 1
		}
	}
	return product(&d.dfa, canonical, budget, func(a, b bool) bool { return a && b })
}

// Union returns the paths of a or b.
func (a Lang) Union(b Lang, budget int) (Lang, error) {
	return product(a.dfa, b.dfa, budget, func(a, b bool) bool { return a || b })
}

// Intersect returns the paths of both a and b.
func (a Lang) Intersect(b Lang, budget int) (Lang, error) {
	return product(a.dfa, b.dfa, budget, func(a, b bool) bool { return a && b })
}

// Difference returns the paths of a that are not in b.
func (a Lang) Difference(b Lang, budget int) (Lang, error) {
	return product(a.dfa, b.dfa, budget, func(a, b bool) bool { return a && !b })
}

// Complement returns the canonical paths that are not in a.
func (a Lang) Complement(budget int) (Lang, error) { return AllPaths().Difference(a, budget) }

// IsEmpty reports whether a has no path.
func (a Lang) IsEmpty() bool { return a.dfa.sink(a.dfa.starts[0]) }

// Has reports whether path is in a.
func (a Lang) Has(path string) bool {
	s := a.dfa.starts[0]
	for i := range len(path) {
		s = a.dfa.next(s, a.dfa.classes.of[path[i]])
	}
	return a.dfa.rows[s].accept != 0
}

// Witness returns a shortest path of a, and of those the one that reads best:
// letters come before digits, and those before other bytes. It returns false
// when a is empty.
func (a Lang) Witness() (path string, ok bool) {
	if a.IsEmpty() {
		return "", false
	}
	// The automaton rejects what is not canonical, so there are no more tuples
	// than states of it and of canonical.
	budget := len(a.dfa.rows) * len(canonical.rows)
	path, ok, _ = pathOf(walk([]runner{{a.dfa, a.dfa.starts[0]}}, false, budget, func(at []int32) verdict {
		return stopIf(a.dfa.rows[at[0]].accept != 0)
	}))
	return path, ok
}

// Equal reports whether a and b have the same paths.
func (a Lang) Equal(b Lang) bool { return a.dfa.equal(b.dfa) }

// Subset reports whether every path of a is in b; if not, with the witness of
// the difference. It gives up with ErrBudget after budget different states.
func (a Lang) Subset(b Lang, budget int) (ok bool, witness string, err error) {
	witness, found, err := pathOf(walk([]runner{{a.dfa, a.dfa.starts[0]}, {b.dfa, b.dfa.starts[0]}}, false, budget, func(at []int32) verdict {
		return stopIf(a.dfa.rows[at[0]].accept != 0 && b.dfa.rows[at[1]].accept == 0)
	}))
	return err == nil && !found, witness, err
}

// States returns the number of states.
func (a Lang) States() int { return len(a.dfa.rows) }

// product runs a and b side by side.
func product(a, b *dfa, budget int, accept func(a, b bool) bool) (Lang, error) {
	joint := jointClasses(&a.classes, &b.classes)
	finerA, finerB := a.classes.finer(&joint), b.classes.finer(&joint)
	p := &dfa{classes: joint}
	type pair struct{ a, b int32 }
	ids := map[pair]int32{}
	var pairs []pair
	intern := func(x pair) int32 {
		id, ok := ids[x]
		if !ok {
			id = int32(len(pairs))
			ids[x] = id
			pairs = append(pairs, x)
		}
		return id
	}
	p.starts = []int32{intern(pair{a.starts[0], b.starts[0]})}
	// classA and classB are the classes of a joint class.
	classA, classB := make([]uint8, joint.num), make([]uint8, joint.num)
	for byt, j := range joint.of {
		classA[j], classB[j] = a.classes.of[byt], b.classes.of[byt]
	}
	touched := make([]bool, joint.num)
	for i := 0; i < len(pairs); i++ {
		if len(pairs) > budget || len(p.edges) > limitsFor(budget).edges {
			return Lang{}, ErrBudget
		}
		x := pairs[i]
		for _, e := range a.exceptions(x.a) {
			for _, j := range finerA[e.class] {
				touched[j] = true
			}
		}
		for _, e := range b.exceptions(x.b) {
			for _, j := range finerB[e.class] {
				touched[j] = true
			}
		}
		def := intern(pair{a.rows[x.a].def, b.rows[x.b].def})
		lo := uint32(len(p.edges))
		for j := range touched {
			if !touched[j] {
				continue
			}
			touched[j] = false
			if to := intern(pair{a.next(x.a, classA[j]), b.next(x.b, classB[j])}); to != def {
				p.edges = append(p.edges, edge{to: to, class: uint8(j)})
			}
		}
		r := row{def: def, lo: lo, hi: uint32(len(p.edges))}
		if accept(a.rows[x.a].accept != 0, b.rows[x.b].accept != 0) {
			r.accept = 1
		}
		p.rows = append(p.rows, r)
	}
	return Lang{minimize(p)}, nil
}

// Overlaps reports whether a path of a matches g, and a shortest one; and
// whether every path that g matches is in a. After budget different states it
// gives up with ErrBudget.
func (a Lang) Overlaps(g *Glob, budget int) (path string, some, all bool, err error) {
	find := func(in bool) (string, bool, error) {
		lazy := lazyAutomaton([]*Glob{g}, budget)
		return pathOf(walk([]runner{{a.dfa, a.dfa.starts[0]}, {lazy, lazy.starts[0]}}, false, budget, func(at []int32) verdict {
			if lazy.dead(at[1]) || in && a.dfa.sink(at[0]) && a.dfa.rows[at[0]].accept == 0 {
				return prune
			}
			return stopIf(lazy.rows[at[1]].accept != 0 && (a.dfa.rows[at[0]].accept != 0) == in)
		}))
	}
	path, some, err = find(true)
	if err != nil || !some {
		return "", false, false, err
	}
	_, outside, err := find(false)
	return path, true, !outside, err
}
