// SPDX-License-Identifier: Apache-2.0

// Package lineages finds what lineages of processes can bring about: which
// conditions of one or two layers can hold together, each time with a shortest
// lineage. Nothing is expanded but the conditions that are asked about.
//
// It knows nothing of objects and verdicts.
package lineages

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
)

// Budgets of one question. They are far above what policies need, and keep
// hostile ones from taking a machine.
const (
	maxStates  = 4_000_000 // of automata
	maxMoments = 1 << 16   // tuples of a lineage's automaton
)

// Lineages are the conditions of two layers over common atoms.
type Lineages struct {
	atoms map[string]int // joined patterns to number
	texts [][]string
	conds []cond
	// of[side][i] is the number of the side's condition i in conds.
	of [2][]int
	// images are programs that no atom tells apart, each by one path.
	images []image
	known  map[string][]Moment
}

// cond is a condition of either layer: each field is an atom, or -1.
type cond struct{ exe, parent, ancestor int }

type image struct {
	atoms automata.Labels
	path  string
}

// Moment is a lineage, and which of the relevant conditions hold after it: bit i
// is that of the i-th.
type Moment struct {
	Held    uint64
	Lineage []string
}

// New joins the conditions of two layers, the sides 0 and 1.
func New(old, new *ir.Layer) (*Lineages, error) {
	l := &Lineages{atoms: map[string]int{}, known: map[string][]Moment{}}
	numbers := map[cond]int{}
	for side, layer := range []*ir.Layer{old, new} {
		atom := func(mask uint64) int {
			for i, patterns := range layer.Lineage.Atoms {
				if mask>>i&1 != 0 {
					return l.atom(patterns)
				}
			}
			return -1
		}
		for _, c := range layer.Lineage.Conds {
			k := cond{atom(c.Exe), atom(c.Parent), atom(c.Ancestor)}
			n, ok := numbers[k]
			if !ok {
				n = len(l.conds)
				numbers[k] = n
				l.conds = append(l.conds, k)
			}
			l.of[side] = append(l.of[side], n)
		}
	}
	return l, l.findImages()
}

func (l *Lineages) atom(patterns []string) int {
	key := strings.Join(patterns, "\x00")
	n, ok := l.atoms[key]
	if !ok {
		n = len(l.texts)
		l.atoms[key] = n
		l.texts = append(l.texts, patterns)
	}
	return n
}

