// SPDX-License-Identifier: Apache-2.0

package seccomp

import (
	"math"
	"math/bits"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler/policy"
)

// box is a set of argument vectors: the product of one set per argument.
type box [6]dim

// dim is a set of values of one argument: disjoint intervals, or, where masks
// are involved, disjoint cubes. Without either it is empty.
type dim struct {
	intervals []interval
	cubes     []cube
}

// interval has both ends in it.
type interval struct{ lo, hi uint64 }

// cube is the values v with v&mask == value.
type cube struct{ mask, value uint64 }

var everything = dim{intervals: []interval{{0, math.MaxUint64}}}

func fullBox() box {
	var b box
	for i := range b {
		b[i] = everything
	}
	return b
}

func (d dim) empty() bool { return len(d.intervals) == 0 && len(d.cubes) == 0 }

func (d dim) full() bool {
	return len(d.intervals) == 1 && d.intervals[0] == interval{0, math.MaxUint64} || len(d.cubes) == 1 && d.cubes[0].mask == 0
}

// valuesOf returns the values of which a condition is true.
func valuesOf(a policy.Arg) dim {
	const top = math.MaxUint64
	span := func(lo, hi uint64) dim { return dim{intervals: []interval{{lo, hi}}} }
	v := a.Value
	switch a.Op {
	case policy.ArgEqual:
		return span(v, v)
	case policy.ArgNotEqual:
		return valuesOf(policy.Arg{Op: policy.ArgEqual, Value: v}).complement()
	case policy.ArgLess:
		if v == 0 {
			return dim{}
		}
		return span(0, v-1)
	case policy.ArgLessEqual:
		return span(0, v)
	case policy.ArgGreater:
		if v == top {
			return dim{}
		}
		return span(v+1, top)
	case policy.ArgGreaterEqual:
		return span(v, top)
	default:
		if v&^a.Mask != 0 {
			return dim{}
		}
		return dim{cubes: []cube{{a.Mask, v}}}
	}
}

// complement returns all other values.
func (d dim) complement() dim {
	if len(d.cubes) > 0 {
		out := dim{cubes: []cube{{}}}
		for _, c := range d.cubes {
			out = out.and(c.complement())
		}
		return out
	}
	var out dim
	next, open := uint64(0), true
	for _, iv := range d.intervals { // ascending
		if iv.lo > next {
			out.intervals = append(out.intervals, interval{next, iv.lo - 1})
		}
		if open = iv.hi != math.MaxUint64; open {
			next = iv.hi + 1
		}
	}
	if open {
		out.intervals = append(out.intervals, interval{next, math.MaxUint64})
	}
	return out
}

// complement splits on the first bit in which a value differs: disjoint cubes.
func (c cube) complement() dim {
	var out dim
	var fixed cube
	for m := c.mask; m != 0; m &= m - 1 {
		bit := m & -m
		out.cubes = append(out.cubes, cube{fixed.mask | bit, fixed.value | ^c.value&bit})
		fixed.mask |= bit
		fixed.value |= c.value & bit
	}
	return out
}

// and returns the values in both.
func (d dim) and(o dim) dim {
	var out dim
	switch {
	case d.full():
		return o
	case o.full():
		return d
	case len(d.cubes) == 0 && len(o.cubes) == 0:
		for _, a := range d.intervals {
			for _, b := range o.intervals {
				if lo, hi := max(a.lo, b.lo), min(a.hi, b.hi); lo <= hi {
					out.intervals = append(out.intervals, interval{lo, hi})
				}
			}
		}
	default:
		for _, a := range d.asCubes() {
			for _, b := range o.asCubes() {
				if (a.value^b.value)&a.mask&b.mask == 0 {
					out.cubes = append(out.cubes, cube{a.mask | b.mask, a.value | b.value})
				}
			}
		}
	}
	return out
}

