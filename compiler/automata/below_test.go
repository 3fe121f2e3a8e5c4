// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// stepOne follows one byte from a reference.
func (t *Table) stepOne(s uint32, b byte) uint32 {
	c := uint32(t.Classes[b])
	slot := t.Slots[s&^SinkBit+c]
	if slot>>24 != c {
		slot = t.Slots[s&^SinkBit]
	}
	return slot & nextMask
}

// belowsOf returns the Belows of a directory, one of each part, as a matcher finds
// them.
func (t *Table) belowsOf(f fataler, dir string) []Below {
	f.Helper()
	var out []Below
	for _, s := range t.Starts {
		for i := range len(dir) {
			s = t.stepOne(s, dir[i])
		}
		s = t.stepOne(s, '/')
		sink := s&SinkBit != 0
		if !sink {
			s = t.stepOne(s, 0)
		}
		slot := t.Slots[s&^SinkBit+1]
		at := 0
		switch {
		case slot>>24 != 1:
		case sink:
			at = t.SinkBelows[slot&nextMask]
		case slot&BelowBit == 0:
			f.Fatal(fmt.Sprintf("NUL after %q leads to labels", dir))
		default:
			at = int(slot & nextMask &^ BelowBit)
		}
		out = append(out, t.Belows[at])
	}
	return out
}

// genDir makes canonical paths other than the root.
var genDir = rapid.Custom(func(t *rapid.T) string {
	return genPath.Filter(func(p string) bool { return IsCanonical(p) && p != "/" }).Draw(t, "directory")
})

// TestBelow: the classes of two directories are equal when a search finds no name
// below them of which a view sees something else, and in one part only then; and
// the labels are those that a search finds.
func TestBelow(t *testing.T) {
	const labels = 4
	// The last view does not tell two labels apart, and does not see the others.
	var views []View
	for l := range labels {
		views = append(views, func(s Labels) int { return has(s, l) })
	}
	views = append(views, func(s Labels) int { return has(s, 0) | has(s, 1) })
	rapid.Check(t, func(t *rapid.T) {
		rules := genRules(labels).Draw(t, "rules")
		parts := rapid.IntRange(1, 3).Draw(t, "parts")
		set := must(Compile(rules, Options{MaxParts: parts}))
		// Views that see next to nothing must not meet what others would see.
		seen := rapid.SampledFrom([][]View{views, views[:1], views[4:]}).Draw(t, "views")
		table := must(set.Pack(PackOptions{Views: seen}))
		if err := table.Verify(); err != nil {
			t.Fatal(err)
		}
		for _, path := range rapid.SliceOfN(genPath, 1, 10).Draw(t, "paths") {
			if got, want := table.Match(path), set.Match(path); !got.Equal(want) {
				t.Fatalf("Table.Match(%q) = %s, want %s", path, show(got), show(want))
			}
		}
		from, to := genDir.Draw(t, "from"), genDir.Draw(t, "to")
		one, two := table.belowsOf(t, from), table.belowsOf(t, to)
		starts := []State{set.Walk(set.Start(), from), set.Walk(set.Start(), to)}
		for v, view := range seen {
			equal, nothing := true, true
			for p := range one {
				equal = equal && one[p].Classes[v] == two[p].Classes[v]
				nothing = nothing && one[p].Classes[v] == 0
			}
			differ := search(t, set, starts, func(at []State) bool { return view(set.Accept(at[0])) != view(set.Accept(at[1])) })
			if equal && differ || set.Parts() == 1 && equal == differ {
				t.Fatalf("view %d: equal classes below %q and %q: %t; a name differs: %t", v, from, to, equal, differ)
			}
			something := search(t, set, starts[:1], func(at []State) bool { return view(set.Accept(at[0])) != 0 })
			if nothing == something {
				t.Fatalf("view %d: nothing below %q: %t; something found: %t", v, from, nothing, something)
			}
		}
		var union Labels
		for _, b := range one {
			union = union.Or(b.Labels)
		}
		for v, view := range seen {
			something := search(t, set, starts[:1], func(at []State) bool { return view(set.Accept(at[0])) != 0 })
			if (view(union) != 0) != something {
				t.Fatalf("view %d: labels %s below %q; something found: %t", v, show(union), from, something)
			}
		}
	})
}

func has(s Labels, l int) int {
	if s.Has(l) {
		return 1
	}
	return 0
}

func search(t *rapid.T, s *Set, starts []State, visit func([]State) bool) bool {
	_, found, err := s.Search(starts, DefaultSteps, visit)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestBelowOfDirectories spells out what is equal below directories.
func TestBelowOfDirectories(t *testing.T) {
	set := must(Compile([]Rule{
		{mustParse(t, "/a/**"), 0}, {mustParse(t, "/b/*"), 0}, {mustParse(t, "/c/*"), 0},
		{mustParse(t, "/d/e/x"), 0}, {mustParse(t, "/f/x"), 0}, {mustParse(t, "/g/*"), 1},
		{mustParse(t, "/h/?"), 0}, {mustParse(t, "/i/[!.]"), 0}, // "." is no name
	}, Options{}))
	table := must(set.Pack(PackOptions{Views: []View{func(s Labels) int { return has(s, 0) }}}))
	class := func(dir string) int { return table.belowsOf(t, dir)[0].Classes[0] }
	for _, same := range [][]string{{"/a", "/a/b", "/a/b/c"}, {"/b", "/c"}, {"/d/e", "/f"}, {"/h", "/i"}, {"/b/x", "/d/f", "/g", "/g/x", "/x"}} {
		for _, dir := range same {
			if class(dir) != class(same[0]) {
				t.Errorf("%s and %s differ", dir, same[0])
			}
		}
	}
	different := []string{"/a", "/b", "/d", "/f", "/h", "/x"}
	for i, one := range different {
		for _, two := range different[:i] {
			if class(one) == class(two) {
				t.Errorf("%s and %s are equal", one, two)
			}
		}
	}
	if class("/x") != 0 {
		t.Error("there is something below /x")
	}
}

func TestBelowDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := genRules(70).Draw(t, "rules")
		opt := PackOptions{Views: []View{func(s Labels) int { return s.Len() }, func(s Labels) int { return has(s, 1) }}}
		one := must(must(Compile(rules, Options{})).Pack(opt))
		slices.Reverse(rules)
		if two := must(must(Compile(rules, Options{})).Pack(opt)); !reflect.DeepEqual(one, two) {
			t.Fatalf("another table after a permutation")
		}
	})
}
