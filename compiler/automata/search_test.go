// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestOverlapsAndCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := genGlob.Draw(t, "g")
		set := rapid.SliceOfN(genGlob, 1, 4).Draw(t, "set")
		one, all := must(FromGlobs(plenty, g)), must(FromGlobs(plenty, set...))

		first := must(FromGlobs(plenty, set[0]))
		want, overlap := must(one.Intersect(first, plenty)).Witness()
		got, ok, err := Overlaps(g, set[0], plenty)
		if err != nil || ok != overlap || got != want {
			t.Fatalf("Overlaps = %q, %v, %v, want %q, %v", got, ok, err, want, overlap)
		}

		want, beyond := must(one.Difference(all, plenty)).Witness()
		covered, got, err := Covers(set, g, plenty)
		if err != nil || covered == beyond || got != want {
			t.Fatalf("Covers = %v, %q, %v, want %q", covered, got, err, want)
		}

		var rules []Rule
		for i, s := range set {
			rules = append(rules, Rule{s, i})
		}
		compiled := must(Compile(rules, Options{}))
		got, ok, err = compiled.Find(g, plenty, Labels.Empty)
		if err != nil || ok != beyond || got != want {
			t.Fatalf("Find = %q, %v, %v, want %q, %v", got, ok, err, want, beyond)
		}
	})
}

func TestCoversTable(t *testing.T) {
	for _, c := range []struct {
		set     []string
		g       string
		witness string // empty: covered
	}{
		{[]string{"/etc/**"}, "/etc/passwd", ""},
		{[]string{"/etc/**"}, "/etc", "/etc"},
		{[]string{"/etc/*"}, "/etc/**", "/etc/a/a"},
		{[]string{"/a", "/a/*", "/a/*/**"}, "/{a,a/**}", ""},
		{[]string{"/**", "/"}, "/**/x", ""},
		{nil, "/x", "/x"},
	} {
		var set []*Glob
		for _, s := range c.set {
			set = append(set, mustParse(t, s))
		}
		covered, witness, err := Covers(set, mustParse(t, c.g), plenty)
		if err != nil || witness != c.witness || covered != (c.witness == "") {
			t.Errorf("Covers(%q, %q) = %v, %q, %v", c.set, c.g, covered, witness, err)
		}
	}
}

func TestWalkBudget(t *testing.T) {
	a, b := mustParse(t, "/**/*a????????????????????"), mustParse(t, "/**/*b????????????????????x")
	if _, _, err := Covers([]*Glob{a}, b, 1000); !errors.Is(err, ErrBudget) {
		t.Errorf("Covers: %v", err)
	}
	set := must(Compile([]Rule{{mustParse(t, "/**/*a??????????"), 0}}, Options{}))
	_, _, err := set.Search([]State{set.Start()}, 100, func([]State) bool { return false })
	if !errors.Is(err, ErrBudget) {
		t.Errorf("Search: %v", err)
	}
}

// TestSearch asks what a check of renamed directories asks: is there something
// below a that has a label which it would not have below b.
func TestSearch(t *testing.T) {
	var suffixes []string
	for _, p := range allPaths("abc./", 5) {
		if p != "/" {
			suffixes = append(suffixes, p)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		rules := genRules(3).Draw(t, "rules")
		set := must(Compile(rules, Options{}))
		dirs := []string{"/a", "/b", "/a/b", "/c/a"}
		from, to := rapid.SampledFrom(dirs).Draw(t, "from"), rapid.SampledFrom(dirs).Draw(t, "to")
		suffix, found, err := set.Search([]State{set.Walk(set.Start(), from), set.Walk(set.Start(), to)}, plenty, func(at []State) bool {
			return !set.Accept(at[0]).Subset(set.Accept(at[1]))
		})
		if err != nil {
			t.Fatal(err)
		}
		loses := func(s string) bool { return !naiveLabels(rules, from+s).Subset(naiveLabels(rules, to+s)) }
		if found && (!loses(string(suffix)) || !naiveCanonical(string(suffix)) || len(suffix) < 2) {
			t.Fatalf("Search finds %q", suffix)
		}
		for _, s := range suffixes {
			if loses(s) && (!found || better(s, string(suffix))) {
				t.Fatalf("Search finds %q, %v, but there is %q", suffix, found, s)
			}
		}
	})
}

func TestIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune("/.a\x00"))).Draw(t, "path")
		if got, want := IsCanonical(s), naiveCanonical(s); got != want {
			t.Fatalf("IsCanonical(%q) = %v", s, got)
		}
	})
	for _, s := range []string{"/", "/...", "/.a/..b"} {
		if !IsCanonical(s) {
			t.Errorf("IsCanonical(%q) = false", s)
		}
	}
	if long := "/" + strings.Repeat("a/", 1000) + "a"; !IsCanonical(long) {
		t.Error("a long path is not canonical")
	}
}
