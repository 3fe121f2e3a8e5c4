// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// fataler is a test, benchmark or rapid test.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

func mustParse(t fataler, pattern string) *Glob {
	t.Helper()
	g, err := Parse(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestSetAgainstNaive(t *testing.T) {
	short := allPaths("ab./", 6)
	rapid.Check(t, func(t *rapid.T) {
		rules := genRules(5).Draw(t, "rules")
		parts := rapid.IntRange(1, MostParts).Draw(t, "parts")
		set, err := Compile(rules, Options{MaxParts: parts})
		if err != nil {
			t.Fatal(err)
		}
		table, err := set.Pack(PackOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := table.Verify(); err != nil {
			t.Fatal(err)
		}
		names := rapid.SliceOfN(genPath, 0, 30).Draw(t, "names")
		for _, name := range append(names, short...) {
			want := naiveLabels(rules, name)
			if got := set.Match(name); !got.Equal(want) {
				t.Fatalf("Set.Match(%q) = %s, want %s", name, show(got), show(want))
			}
			if got := table.Match(name); !got.Equal(want) {
				t.Fatalf("Table.Match(%q) = %s, want %s", name, show(got), show(want))
			}
		}
	})
}

// forceSplit compiles each rule into a part of its own, as far as there are parts.
func forceSplit(rules []Rule) (*Set, error) {
	var alts []labelled
	for i, r := range rules {
		for _, a := range r.Glob.alts {
			alts = append(alts, labelled{a, r.Label, i})
		}
	}
	sortLabelled(alts)
	c := &compilation{opt: Options{Budget: DefaultBudget}, labels: newInterner(), classes: classesOfAlternatives(alts), left: DefaultBudget, work: DefaultBudget}
	n := min(MostParts, len(alts))
	for i := range n {
		d, err := c.build(alts[i*len(alts)/n:(i+1)*len(alts)/n], DefaultBudget)
		if err != nil {
			return nil, err
		}
		c.parts = append(c.parts, d)
	}
	return newSet(c), nil
}

func TestSplitAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := genRules(5).Draw(t, "rules")
		set, err := forceSplit(rules)
		if err != nil {
			t.Fatal(err)
		}
		table, err := set.Pack(PackOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range rapid.SliceOfN(genPath, 1, 60).Draw(t, "names") {
			want := naiveLabels(rules, name)
			if got := set.Match(name); !got.Equal(want) {
				t.Fatalf("Set.Match(%q) = %s, want %s", name, show(got), show(want))
			}
			if got := table.Match(name); !got.Equal(want) {
				t.Fatalf("Table.Match(%q) = %s, want %s", name, show(got), show(want))
			}
		}
	})
}

// TestMinimal holds that no two states of an automaton are equivalent and every
// state is reached, by the table-filling algorithm, which has nothing in common
// with minimize.
func TestMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, err := Compile(genRules(3).Draw(t, "rules"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkMinimal(t, &set.dfa)
		lang, err := FromGlobs(1<<16, rapid.SliceOfN(genGlob, 0, 4).Draw(t, "globs")...)
		if err != nil {
			t.Fatal(err)
		}
		checkMinimal(t, lang.dfa)
	})
}

func checkMinimal(t *rapid.T, d *dfa) {
	n := len(d.rows)
	reached := make([]bool, n)
	var visit func(s int32)
	visit = func(s int32) {
		if reached[s] {
			return
		}
		reached[s] = true
		for c := range d.classes.num {
			visit(d.next(s, uint8(c)))
		}
	}
	for _, s := range d.starts {
		visit(s)
	}
	differ := make([][]bool, n)
	for i := range differ {
		if !reached[i] {
			t.Fatalf("state %d is never reached", i)
		}
		differ[i] = make([]bool, n)
		for j := range differ[i] {
			differ[i][j] = d.rows[i].accept != d.rows[j].accept
		}
	}
	for changed := true; changed; {
		changed = false
		for i := range n {
			for j := range i {
				for c := 0; c < d.classes.num && !differ[i][j]; c++ {
					a, b := d.next(int32(i), uint8(c)), d.next(int32(j), uint8(c))
					if differ[a][b] {
						differ[i][j], differ[j][i], changed = true, true, true
					}
				}
			}
		}
	}
	for i := range n {
		for j := range i {
			if !differ[i][j] {
				t.Fatalf("states %d and %d are equivalent", i, j)
			}
		}
	}
	for c := range d.classes.num {
		for e := range c {
			same := true
			for s := range int32(n) {
				same = same && d.next(s, uint8(c)) == d.next(s, uint8(e))
			}
			if same {
				t.Fatalf("classes %d and %d are never told apart", c, e)
			}
		}
	}
}

func TestDeterministic(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	rapid.Check(t, func(t *rapid.T) {
		rules := genRules(70).Draw(t, "rules")
		one := pack(t, rules)
		shuffled := rapid.Permutation(rules).Draw(t, "shuffled")
		runtime.GOMAXPROCS(rapid.IntRange(1, 4).Draw(t, "procs"))
		if two := pack(t, shuffled); !reflect.DeepEqual(one, two) {
			t.Fatalf("another table after a permutation")
		}
	})
}

