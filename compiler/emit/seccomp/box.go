// SPDX-License-Identifier: Apache-2.0

package seccomp

import (
	"math"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// box is a set of argument vectors: the product of one set per argument.
type box [6]dim

// dim is a set of values of one argument: disjoint intervals, or, where masks
// are involved, disjoint cubes. Without either it is empty.
//
// Values are those that the kernel looks at, from 0 to top: the low bits of the
// register, which is all that a filter sees.
type dim struct {
	top       uint64
	intervals []interval
	cubes     []cube
}

// interval has both ends in it.
type interval struct{ lo, hi uint64 }

// cube is the values v with v&mask == value.
type cube struct{ mask, value uint64 }

func everything(top uint64) dim { return dim{top: top, intervals: []interval{{0, top}}} }

// boxOf returns all argument vectors of a call.
func boxOf(name string) box {
	var b box
	for i := range b {
		b[i] = everything(math.MaxUint64 >> (64 - linux.ArgBits(name, i)))
	}
	return b
}

func (d dim) empty() bool { return len(d.intervals) == 0 && len(d.cubes) == 0 }

func (d dim) full() bool {
	return len(d.intervals) == 1 && d.intervals[0] == interval{0, d.top} || len(d.cubes) == 1 && d.cubes[0].mask == 0
}

// valuesOf returns the values up to top of which a condition is true.
func valuesOf(a policy.Arg, top uint64) dim {
	span := func(lo, hi uint64) dim {
		if hi = min(hi, top); lo > hi {
			return dim{top: top}
		}
		return dim{top: top, intervals: []interval{{lo, hi}}}
	}
	v := a.Value
	switch a.Op {
	case policy.ArgEqual:
		return span(v, v)
	case policy.ArgNotEqual:
		return span(v, v).complement()
	case policy.ArgLess:
		if v == 0 {
			return dim{top: top}
		}
		return span(0, v-1)
	case policy.ArgLessEqual:
		return span(0, v)
	case policy.ArgGreater:
		if v == math.MaxUint64 {
			return dim{top: top}
		}
		return span(v+1, top)
	case policy.ArgGreaterEqual:
		return span(v, top)
	default:
		if v&^a.Mask != 0 || v > top {
			return dim{top: top}
		}
		return dim{top: top, cubes: []cube{{a.Mask & top, v}}}
	}
}

// complement returns all other values.
func (d dim) complement() dim {
	if len(d.cubes) > 0 {
		out := dim{top: d.top, cubes: []cube{{}}}
		for _, c := range d.cubes {
			out = out.and(c.complement(d.top))
		}
		return out
	}
	out := dim{top: d.top}
	next, open := uint64(0), true
	for _, iv := range d.intervals { // ascending
		if iv.lo > next {
			out.intervals = append(out.intervals, interval{next, iv.lo - 1})
		}
		if open = iv.hi != d.top; open {
			next = iv.hi + 1
		}
	}
	if open {
		out.intervals = append(out.intervals, interval{next, d.top})
	}
	return out
}

// complement splits on the first bit in which a value differs: disjoint cubes.
func (c cube) complement(top uint64) dim {
	out := dim{top: top}
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
	out := dim{top: d.top}
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
			// The largest block that begins at lo and ends within the interval.
			ones := d.top
			if lo != 0 {
				ones = lo&-lo - 1
			}
			for lo|ones > iv.hi {
				ones >>= 1
			}
			out = append(out, cube{d.top &^ ones, lo})
			if lo|ones == iv.hi {
				break
			}
			lo |= ones
			lo++
		}
	}
	return out
}

// and returns the part of a box in which all conditions hold; ok is false when
// there is none.
func (b box) and(args []policy.Arg) (out box, ok bool) {
	for _, a := range args {
		if b[a.Index] = b[a.Index].and(valuesOf(a, b[a.Index].top)); b[a.Index].empty() {
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
		holds := valuesOf(a, b[a.Index].top)
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
func (b box) conditions(plain bool, most int) (lists [][]specs.LinuxSeccompArg, ok bool) {
	lists = [][]specs.LinuxSeccompArg{nil}
	for i, d := range b {
		if d.full() {
			continue
		}
		alternatives := d.conditions(uint(i), plain)
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

// conditions returns alternatives that exclude each other: equalities and
// masks alone, unless plain, which also takes comparisons where the kernel looks
// at all bits of the register.
func (d dim) conditions(index uint, plain bool) []specs.LinuxSeccompArg {
	var out []specs.LinuxSeccompArg
	add := func(op specs.LinuxSeccompOperator, value, two uint64) {
		out = append(out, specs.LinuxSeccompArg{Index: index, Value: value, ValueTwo: two, Op: op})
	}
	if plain && d.top == math.MaxUint64 && len(d.cubes) == 0 {
		if gap, ok := d.onePointMissing(); ok {
			add(specs.OpNotEqual, gap, 0)
			return out
		}
		if len(d.intervals) == 1 && d.intervals[0].lo == 0 {
			add(specs.OpLessEqual, d.intervals[0].hi, 0)
			return out
		}
		if len(d.intervals) == 1 && d.intervals[0].hi == d.top {
			add(specs.OpGreaterEqual, d.intervals[0].lo, 0)
			return out
		}
	}
	for _, c := range d.asCubes() {
		if c.mask == math.MaxUint64 {
			add(specs.OpEqualTo, c.value, 0)
		} else {
			add(specs.OpMaskedEqual, c.mask, c.value)
		}
	}
	return out
}

func (d dim) onePointMissing() (uint64, bool) {
	c := d.complement()
	if len(c.intervals) == 1 && c.intervals[0].lo == c.intervals[0].hi {
		return c.intervals[0].lo, true
	}
	return 0, false
}
