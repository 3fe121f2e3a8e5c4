// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"cmp"
	"slices"
)

// numbered is a name with the number that the kernel knows it by.
type numbered struct {
	name   string
	number int
}

// table is sorted by name. Tables are slices of constants rather than maps, so
// that they cost nothing at start-up.
type table []numbered

func (t table) number(name string) (int, bool) {
	i, ok := slices.BinarySearchFunc(t, name, func(e numbered, name string) int { return cmp.Compare(e.name, name) })
	if !ok {
		return 0, false
	}
	return t[i].number, true
}

func (t table) names() []string {
	names := make([]string, len(t))
	for i, e := range t {
		names[i] = e.name
	}
	return names
}
