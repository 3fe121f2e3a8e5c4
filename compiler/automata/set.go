// SPDX-License-Identifier: Apache-2.0

package automata

// Set is a compiled set of rules: one or a few minimal automata that read the
// same bytes side by side and share byte classes and states. It is immutable.
type Set struct {
	dfa    dfa
	labels []Labels // of each accept value; the first is empty
}

// newSet joins the parts of a compilation.
func newSet(c *compilation) *Set {
	all := &dfa{classes: c.classes}
	for _, p := range c.parts {
		states, edges := int32(len(all.rows)), uint32(len(all.edges))
		for _, r := range p.rows {
			all.rows = append(all.rows, row{def: r.def + states, lo: r.lo + edges, hi: r.hi + edges, accept: r.accept})
		}
		for _, e := range p.edges {
			all.edges = append(all.edges, edge{to: e.to + states, class: e.class})
		}
		all.starts = append(all.starts, p.starts[0]+states)
	}
	if len(c.parts) == 0 {
		all.rows = []row{{}}
		all.starts = []int32{0}
	}
	s := &Set{dfa: *minimize(all), labels: []Labels{{}}}
	id := map[labelID]labelID{0: 0}
	for i := range s.dfa.rows {
		r := &s.dfa.rows[i]
		n, ok := id[r.accept]
		if !ok {
			n = labelID(len(s.labels))
			id[r.accept] = n
			s.labels = append(s.labels, c.labels.sets[r.accept])
		}
		r.accept = n
	}
	return s
}

// State is where the parts of a Set are after some bytes. It is comparable:
// equal states have equal futures. It is meaningful for its Set only.
type State [MostParts]int32

// Start returns the state before the first byte.
func (s *Set) Start() State {
	var st State
	copy(st[:], s.dfa.starts)
	return st
}

// Step returns the state after one more byte.
func (s *Set) Step(st State, b byte) State {
	c := s.dfa.classes.of[b]
	for i := range s.dfa.starts {
		st[i] = s.dfa.next(st[i], c)
	}
	return st
}

// Walk returns the state after all bytes of suffix.
func (s *Set) Walk(st State, suffix string) State {
	for i := range len(suffix) {
		st = s.Step(st, suffix[i])
	}
	return st
}

// Accept returns the labels of the path that led to st. They are meaningful when
// that path is canonical.
func (s *Set) Accept(st State) Labels {
	out := s.labels[s.dfa.rows[st[0]].accept]
	for i := 1; i < len(s.dfa.starts); i++ {
		if a := s.dfa.rows[st[i]].accept; a != 0 {
			out = out.Or(s.labels[a])
		}
	}
	return out
}

// Match returns the labels of the rules that match path: none when the path is
// not canonical.
func (s *Set) Match(path string) Labels {
	if !IsCanonical(path) {
		return Labels{}
	}
	return s.Accept(s.Walk(s.Start(), path))
}

// Parts returns the number of automata.
func (s *Set) Parts() int { return len(s.dfa.starts) }

// States returns the number of states of all parts; what they share counts once.
func (s *Set) States() int { return len(s.dfa.rows) }
