// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// cell is a set of programs whose exec leads to one domain. The parser refuses
// rules with different targets whose patterns overlap, unless one is a path
// without wildcards, which then wins: cells are such paths, or globs that were
// joined until none overlaps another that leads elsewhere.
type cell struct {
	glob *automata.Glob
	// The atoms of the lineage that the images match, as far as known.
	atoms, known uint64
	// rules are the Allow and Audit rules of process that match. all says that
	// the default allows.
	rules []*ir.PathRule
	all   bool
}

// everything is the glob of the cell that a default of Allow makes.
var everything = parseGlob("/{,**}")

// Budgets: how many literal paths are told apart, of all patterns and of one, and the states that one
// question about two globs may visit.
const (
	maxLiterals   = 256
	mostOfOne     = 32
	overlapBudget = 20_000
	maxQuestions  = 1_000
)

// cells divides the programs that may be executed. atoms are those to be told
// apart.
func cells(l *ir.Layer, atoms uint64) []cell {
	t := l.Paths
	if t == nil {
		return []cell{{glob: everything, all: true}}
	}
	var out []cell
	open := t.Process == nil || t.Process.Action != policy.Block
	allows := allowRules(t)
	b := divider{table: t, atoms: atoms, wild: make([][]*automata.Glob, len(l.Lineage.Atoms))}
	for i, patterns := range l.Lineage.Atoms {
		if atoms&(1<<i) != 0 {
			b.atom(i, patterns)
		}
	}
	if open {
		out = append(out, b.cell(everything))
		out[0].all = true
	}
	for _, r := range allows {
		if open && r.Rule.Action == policy.Allow {
			continue // it says what the default says
		}
		for _, g := range r.Globs {
			if atoms == 0 || !b.expand(g) {
				c := b.cell(g)
				c.rules, c.all = []*ir.PathRule{r}, open
				out = append(out, c)
			}
		}
	}
	for _, path := range b.paths {
		c := cell{glob: parseGlob(automata.Escape(path)), atoms: t.AtomsOf(path) & atoms, known: atoms, all: open}
		for _, r := range allows {
			if r.Matches(path) {
				c.rules = append(c.rules, r)
			}
		}
		if open || len(c.rules) > 0 {
			out = append(out, c)
		}
	}
	join(out)
	return out
}

// allowRules are the rules of process that let something be executed, in order.
func allowRules(t *ir.PathTable) []*ir.PathRule {
	return slices.DeleteFunc(slices.Clone(t.Rules), func(r *ir.PathRule) bool {
		return r.Rule.Section != policy.Process || r.Rule.Action == policy.Block
	})
}

// executable says whether a process in a domain may execute the cell's programs,
// Blocks apart.
func (c *cell) executable(l *ir.Layer, k knowledge) bool {
	return c.all || slices.ContainsFunc(c.rules, func(r *ir.PathRule) bool { return holds(l, k, r.Cond) != never })
}

// holds is knowledge.holds for the index of a condition.
func holds(l *ir.Layer, k knowledge, cond int) truth {
	if cond == ir.Always {
		return surely
	}
	return k.holds(l.Lineage.Conds[cond])
}

// divider collects the paths without wildcards, and the other globs of atoms.
type divider struct {
	table *ir.PathTable
	atoms uint64
	paths []string // sorted
	wild  [][]*automata.Glob
}

func (b *divider) atom(i int, patterns []string) {
	for _, p := range patterns {
		if g := parseGlob(p); !b.expand(g) {
			b.wild[i] = append(b.wild[i], g)
		}
	}
}

// expand adds the paths of a glob that has few.
func (b *divider) expand(g *automata.Glob) bool {
	paths, ok := literals(g, mostOfOne)
	if !ok || len(b.paths)+len(paths) > maxLiterals {
		return false
	}
	for _, p := range paths {
		if at, found := slices.BinarySearch(b.paths, p); !found {
			b.paths = slices.Insert(b.paths, at, p)
		}
	}
	return true
}

// cell says which atoms all paths of a glob match. No other is known to be unlike:
// a path that nobody names may be a script, which an image of the atom runs.
// Literals have cells of their own.
func (b *divider) cell(g *automata.Glob) cell {
	c := cell{glob: g}
	for mask := b.atoms; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		if covered, _, err := automata.Covers(b.wild[i], g, overlapBudget); err == nil && covered && len(b.wild[i]) > 0 {
			c.atoms |= 1 << i
		}
	}
	c.known = c.atoms
	return c
}

func overlap(a, b *automata.Glob) bool {
	_, ok, err := automata.Overlaps(a, b, overlapBudget)
	return ok || err != nil
}

// exact says whether the parser takes the pattern for names rather than for an
// expression: braces of names are such.
func (c *cell) exact() bool { return !strings.ContainsAny(c.glob.String(), "*?[") }

// join makes cells that overlap agree, but for a name and an expression: what
// differs is not known.
//
// Only so many pairs are looked at; beyond them all that might overlap is taken
// to.
func join(cells []cell) {
	questions := 0
	overlaps := func(a, b *cell) bool {
		questions++
		return questions > maxQuestions || overlap(a.glob, b.glob)
	}
	for changed := true; changed; {
		changed = false
		for i := range cells {
			for j := range cells[:i] {
				a, b := &cells[i], &cells[j]
				if a.atoms == b.atoms && a.known == b.known || a.exact() != b.exact() || !overlaps(a, b) {
					continue
				}
				known := a.known & b.known &^ (a.atoms ^ b.atoms)
				a.known, b.known = known, known
				a.atoms, b.atoms = a.atoms&known, b.atoms&known
				changed = true
			}
		}
	}
}

// parseGlob parses a pattern that the check has accepted.
func parseGlob(pattern string) *automata.Glob {
	g, err := automata.Parse(pattern)
	if err != nil {
		panic("apparmor: a pattern got past check: " + err.Error())
	}
	return g
}
