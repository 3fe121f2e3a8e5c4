// SPDX-License-Identifier: Apache-2.0

package ir

import "math/bits"

// MaxAtoms is the number of distinct `from` lists of a layer.
const MaxAtoms = 64

// Lineage is the automaton that a process moves through with every successful
// exec. Its input is the set of atoms that the new image matches; an atom is
// one list of patterns of some `from` field.
type Lineage struct {
	// Atoms lists the patterns of each atom. Atom i is bit i of a mask.
	Atoms [][]string
	// Parents and Ancestors are the atoms that such conditions use.
	Parents, Ancestors uint64
	// Conds are the distinct conditions of the layer's rules.
	Conds []Cond
}

// Cond is a condition on the lineage: each mask is one atom, or 0 for none.
type Cond struct {
	Exe, Parent, Ancestor uint64
}

// Always is the index of the condition that holds for every process.
const Always = -1

// State is the domain of a process as a tuple. The zero State is that of a
// process before its first exec: no condition holds.
type State struct {
	// Current are the atoms that the current image matches; Parent those of
	// Lineage.Parents that the image before matched; Seen those of
	// Lineage.Ancestors that any earlier image matched.
	Current, Parent, Seen uint64
}

// Bits returns how many bits a State of l needs.
func (l *Lineage) Bits() int {
	return len(l.Atoms) + bits.OnesCount64(l.Parents) + bits.OnesCount64(l.Ancestors)
}

// Exec returns the state after an image that matches the atoms was executed.
func (l *Lineage) Exec(s State, atoms uint64) State {
	return State{Current: atoms, Parent: s.Current & l.Parents, Seen: s.Seen | s.Current&l.Ancestors}
}

// Holds says whether condition i (or Always) holds in a state.
func (l *Lineage) Holds(i int, s State) bool {
	if i == Always {
		return true
	}
	c := l.Conds[i]
	return c.Exe&^s.Current == 0 && c.Parent&^s.Parent == 0 && c.Ancestor&^s.Seen == 0
}
