// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// Box is the set of flows, in one direction, of the pods that Subject selects
// with the peers Peer at the ports Ports.
type Box struct {
	Subject policy.Selector
	Peer    Peer
	Ports   Ports
}

// MaxPieces bounds what a subtraction may leave of one box, since a list of
// subtractions multiplies pieces.
const MaxPieces = 32

// Overlaps says whether some flow may be in both boxes.
func (b Box) Overlaps(o Box) bool {
	return b.Ports.overlaps(o.Ports) && b.Peer.overlaps(o.Peer) && !b.Subject.Disjoint(o.Subject)
}

// Minus returns boxes that together have the flows of b but not of o. They may
// overlap each other. stuck are those of its flows that may overlap o and
// cannot be told apart from it.
func (b Box) Minus(o Box) (rest, stuck []Box) {
	if !b.Overlaps(o) {
		return []Box{b}, nil
	}
	for _, s := range minusSelector(b.Subject, o.Subject) {
		rest = append(rest, Box{s, b.Peer, b.Ports})
	}
	both := b.Subject.And(o.Subject)
	peers, ok := b.Peer.minus(o.Peer)
	if !ok {
		return rest, []Box{{both, b.Peer, b.Ports}}
	}
	for _, p := range peers {
		rest = append(rest, Box{b.Subject, p, b.Ports})
	}
	ports, ok := b.Ports.minus(o.Ports)
	if !ok {
		return rest, []Box{{both, b.Peer, b.Ports}}
	}
	if len(ports) > 0 {
		rest = append(rest, Box{b.Subject, b.Peer, ports})
	}
	return rest, nil
}

// And returns the flows of both boxes, where b is of everyone or pods and o of
// pods.
func (b Box) And(o Box) Box {
	return Box{b.Subject.And(o.Subject), b.Peer.and(o.Peer), b.Ports.and(o.Ports)}
}

// Outcome is that of Subtract.
type Outcome uint8

const (
	Done Outcome = iota
	// Stuck: something of the boxes cannot be told apart from what is removed.
	Stuck
	// TooMany pieces would be left.
	TooMany
)

// Subtract removes o from every box. The boxes are as they were when that is
// not Done.
func Subtract(boxes []Box, o Box) ([]Box, Outcome) {
	var out []Box
	for _, b := range boxes {
		rest, stuck := b.Minus(o)
		if len(stuck) > 0 {
			return boxes, Stuck
		}
		if out = append(out, rest...); len(out) > MaxPieces {
			return boxes, TooMany
		}
	}
	return out, Done
}

// Compact removes boxes that another one has all of.
func Compact(boxes []Box) []Box {
	var out []Box
	for i, b := range boxes {
		if !slices.ContainsFunc(out, func(o Box) bool { return b.Within(o) }) &&
			!slices.ContainsFunc(boxes[i+1:], func(o Box) bool { return b.Within(o) && !o.Within(b) }) {
			out = append(out, b)
		}
	}
	return out
}

// Within says whether o provably has all of b.
func (b Box) Within(o Box) bool {
	if !Within(b.Subject, o.Subject) || !b.Peer.within(o.Peer) {
		return false
	}
	left, ok := b.Ports.minus(o.Ports)
	return ok && len(left) == 0
}
