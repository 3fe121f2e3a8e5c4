// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"math/bits"

	"github.com/avert-dev/avert/compiler/ir"
)

// truth is what a profile knows of a condition.
type truth uint8

const (
	never truth = iota
	maybe
	surely
)

// knowledge is what a profile knows of the lineage of the processes in it. A
// profile is entered by the path of an exec and keeps nothing else, so it stands
// for many states of ir.Lineage: an atom whose bit is in a Known mask is as the
// mask beside it says, any other may be either.
type knowledge struct {
	current, currentKnown uint64
	parent, parentKnown   uint64
	seen, seenKnown       uint64
}

// holds says whether a condition holds for every, some or no process.
func (k knowledge) holds(c ir.Cond) truth {
	falsified := c.Exe&k.currentKnown&^k.current | c.Parent&k.parentKnown&^k.parent | c.Ancestor&k.seenKnown&^k.seen
	open := c.Exe&^k.currentKnown | c.Parent&^k.parentKnown | c.Ancestor&^k.seenKnown
	switch {
	case falsified != 0:
		return never
	case open != 0:
		return maybe
	}
	return surely
}

// after returns what is known once an image was executed of which the atoms in
// known are as atoms says.
func (k knowledge) after(l *ir.Lineage, t tracked, atoms, known uint64) knowledge {
	seen := k.seen | k.current
	unseen := k.seenKnown &^ k.seen & k.currentKnown &^ k.current
	return knowledge{
		current: atoms & known & t.current, currentKnown: known & t.current,
		parent: k.current & l.Parents & t.parent, parentKnown: k.currentKnown & l.Parents & t.parent,
		seen: seen & l.Ancestors & t.seen, seenKnown: (seen | unseen) & l.Ancestors & t.seen,
	}
}

// tracked are the atoms that profiles tell apart: as current image, as parent,
// as ancestor. What is not tracked is never known.
type tracked struct{ current, parent, seen uint64 }

// forget returns t without the one atom whose loss costs least, in a fixed
// order: ancestors first, since they multiply profiles, later rules first. ok is
// false when nothing is left.
func (t tracked) forget() (tracked, bool) {
	for _, mask := range []*uint64{&t.seen, &t.parent, &t.current} {
		if *mask != 0 {
			*mask &^= 1 << (bits.Len64(*mask) - 1)
			return t, true
		}
	}
	return t, false
}
