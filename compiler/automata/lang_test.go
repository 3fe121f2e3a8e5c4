// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

const plenty = 1 << 16

func genLang(t *rapid.T, name string) (Lang, []*Glob) {
	globs := rapid.SliceOfN(genGlob, 0, 3).Draw(t, name)
	return must(FromGlobs(plenty, globs...)), globs
}

func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}

func anyMatch(globs []*Glob, name string) bool {
	return slices.ContainsFunc(globs, func(g *Glob) bool { return naiveMatch(g.String(), name) })
}

func TestLangAlgebra(t *testing.T) {
	short := allPaths("abc./", 5)
	all := AllPaths()
	rapid.Check(t, func(t *rapid.T) {
		a, as := genLang(t, "a")
		b, bs := genLang(t, "b")
		union, both, diff, none := must(a.Union(b, plenty)), must(a.Intersect(b, plenty)), must(a.Difference(b, plenty)), must(a.Complement(plenty))
		for _, name := range append(rapid.SliceOfN(genPath, 0, 20).Draw(t, "names"), short...) {
			inA, inB := anyMatch(as, name), anyMatch(bs, name)
			for _, c := range []struct {
				op        string
				got, want bool
			}{
				{"a", a.Has(name), inA},
				{"union", union.Has(name), inA || inB},
				{"intersection", both.Has(name), inA && inB},
				{"difference", diff.Has(name), inA && !inB},
				{"complement", none.Has(name), naiveCanonical(name) && !inA},
				{"all", all.Has(name), naiveCanonical(name)},
			} {
				if c.got != c.want {
					t.Fatalf("%s.Has(%q) = %v", c.op, name, c.got)
				}
			}
		}
		for law, ok := range map[string]bool{
			"a or not a is all":           must(a.Union(none, plenty)).Equal(all),
			"a and not a is empty":        must(a.Intersect(none, plenty)).IsEmpty(),
			"not not a is a":              must(none.Complement(plenty)).Equal(a),
			"de Morgan":                   must(union.Complement(plenty)).Equal(must(none.Intersect(must(b.Complement(plenty)), plenty))),
			"a - b is a and not b":        diff.Equal(must(a.Intersect(must(b.Complement(plenty)), plenty))),
			"union is of either order":    union.Equal(must(b.Union(a, plenty))),
			"(a - b) or (a and b) is a":   must(diff.Union(both, plenty)).Equal(a),
			"a or b is compiled together": union.Equal(must(FromGlobs(plenty, slices.Concat(as, bs)...))),
		} {
			if !ok {
				t.Fatalf("%s: does not hold", law)
			}
		}
		for _, c := range []struct {
			x, y Lang
		}{{a, b}, {a, union}, {both, b}, {diff, a}} {
			ok, witness, err := c.x.Subset(c.y, plenty)
			rest := must(c.x.Difference(c.y, plenty))
			if err != nil || ok != rest.IsEmpty() {
				t.Fatalf("Subset = %v, %v", ok, err)
			}
			if want, _ := rest.Witness(); witness != want {
				t.Fatalf("Subset says %q, the difference %q", witness, want)
			}
		}
	})
}

// better reports whether a comes before b in the order of witnesses.
func better(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	for i := range len(a) {
		if a[i] != b[i] {
			return bytes.IndexByte(byteOrder, a[i]) < bytes.IndexByte(byteOrder, b[i])
		}
	}
	return false
}

func TestWitnessIsBest(t *testing.T) {
	// Letters that the generated patterns do not mention all do the same, and d
	// is the best of them.
	short := allPaths("abcd./*", 4)
	slices.SortFunc(short, func(a, b string) int {
		if better(a, b) {
			return -1
		}
		return 1
	})
	rapid.Check(t, func(t *rapid.T) {
		l, globs := genLang(t, "globs")
		inside := rapid.Bool().Draw(t, "inside")
		if !inside {
			l = must(l.Complement(plenty))
		}
		got, ok := l.Witness()
		if ok == l.IsEmpty() || ok && (!naiveCanonical(got) || anyMatch(globs, got) != inside) {
			t.Fatalf("witness %q, %v", got, ok)
		}
		i := slices.IndexFunc(short, func(name string) bool { return anyMatch(globs, name) == inside })
		if i >= 0 && got != short[i] {
			t.Fatalf("witness %q, want %q", got, short[i])
		}
		if i < 0 && ok && len(got) < 5 {
			t.Fatalf("witness %q has letters that no pattern mentions", got)
		}
	})
}

func TestWitnessReadsWell(t *testing.T) {
	for _, c := range []struct{ pattern, want string }{
		{"/**", "/a"}, {"/", "/"}, {"/etc/*.conf", "/etc/.conf"}, {"/[!a-y]", "/z"}, {"/[!a-z]", "/0"}, {"/?[!a-z0-9]", "/aA"}, {"/a/**/b", "/a/b"},
	} {
		l := must(FromGlobs(plenty, mustParse(t, c.pattern)))
		if got, ok := l.Witness(); got != c.want || !ok {
			t.Errorf("witness of %q is %q, want %q", c.pattern, got, c.want)
		}
	}
}

func TestLangBudget(t *testing.T) {
	wild := mustParse(t, "/**/*a??????????????????")
	if _, err := FromGlobs(1000, wild); !errors.Is(err, ErrBudget) {
		t.Errorf("FromGlobs: %v", err)
	}
	a := must(FromGlobs(plenty, mustParse(t, "/**/*a????????")))
	b := must(FromGlobs(plenty, mustParse(t, "/**/*b????????")))
	if _, err := a.Union(b, 1000); !errors.Is(err, ErrBudget) {
		t.Errorf("Union: %v", err)
	}
	if _, _, err := a.Subset(must(a.Union(b, 1<<20)), 100); !errors.Is(err, ErrBudget) {
		t.Errorf("Subset: %v", err)
	}
}

func TestLangOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, _ := genLang(t, "globs")
		if rapid.Bool().Draw(t, "outside") {
			l = must(l.Complement(plenty))
		}
		g := genGlob.Draw(t, "pattern")
		both := must(l.Intersect(must(FromGlobs(plenty, g)), plenty))
		want, some := both.Witness()
		all := must(must(FromGlobs(plenty, g)).Difference(l, plenty)).IsEmpty()
		got, gotSome, gotAll, err := l.Overlaps(g, plenty)
		if err != nil || got != want || gotSome != some || gotAll != (all && some) {
			t.Fatalf("%q, %v, %v, %v; want %q, %v, %v", got, gotSome, gotAll, err, want, some, all)
		}
	})
}
