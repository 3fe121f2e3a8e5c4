// SPDX-License-Identifier: Apache-2.0

package lineages

import (
	"fmt"
	"slices"
	"strings"
)

// From says which processes are meant: those for which all conditions in
// Held hold and none of those in Not.
type From struct {
	Held, Not []string
	// Some says that further conditions play a part, so that not all of these
	// processes are meant.
	Some bool
}

// String returns words for people, to stand after an operation; "" for every
// process.
func (f From) String() string {
	var out []string
	for _, h := range f.Held {
		out = append(out, "from "+h)
	}
	for _, n := range f.Not {
		out = append(out, "not from "+n)
	}
	text := strings.Join(out, " and ")
	if f.Some {
		return strings.TrimSpace("some processes " + text)
	}
	return text
}

// From describes some of all moments. Conditions that the description does not
// need are left out; the key is equal for equal sets of processes that are
// described alike.
func (l *Lineages) From(relevant []int, some, all []Moment) (f From, key string) {
	var held, not uint64
	held, not = ^uint64(0), ^uint64(0)
	for _, m := range some {
		held &= m.Held
		not &^= m.Held
	}
	meant := func(held, not uint64) int {
		n := 0
		for _, m := range all {
			if m.Held&held == held && m.Held&not == 0 {
				n++
			}
		}
		return n
	}
	mask := uint64(1)<<len(relevant) - 1
	held, not = held&mask, not&mask
	n := meant(held, not)
	for i := range relevant {
		if b := uint64(1) << i; meant(held, not&^b) == n {
			not &^= b
		}
	}
	for i := range relevant {
		if b := uint64(1) << i; meant(held&^b, not) == n {
			held &^= b
		}
	}
	f.Some = n != len(some)
	var ids []int
	for i, c := range relevant {
		switch {
		case held>>i&1 != 0:
			f.Held = append(f.Held, l.text(c))
			ids = append(ids, c)
		case not>>i&1 != 0:
			f.Not = append(f.Not, l.text(c))
			ids = append(ids, -1-c)
		}
	}
	key = fmt.Sprint(ids)
	if f.Some {
		masks := make([]uint64, len(some))
		for i, m := range some {
			masks[i] = m.Held
		}
		slices.Sort(masks)
		key += fmt.Sprint(relevant, masks)
	}
	return f, key
}

// text writes a condition.
func (l *Lineages) text(n int) string {
	c := l.conds[n]
	var out []string
	for _, part := range []struct {
		name string
		atom int
	}{{"exe", c.exe}, {"parent", c.parent}, {"ancestor", c.ancestor}} {
		if part.atom >= 0 {
			out = append(out, part.name+" "+strings.Join(l.texts[part.atom], " or "))
		}
	}
	return strings.Join(out, ", ")
}