func pack(t *rapid.T, rules []Rule) *Table {
	set, err := Compile(rules, Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := set.Pack(PackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestEmptySet(t *testing.T) {
	set, err := Compile(nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Match("/a"); !got.Empty() {
		t.Errorf("labels %s", show(got))
	}
}

func TestBudgetNamesTheRule(t *testing.T) {
	rules := []Rule{
		{mustParse(t, "/etc/**"), 0},
		{mustParse(t, "/**/*a????????????????????????"), 1},
		{mustParse(t, "/**/name"), 0},
	}
	for _, parts := range []int{1, 2, MostParts} {
		_, err := Compile(rules, Options{MaxParts: parts})
		var budget *BudgetError
		if !errors.As(err, &budget) || !reflect.DeepEqual(budget.Rules, []int{1}) || !errors.Is(err, ErrBudget) {
			t.Errorf("in %d parts: %v, want a BudgetError for rule 1", parts, err)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("/etc/**", "/**/passwd", "/etc/x/passwd")
	f.Add("/{a,b*}/[!c]?", "/a**", "/bb/dd")
	f.Add(`/\*/**/[a-c]`, "/*", "/*/c")
	f.Fuzz(func(t *testing.T, one, two, name string) {
		var rules []Rule
		for i, pattern := range []string{one, two} {
			// The naive matcher takes exponential time.
			if len(pattern) > 24 || len(name) > 24 {
				t.Skip()
			}
			if g, err := Parse(pattern); err == nil {
				rules = append(rules, Rule{g, i})
			}
		}
		set, err := Compile(rules, Options{})
		if err != nil {
			t.Fatal(err)
		}
		table, err := set.Pack(PackOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := naiveLabels(rules, name)
		if got := set.Match(name); !got.Equal(want) {
			t.Fatalf("Set.Match(%q) of %q and %q = %s, want %s", name, one, two, show(got), show(want))
		}
		if got := table.Match(name); !got.Equal(want) {
			t.Fatalf("Table.Match(%q) of %q and %q = %s, want %s", name, one, two, show(got), show(want))
		}
	})
}

func TestFamiliesAreSplit(t *testing.T) {
	var rules []Rule
	for i := range 12 {
		rules = append(rules, Rule{mustParse(t, fmt.Sprintf("/**/*%c*%c*", 'a'+i, 'A'+i)), i % 8})
	}
	set, err := Compile(rules, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if set.Parts() < 2 || set.States() > 2000 {
		t.Errorf("%d states in %d parts", set.States(), set.Parts())
	}
	_, err = Compile(rules, Options{MaxParts: 1, Budget: 100_000})
	var budget *BudgetError
	if !errors.As(err, &budget) || len(budget.Rules) == 0 || budget.Limit != 100_000 {
		t.Errorf("in one part: %v", err)
	}
}

func TestUnanchoredApart(t *testing.T) {
	rules := []Rule{{mustParse(t, "/etc/{passwd,**/shadow}"), 0}}
	if set := must(Compile(rules, Options{})); set.Parts() != 1 {
		t.Errorf("%d parts of little, want 1", set.Parts())
	}
	// In one part, each state of the first pattern's would be there for each of the second's.
	rules = []Rule{{mustParse(t, "/*a??????????/x"), 0}, {mustParse(t, "/**/*b??????????/y"), 1}}
	if set := must(Compile(rules, Options{})); set.Parts() != 2 {
		t.Errorf("%d parts, want 2", set.Parts())
	}
	if set := must(Compile(rules, Options{MaxParts: 1})); set.Parts() != 1 {
		t.Errorf("%d parts, want 1", set.Parts())
	}
}

func TestCompileRefuses(t *testing.T) {
	g := mustParse(t, "/a")
	for _, label := range []int{-1, MaxLabel + 1} {
		if _, err := Compile([]Rule{{g, label}}, Options{}); err == nil {
			t.Errorf("label %d is accepted", label)
		}
	}
	if _, err := Compile(nil, Options{MaxParts: MostParts + 1}); err == nil {
		t.Error("too many parts are accepted")
	}
}

func TestLabels(t *testing.T) {
	label := rapid.IntRange(0, 200)
	rapid.Check(t, func(t *rapid.T) {
		as, bs := rapid.SliceOf(label).Draw(t, "a"), rapid.SliceOf(label).Draw(t, "b")
		a, b := NewLabels(as...), NewLabels(bs...)
		in := func(list []int) map[int]bool {
			m := map[int]bool{}
			for _, l := range list {
				m[l] = true
			}
			return m
		}
		inA, inB, union := in(as), in(bs), in(slices.Concat(as, bs))
		if got := slices.Collect(a.Or(b).All()); !slices.Equal(got, slices.Sorted(maps.Keys(union))) {
			t.Fatalf("union %v", got)
		}
		subset := len(union) == len(inB)
		if a.Subset(b) != subset || a.Equal(b) != (subset && len(inA) == len(inB)) || a.Len() != len(inA) || a.Empty() != (len(inA) == 0) {
			t.Fatal("Subset, Equal, Len or Empty")
		}
		if l := label.Draw(t, "label"); a.Has(l) != inA[l] || a.Has(-1) {
			t.Fatal("Has")
		}
	})
}
