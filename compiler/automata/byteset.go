// SPDX-License-Identifier: Apache-2.0

package automata

import "math/bits"

// byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(b byte)     { s[b>>6] |= 1 << (b & 63) }
func (s *byteSet) remove(b byte)  { s[b>>6] &^= 1 << (b & 63) }
func (s byteSet) has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

func (s byteSet) complement() byteSet {
	for i := range s {
		s[i] = ^s[i]
	}
	return s
}

// paths returns the members that may stand inside a component of a path.
func (s byteSet) inComponent() byteSet {
	s.remove(0)
	s.remove('/')
	return s
}

func (s byteSet) len() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// min returns the smallest member; the set must not be empty.
func (s byteSet) min() byte {
	for i, w := range s {
		if w != 0 {
			return byte(i<<6 + bits.TrailingZeros64(w))
		}
	}
	panic("automata: minimum of an empty byte set")
}

// notSlash is every byte but '/'. NUL is in it: no path has one, and keeping it
// with the bytes that no pattern mentions spares a byte class.
var notSlash = func() byteSet {
	var s byteSet
	s.add('/')
	return s.complement()
}()
