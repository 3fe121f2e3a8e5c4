// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"
)

// Labels is an immutable set of labels. The zero value is empty.
type Labels struct {
	first uint64   // labels 0 to 63
	rest  []uint64 // the others; the last word is never 0
}

// NewLabels returns the set of the given labels, which must not be negative.
func NewLabels(labels ...int) Labels {
	var s Labels
	for _, l := range labels {
		if l < 64 {
			s.first |= 1 << l
			continue
		}
		for len(s.rest) < l/64 {
			s.rest = append(s.rest, 0)
		}
		s.rest[l/64-1] |= 1 << (l % 64)
	}
	return s
}

// Has reports whether label is in s.
func (s Labels) Has(label int) bool {
	if label < 64 {
		return label >= 0 && s.first>>label&1 != 0
	}
	i := label/64 - 1
	return i < len(s.rest) && s.rest[i]>>(label%64)&1 != 0
}

// Empty reports whether s has no labels.
func (s Labels) Empty() bool { return s.first == 0 && len(s.rest) == 0 }

// Len returns the number of labels.
func (s Labels) Len() int {
	n := bits.OnesCount64(s.first)
	for _, w := range s.rest {
		n += bits.OnesCount64(w)
	}
	return n
}

// Or returns the union.
func (s Labels) Or(t Labels) Labels {
	if len(s.rest) < len(t.rest) {
		s, t = t, s
	}
	s.first |= t.first
	if len(t.rest) > 0 {
		s.rest = slices.Clone(s.rest)
		for i, w := range t.rest {
			s.rest[i] |= w
		}
	}
	return s
}

// Equal reports whether s and t have the same labels.
func (s Labels) Equal(t Labels) bool {
	return s.first == t.first && slices.Equal(s.rest, t.rest)
}

// Subset reports whether every label of s is in t.
func (s Labels) Subset(t Labels) bool {
	if s.first&^t.first != 0 || len(s.rest) > len(t.rest) {
		return false
	}
	for i, w := range s.rest {
		if w&^t.rest[i] != 0 {
			return false
		}
	}
	return true
}

// All iterates over the labels in ascending order.
func (s Labels) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		word := s.first
		for i := 0; ; i++ {
			for ; word != 0; word &= word - 1 {
				if !yield(i*64 + bits.TrailingZeros64(word)) {
					return
				}
			}
			if i == len(s.rest) {
				return
			}
			word = s.rest[i]
		}
	}
}

// key appends bytes that are equal for equal sets only.
func (s Labels) key(buf []byte) []byte {
	buf = binary.BigEndian.AppendUint64(buf, s.first)
	for _, w := range s.rest {
		buf = binary.BigEndian.AppendUint64(buf, w)
	}
	return buf
}

// labelID stands for an interned set; 0 is the empty set.
type labelID int32

// interner numbers sets of labels.
type interner struct {
	sets   []Labels
	ids    map[string]labelID
	unions map[[2]labelID]labelID
	buf    []byte
}

func newInterner() *interner {
	in := &interner{ids: map[string]labelID{}, unions: map[[2]labelID]labelID{}}
	in.id(Labels{})
	return in
}

func (in *interner) id(s Labels) labelID {
	in.buf = s.key(in.buf[:0])
	if id, ok := in.ids[string(in.buf)]; ok {
		return id
	}
	id := labelID(len(in.sets))
	in.sets = append(in.sets, s)
	in.ids[string(in.buf)] = id
	return id
}

func (in *interner) union(a, b labelID) labelID {
	switch {
	case a == b || b == 0:
		return a
	case a == 0:
		return b
	case a > b:
		a, b = b, a
	}
	if id, ok := in.unions[[2]labelID{a, b}]; ok {
		return id
	}
	id := in.id(in.sets[a].Or(in.sets[b]))
	in.unions[[2]labelID{a, b}] = id
	return id
}

// subset reports whether every label of a is in b.
func (in *interner) subset(a, b labelID) bool { return a == b || in.sets[a].Subset(in.sets[b]) }
