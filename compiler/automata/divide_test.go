// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestDivideAgainstNaive: every path lies in exactly the cell whose labels it
// has, and no path of a cell is shorter or reads better than the one it gives.
func TestDivideAgainstNaive(t *testing.T) {
	short := allPaths("ab./", 5)
	rapid.Check(t, func(t *rapid.T) {
		x, y := genRules(3).Draw(t, "x"), genRules(3).Draw(t, "y")
		parts := rapid.IntRange(1, MostParts).Draw(t, "parts")
		a, b := must(Compile(x, Options{MaxParts: parts})), must(Compile(y, Options{}))
		d, err := Divide(DefaultBudget, a, b)
		if err != nil {
			t.Fatal(err)
		}
		langs := make([]Lang, len(d.Cells))
		for i, c := range d.Cells {
			langs[i] = d.Paths(i)
			if !a.Match(c.Path).Equal(c.Labels[0]) || !b.Match(c.Path).Equal(c.Labels[1]) || !langs[i].Has(c.Path) {
				t.Fatalf("cell %d is not that of %q", i, c.Path)
			}
			for _, o := range d.Cells[:i] {
				if o.Labels[0].Equal(c.Labels[0]) && o.Labels[1].Equal(c.Labels[1]) || len(o.Path) > len(c.Path) {
					t.Fatalf("cells of %q and %q", o.Path, c.Path)
				}
			}
		}
		for _, name := range append(rapid.SliceOfN(genPath, 0, 20).Draw(t, "names"), short...) {
			in := 0
			for i, c := range d.Cells {
				if !langs[i].Has(name) {
					continue
				}
				in++
				if !a.Match(name).Equal(c.Labels[0]) || !b.Match(name).Equal(c.Labels[1]) {
					t.Fatalf("%q lies in the cell of %q", name, c.Path)
				}
				if better(name, c.Path) {
					t.Fatalf("%q is a better path than %q", name, c.Path)
				}
			}
			if IsCanonical(name) != (in == 1) || in > 1 {
				t.Fatalf("%q lies in %d cells", name, in)
			}
		}
		if len(d.Cells) > 1 && !d.Paths(0, 1).Equal(must(langs[0].Union(langs[1], DefaultBudget))) {
			t.Fatal("two cells are not their union")
		}
	})
}

func TestDivideBudget(t *testing.T) {
	set := must(Compile([]Rule{{Glob: mustParse(t, "/usr/bin/node")}}, Options{}))
	if _, err := Divide(3, set); !errors.Is(err, ErrBudget) {
		t.Errorf("error %v", err)
	}
	d, err := Divide(DefaultBudget, must(Compile(nil, Options{})))
	if err != nil || len(d.Cells) != 1 || d.Cells[0].Path != "/" {
		t.Errorf("without rules: %v, %v", d, err)
	}
}

// TestCount: finite languages are counted, others are not.
func TestCount(t *testing.T) {
	for _, c := range []struct {
		pattern string
		n       int
		ok      bool
	}{
		{"/a", 1, true}, {"/{a,b}", 2, true}, {"/{a,a}", 1, true}, {"/[a-z][0-9]", 260, true}, {"/x{,/y}", 2, true},
		{"/?", 254 - 1, true}, {"/??", 254*254 - 1, false}, {"/a*", 0, false}, {"/**/a", 0, false}, {"/{a,b/**}", 0, false},
	} {
		l := must(FromGlobs(DefaultBudget, mustParse(t, c.pattern)))
		if n, ok := l.Count(1000); ok != c.ok || ok && n != c.n {
			t.Errorf("%s: %d, %v", c.pattern, n, ok)
		}
	}
	if got := must(FromGlobs(DefaultBudget, mustParse(t, "/{b,a}{,/**}"))).Paths(5); !slices.Equal(got, []string{"/a", "/b", "/a/a", "/a/b", "/a/c"}) {
		t.Errorf("paths %q", got)
	}
	if got := must(FromGlobs(DefaultBudget, mustParse(t, "/{x,long}"), mustParse(t, "/long"))).Paths(5); !slices.Equal(got, []string{"/x", "/long"}) {
		t.Errorf("paths %q", got)
	}
	if n, ok := (must(FromGlobs(DefaultBudget))).Count(0); n != 0 || !ok {
		t.Errorf("no path: %d, %v", n, ok)
	}
}
