// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"slices"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
)

// Use is one way to use an object that process or file govern.
type Use struct {
	// Access is a single one; AccessExec belongs to process.
	Access policy.Access
	// Script says of AccessExec that the image is not the one that runs in the end:
	// a script, or an interpreter that is a script itself.
	Script bool
}

// Effect returns what Decide says about one use of an object, apart from the
// rule that it names: of a Named object whose path has the labels, or of an
// object of another class. holds says which conditions on the lineage hold.
//
// What Decide says about a rename, a link or an exec of several images follows
// from the effects on the objects that take part.
func (t *PathTable) Effect(use Use, class policy.ObjectClass, labels automata.Labels, holds func(cond int) bool) policy.Verdict {
	if t == nil {
		return policy.Verdict{}
	}
	if use.Access == policy.AccessExec {
		v, _ := t.exec(use, class, labels, holds)
		return v
	}
	v, _ := t.effect(policy.File, use.Access, class, labels, holds)
	if use.Access == policy.AccessMap {
		if mapped, why := t.mapping(class, labels); why != ofNothing {
			v = combine(v, mapped)
		}
	}
	return v
}

// Conditions lists the conditions on the lineage that an effect may depend on.
func (t *PathTable) Conditions(use Use, class policy.ObjectClass, labels automata.Labels) []int {
	if t == nil {
		return nil
	}
	var out []int
	in := t.in(class, labels)
	for i, g := range t.Groups {
		if g.Cond != Always && g.Access&use.Access != 0 && in(i) && !slices.Contains(out, g.Cond) {
			out = append(out, g.Cond)
		}
	}
	return out
}

// cause is what an effect comes from.
type cause uint8

const (
	ofNothing cause = iota // the section is not governed, or has nothing to say
	ofRule
	ofDefault
	ofUnresolved
	ofLoader
)

// exec decides about one image of an exec.
func (t *PathTable) exec(use Use, class policy.ObjectClass, labels automata.Labels, holds func(int) bool) (policy.Verdict, cause) {
	v, why := t.effect(policy.Process, policy.AccessExec, class, labels, holds)
	if use.Script || class != policy.Named || why == ofRule && v.Action == policy.Block || !labels.Has(t.LoaderLabel()) {
		return v, why
	}
	for i, g := range t.Groups {
		if g.Loader && labels.Has(i) && holds(g.Cond) {
			return v, why
		}
	}
	return policy.Verdict{Action: policy.Block, Report: true}, ofLoader
}

// effect decides about one object by the rules of one section.
func (t *PathTable) effect(section policy.Section, access policy.Access, class policy.ObjectClass, labels automata.Labels, holds func(int) bool) (policy.Verdict, cause) {
	d := t.of(section)
	if d == nil || class == policy.Unnamed {
		return policy.Verdict{}, ofNothing
	}
	if v, ok := t.strictest(section, access, t.in(class, labels), holds); ok {
		return v, ofRule
	}
	switch {
	case class == policy.Unresolved && t.BlocksAnything(section):
		return policy.Verdict{Action: policy.Block, Report: true}, ofUnresolved
	case class == policy.Anonymous && d.Action != policy.Block:
		return policy.Verdict{}, ofNothing
	}
	return policy.Verdict{Action: d.Action, Report: d.Action != policy.Allow}, ofDefault
}

// mapping says whether a Block rule of process without a condition on the
// lineage also blocks mapping the object as executable.
func (t *PathTable) mapping(class policy.ObjectClass, labels automata.Labels) (policy.Verdict, cause) {
	if t.Process == nil {
		return policy.Verdict{}, ofNothing
	}
	if class == policy.Unresolved {
		// A file that cannot be named may be any, so it fails closed.
		if slices.ContainsFunc(t.Groups, PathGroup.blocksMap) {
			return policy.Verdict{Action: policy.Block, Report: true}, ofUnresolved
		}
		return policy.Verdict{}, ofNothing
	}
	in := t.in(class, labels)
	v, ok := t.strictest(policy.Process, policy.AccessExec, func(group int) bool { return t.Groups[group].blocksMap() && in(group) }, never)
	if !ok {
		return policy.Verdict{}, ofNothing
	}
	return v, ofRule
}

// never holds of no condition but Always.
func never(cond int) bool { return cond == Always }

// in says of groups whether an object is in them.
func (t *PathTable) in(class policy.ObjectClass, labels automata.Labels) func(group int) bool {
	switch class {
	case policy.Named:
		return labels.Has
	case policy.Anonymous:
		return func(group int) bool { return t.Groups[group].Anonymous }
	}
	return func(int) bool { return false }
}

// strictest finds the strictest action among the groups that the object is in.
// ok is false when no rule matches.
func (t *PathTable) strictest(section policy.Section, access policy.Access, in func(group int) bool, holds func(cond int) bool) (v policy.Verdict, ok bool) {
	loud := false
	for i, g := range t.Groups {
		if g.Section != section || g.Access&access == 0 || !in(i) || !holds(g.Cond) {
			continue
		}
		if !ok || g.Action > v.Action {
			v, ok, loud = policy.Verdict{Action: g.Action}, true, false
		}
		if g.Action == v.Action && !g.Quiet {
			loud = true
		}
	}
	v.Report = v.Action != policy.Allow && loud
	return v, ok
}