// findImages finds which atoms can hold of one image.
func (l *Lineages) findImages() error {
	root := len(l.texts) // a label for what is no program, to be shown last
	rules := []automata.Rule{{Glob: mustParse("/"), Label: root}}
	for i, patterns := range l.texts {
		for _, p := range patterns {
			rules = append(rules, automata.Rule{Glob: mustParse(p), Label: i})
		}
	}
	set, err := automata.Compile(rules, automata.Options{})
	if err != nil {
		return fmt.Errorf("conditions on the lineage: %w", err)
	}
	d, err := automata.Divide(maxStates, set)
	if err != nil {
		return fmt.Errorf("conditions on the lineage: %w", err)
	}
	for _, c := range d.Cells {
		l.images = append(l.images, image{c.Labels[0], c.Path})
	}
	slices.SortStableFunc(l.images, func(a, b image) int { return boolOrder(a.atoms.Has(root), b.atoms.Has(root)) })
	return nil
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// mustParse parses a pattern that was parsed before.
func mustParse(pattern string) *automata.Glob {
	g, err := automata.Parse(pattern)
	if err != nil {
		panic(fmt.Sprintf("lineages: a pattern got past check: %v", err))
	}
	return g
}

// Relevant returns the joint numbers of conditions of both sides, ascending.
func (l *Lineages) Relevant(old, new []int) []int {
	var out []int
	for side, conds := range [][]int{old, new} {
		for _, c := range conds {
			if c != ir.Always {
				out = append(out, l.of[side][c])
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Holds says which conditions of a side hold at a moment.
func (l *Lineages) Holds(side int, relevant []int, m Moment) func(cond int) bool {
	return func(c int) bool {
		if c == ir.Always {
			return true
		}
		i, ok := slices.BinarySearch(relevant, l.of[side][c])
		return ok && m.Held>>i&1 != 0
	}
}

// Moments returns every combination of the relevant conditions that some
// lineage brings about, each with a shortest lineage; the empty lineage first.
func (l *Lineages) Moments(relevant []int) ([]Moment, error) {
	key := fmt.Sprint(relevant)
	if known, ok := l.known[key]; ok {
		return known, nil
	}
	if len(relevant) > 64 {
		return nil, fmt.Errorf("more than 64 conditions on the lineage decide about one object: %w", automata.ErrBudget)
	}
	out, err := l.search(relevant)
	if err != nil {
		return nil, err
	}
	l.known[key] = out
	return out, nil
}

// search walks the lineage's automaton, of which only the atoms of relevant
// conditions are kept.
func (l *Lineages) search(relevant []int) ([]Moment, error) {
	var local []int // atoms
	bit := func(atom int) uint64 {
		if atom < 0 {
			return 0
		}
		i := slices.Index(local, atom)
		if i < 0 {
			i = len(local)
			local = append(local, atom)
		}
		return 1 << (i % 64)
	}
	var parents, ancestors uint64
	conds := make([]ir.Cond, len(relevant))
	for i, n := range relevant {
		c := l.conds[n]
		conds[i] = ir.Cond{Exe: bit(c.exe), Parent: bit(c.parent), Ancestor: bit(c.ancestor)}
		parents |= conds[i].Parent
		ancestors |= conds[i].Ancestor
	}
	if len(local) > 64 {
		return nil, fmt.Errorf("more than 64 images of lineages decide about one object: %w", automata.ErrBudget)
	}
	small := ir.Lineage{Parents: parents, Ancestors: ancestors, Conds: conds}
	images := l.project(local)
	type step struct {
		ir.State
		from int
		path string
	}
	steps := []step{{from: -1}}
	seen := map[ir.State]bool{{}: true}
	found := map[uint64]bool{}
	var out []Moment
	for at := 0; at < len(steps); at++ {
		var held uint64
		for i := range conds {
			if small.Holds(i, steps[at].State) {
				held |= 1 << i
			}
		}
		if !found[held] {
			found[held] = true
			var lineage []string
			for i := at; i > 0; i = steps[i].from {
				lineage = append(lineage, steps[i].path)
			}
			slices.Reverse(lineage)
			out = append(out, Moment{held, lineage})
		}
		for _, im := range images {
			next := small.Exec(steps[at].State, im.mask)
			if !seen[next] {
				seen[next] = true
				steps = append(steps, step{next, at, im.path})
			}
		}
		if len(steps) > maxMoments {
			return nil, fmt.Errorf("conditions on the lineage: %w", automata.ErrBudget)
		}
	}
	return out, nil
}

type localImage struct {
	mask uint64
	path string
}

// project returns the images that some of the atoms tell apart, those that match
// little last, since they say little in a witness.
func (l *Lineages) project(atoms []int) []localImage {
	seen := map[uint64]bool{}
	var out []localImage
	for _, im := range l.images {
		var mask uint64
		for i, a := range atoms {
			if im.atoms.Has(a) {
				mask |= 1 << i
			}
		}
		if !seen[mask] {
			seen[mask] = true
			out = append(out, localImage{mask, im.path})
		}
	}
	slices.SortStableFunc(out, func(a, b localImage) int { return boolOrder(a.mask == 0, b.mask == 0) })
	return out
}

// Joint returns the joint number of a side's condition; Always stays.
func (l *Lineages) Joint(side, cond int) int {
	if cond == ir.Always {
		return cond
	}
	return l.of[side][cond]
}
