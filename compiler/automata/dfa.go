// SPDX-License-Identifier: Apache-2.0

package automata

import "slices"

// dfa is a complete deterministic automaton over byte classes. A state has a
// default target, taken by class 0, and exceptions: the classes that lead
// elsewhere, ascending. Acceptance is a number whose meaning the user knows;
// 0 is "does not accept".
type dfa struct {
	classes classMap
	rows    []row
	edges   []edge
	starts  []int32
}

type row struct {
	def    int32
	lo, hi uint32 // exceptions are edges[lo:hi]
	accept labelID
}

type edge struct {
	to    int32
	class uint8
}

func (d *dfa) exceptions(s int32) []edge { return d.edges[d.rows[s].lo:d.rows[s].hi] }

// next follows one class.
func (d *dfa) next(s int32, class uint8) int32 {
	ex := d.exceptions(s)
	lo, hi := 0, len(ex)
	for lo < hi {
		mid := (lo + hi) / 2
		switch c := ex[mid].class; {
		case c == class:
			return ex[mid].to
		case c < class:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return d.rows[s].def
}

// sink reports whether every byte leads from s back to s.
func (d *dfa) sink(s int32) bool {
	r := &d.rows[s]
	return r.def == s && r.lo == r.hi
}

// classMap maps bytes to classes: bytes of one class are never told apart.
// Classes are numbered by their smallest byte, so NUL is in class 0, which
// stands for the bytes that no pattern mentions.
type classMap struct {
	of  [256]uint8
	num int
}

// partition is a class map in the making.
type partition struct {
	of  [256]int
	num int
}

// split separates the members of s from the others.
func (p *partition) split(s byteSet) {
	var in, out [256]bool
	for b := range 256 {
		if s.has(byte(b)) {
			in[p.of[b]] = true
		} else {
			out[p.of[b]] = true
		}
	}
	var fresh [256]int
	for b := range 256 {
		if c := p.of[b]; s.has(byte(b)) && in[c] && out[c] {
			if fresh[c] == 0 {
				p.num++
				fresh[c] = p.num
			}
			p.of[b] = fresh[c]
		}
	}
}

// isolate gives each member of s a class of its own.
func (p *partition) isolate(s byteSet) {
	for b := range 256 {
		if s.has(byte(b)) {
			p.num++
			p.of[b] = p.num
		}
	}
}

// classMap numbers the classes by their smallest byte.
func (p *partition) classMap() classMap {
	var m classMap
	ids := make([]int, p.num+1) // plus 1; 0 is none
	for b := range 256 {
		id := &ids[p.of[b]]
		if *id == 0 {
			m.num++
			*id = m.num
		}
		m.of[b] = uint8(*id - 1)
	}
	return m
}

// classesOf returns the classes of the members of s, ascending. Members of one
// class must be in s together.
func (m *classMap) classesOf(s byteSet) []uint8 {
	var in [256]bool
	for b := range 256 {
		if s.has(byte(b)) {
			in[m.of[b]] = true
		}
	}
	var out []uint8
	for c := range m.num {
		if in[c] {
			out = append(out, uint8(c))
		}
	}
	return out
}

// jointClasses returns the coarsest map that is finer than all of maps.
func jointClasses(maps ...*classMap) classMap {
	var p partition
	for _, m := range maps {
		for c := 1; c < m.num; c++ {
			var s byteSet
			for b := range 256 {
				if int(m.of[b]) == c {
					s.add(byte(b))
				}
			}
			p.split(s)
		}
	}
	return p.classMap()
}

// finer lists, for each class of m, the classes of joint that it consists of.
func (m *classMap) finer(joint *classMap) [][]uint8 {
	out := make([][]uint8, m.num)
	seen := make([]bool, joint.num)
	for b, j := range joint.of {
		if !seen[j] {
			seen[j] = true
			out[m.of[b]] = append(out[m.of[b]], j)
		}
	}
	return out
}

// equal reports whether minimal automata are the same.
func (d *dfa) equal(o *dfa) bool {
	return d.classes == o.classes && slices.Equal(d.rows, o.rows) && slices.Equal(d.edges, o.edges) && slices.Equal(d.starts, o.starts)
}