// asCubes splits intervals into blocks that are aligned to their size.
func (d dim) asCubes() []cube {
	if len(d.cubes) > 0 {
		return d.cubes
	}
	var out []cube
	for _, iv := range d.intervals {
		for lo := iv.lo; ; {
			size := bits.TrailingZeros64(lo) // 64 for 0
			for size > 0 && (size == 64 && iv.hi != math.MaxUint64 || size < 64 && lo+(1<<size-1) > iv.hi) {
				size--
			}
			if size == 64 {
				return append(out, cube{})
			}
			mask := ^uint64(1<<size - 1)
			out = append(out, cube{mask, lo})
			last := lo | ^mask
			if last == iv.hi {
				break
			}
			lo = last + 1
		}
	}
	return out
}

// and returns the part of a box in which all conditions hold; ok is false when
// there is none.
func (b box) and(args []policy.Arg) (out box, ok bool) {
	for _, a := range args {
		if b[a.Index] = b[a.Index].and(valuesOf(a)); b[a.Index].empty() {
			return b, false
		}
	}
	return b, true
}

// minus returns the part of a box in which some condition fails, as disjoint
// boxes: the first condition fails, or it holds and the second fails, and so on.
func (b box) minus(args []policy.Arg) []box {
	var out []box
	for _, a := range args {
		holds := valuesOf(a)
		if rest := b[a.Index].and(holds.complement()); !rest.empty() {
			part := b
			part[a.Index] = rest
			out = append(out, part)
		}
		if b[a.Index] = b[a.Index].and(holds); b[a.Index].empty() {
			break
		}
	}
	return out
}

// split cuts boxes into the parts in which all conditions hold, and the others.
func split(boxes []box, args []policy.Arg) (in, out []box) {
	for _, b := range boxes {
		if part, ok := b.and(args); ok {
			in = append(in, part)
		}
		out = append(out, b.minus(args)...)
	}
	return in, out
}

// conditions returns the box as argument lists of rules: within a list every
// argument stands at most once, since runc and crun read two conditions on one
// argument as alternatives. ok is false beyond most lists.
func (b box) conditions(most int) (lists [][]specs.LinuxSeccompArg, ok bool) {
	lists = [][]specs.LinuxSeccompArg{nil}
	for i, d := range b {
		if d.full() {
			continue
		}
		alternatives := d.conditions(uint(i))
		if len(lists)*len(alternatives) > most {
			return nil, false
		}
		var next [][]specs.LinuxSeccompArg
		for _, l := range lists {
			for _, a := range alternatives {
				next = append(next, append(l[:len(l):len(l)], a))
			}
		}
		lists = next
	}
	return lists, true
}

// conditions returns alternatives that exclude each other.
func (d dim) conditions(index uint) []specs.LinuxSeccompArg {
	var out []specs.LinuxSeccompArg
	add := func(op specs.LinuxSeccompOperator, value, two uint64) {
		out = append(out, specs.LinuxSeccompArg{Index: index, Value: value, ValueTwo: two, Op: op})
	}
	if gap, ok := d.onePointMissing(); ok {
		add(specs.OpNotEqual, gap, 0)
		return out
	}
	for _, iv := range d.intervals {
		switch {
		case iv.lo == iv.hi:
			add(specs.OpEqualTo, iv.lo, 0)
		case iv.lo == 0:
			add(specs.OpLessEqual, iv.hi, 0)
		case iv.hi == math.MaxUint64:
			add(specs.OpGreaterEqual, iv.lo, 0)
		default:
			for _, c := range (dim{intervals: []interval{iv}}).asCubes() {
				add(specs.OpMaskedEqual, c.mask, c.value)
			}
		}
	}
	for _, c := range d.cubes {
		if c.mask == math.MaxUint64 {
			add(specs.OpEqualTo, c.value, 0)
		} else {
			add(specs.OpMaskedEqual, c.mask, c.value)
		}
	}
	return out
}

func (d dim) onePointMissing() (uint64, bool) {
	iv := d.intervals
	switch {
	case len(iv) == 1 && iv[0] == interval{1, math.MaxUint64}:
		return 0, true
	case len(iv) == 1 && iv[0] == interval{0, math.MaxUint64 - 1}:
		return math.MaxUint64, true
	case len(iv) == 2 && iv[0].lo == 0 && iv[1].hi == math.MaxUint64 && iv[0].hi+2 == iv[1].lo:
		return iv[0].hi + 1, true
	}
	return 0, false
}
