// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
)

// joint is what all layers of a unit share.
type joint struct {
	unit   *ir.Unit
	layers []*ir.Layer
	rules  *ruletable.Table
	// atoms are numbered as in rules: those of what is enforced come first.
	atoms [][]string
	conds []bpf.Condition

	// set maps a path to labels: group i is label i, then come the atoms of
	// atomOf, then the dynamic loaders.
	set    *automata.Set
	groups []group
	atomOf []uint64 // the bit in State of each atom's label
}

// group is a group of paths of one layer.
type group struct {
	ir.PathGroup
	layer int
	cond  uint64 // its bit in masks
}

// loader is the label of dynamic loaders.
func (j *joint) loader() int { return len(j.groups) + len(j.atomOf) }

// joinLayers numbers atoms and conditions and finds the automaton of all layers.
func joinLayers(u *ir.Unit) (*joint, error) {
	rules, err := ruletable.Of(u, u.Name)
	if err != nil {
		return nil, err
	}
	j := &joint{unit: u, layers: layersOf(u), rules: rules, atoms: rules.Lineage}
	if j.atoms == nil {
		j.atoms = [][]string{}
	}
	if n := len(j.atoms); n > bpf.MaxAtoms {
		return nil, fmt.Errorf("the conditions on lineages of all policies have %d lists of patterns, and an image holds %d", n, bpf.MaxAtoms)
	}
	var with []int // layers with paths
	for i, l := range j.layers {
		if l.Paths != nil {
			with = append(with, i)
		}
		j.number(i)
	}
	if n := len(j.conds); n > bpf.MaxConditions {
		return nil, fmt.Errorf("rules have %d conditions on lineages, and an image holds %d", n, bpf.MaxConditions)
	}
	if len(with) == 1 {
		l := j.layers[with[0]]
		j.set = l.Paths.Set
		for i := range l.Lineage.Atoms {
			j.atomOf = append(j.atomOf, j.atomBits(l, 1<<i))
		}
		return j, nil
	}
	for i := range j.atoms {
		j.atomOf = append(j.atomOf, 1<<i)
	}
	return j, j.compile()
}

// number appends the groups of a layer, and the conditions of them and of its
// rules of system.
func (j *joint) number(layer int) {
	l := j.layers[layer]
	if l.Paths != nil {
		for _, g := range l.Paths.Groups {
			j.groups = append(j.groups, group{g, layer, j.condition(l, g.Cond)})
		}
	}
	if l.System != nil {
		for _, g := range l.System.Groups {
			j.condition(l, g.Cond)
		}
	}
}

// always is the condition that holds for every process.
const always = uint64(1) << bpf.Always

// condition returns the bit of a layer's condition.
func (j *joint) condition(l *ir.Layer, i int) uint64 {
	if i == ir.Always {
		return always
	}
	c := l.Lineage.Conds[i]
	want := bpf.Condition{Exe: j.atomBits(l, c.Exe), Parent: j.atomBits(l, c.Parent), Ancestor: j.atomBits(l, c.Ancestor)}
	at := slices.Index(j.conds, want)
	if at < 0 {
		at = len(j.conds)
		j.conds = append(j.conds, want)
	}
	return 1 << at
}

// atomBits translates a mask of a layer's atoms.
func (j *joint) atomBits(l *ir.Layer, mask uint64) uint64 {
	var out uint64
	for ; mask != 0; mask &= mask - 1 {
		atom := l.Lineage.Atoms[bits.TrailingZeros64(mask)]
		out |= 1 << slices.IndexFunc(j.atoms, func(a []string) bool { return slices.Equal(a, atom) })
	}
	return out
}

// compile builds one automaton of the patterns of all layers.
func (j *joint) compile() error {
	var rules []automata.Rule
	budget := automata.DefaultBudget
	add := func(g *automata.Glob, label int) {
		rules = append(rules, automata.Rule{Glob: g, Label: label})
		budget += len(g.String()) // as lower: literal bytes need a state each
	}
	first := 0
	for _, l := range j.layers {
		if l.Paths == nil {
			continue
		}
		byPath := patternsByPath(l)
		for _, r := range l.Paths.Rules {
			g := ir.PathGroup{Section: r.Rule.Section, Action: r.Rule.Action, Access: r.Access, Cond: r.Cond, Quiet: r.Rule.Quiet, Anonymous: r.Anonymous}
			for i, glob := range r.Globs {
				add(glob, first+slices.Index(l.Paths.Groups, g))
				if g.Section == policy.Process && g.Action != policy.Block && i < byPath[r.Rule] {
					if part := glob.LastComponentPrefix("ld"); part != nil {
						g := g
						g.Loader = true
						add(part, first+slices.Index(l.Paths.Groups, g))
					}
				}
			}
		}
		first += len(l.Paths.Groups)
	}
	parse := func(pattern string, label int) error {
		g, err := automata.Parse(pattern)
		if err != nil {
			return fmt.Errorf("pattern %q: %w", pattern, err)
		}
		add(g, label)
		return nil
	}
	for i, atom := range j.atoms {
		for _, pattern := range atom {
			if err := parse(pattern, len(j.groups)+i); err != nil {
				return err
			}
		}
	}
	if slices.ContainsFunc(j.layers, blocksExec) {
		if err := parse(ir.LoaderPattern, j.loader()); err != nil {
			return err
		}
	}
	var err error
	if j.set, err = automata.Compile(rules, automata.Options{Budget: budget, MaxParts: bpf.MaxParts}); err != nil {
		return fmt.Errorf("the policies together: %w", err)
	}
	return nil
}

// patternsByPath counts the patterns of each process rule's `paths`, which come
// before those of its `names`: only they can name a dynamic loader by path.
func patternsByPath(l *ir.Layer) map[*policy.Rule]int {
	out := map[*policy.Rule]int{}
	for _, p := range l.Policies {
		if p.Process == nil {
			continue
		}
		for i := range p.Process.Rules {
			r := &p.Process.Rules[i]
			out[&r.Rule] = len(r.Paths)
		}
	}
	return out
}

// blocksExec says whether the layer blocks anything of process, so that dynamic
// loaders cannot be started directly.
func blocksExec(l *ir.Layer) bool { return l.Paths != nil && l.Paths.BlocksAnything(policy.Process) }
