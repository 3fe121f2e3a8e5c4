// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"fmt"
	"slices"
	"sync"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lineages"
	"github.com/avert-dev/avert/compiler/policy"
)

// place is where objects are that neither side tells apart: a cell of paths, or
// a class of objects without a path.
type place struct {
	class  policy.ObjectClass
	cell   int // index into Division.Cells
	labels [2]automata.Labels
}

// row is a change of process or file in the making.
type row struct {
	transition
	uses   []ir.Use
	from   lineages.From
	lines  []string // a shortest lineage
	class  policy.ObjectClass
	places []int // ascending
}

// uses lists what is compared, one by one.
var uses = func() []ir.Use {
	var out []ir.Use
	for _, n := range policy.AccessNames {
		out = append(out, ir.Use{Access: n.Access})
	}
	return append(out, ir.Use{Access: policy.AccessExec, Script: true})
}()

// paths compares process and file.
func (c *comparison) paths() error {
	old, new := c.layers[0].Paths, c.layers[1].Paths
	if old == nil && new == nil {
		return nil
	}
	d, err := automata.Divide(maxStates, setOf(old), setOf(new))
	if err != nil {
		return fmt.Errorf("paths: %w", err)
	}
	places := []place{{class: policy.Anonymous}, {class: policy.Unresolved}}
	for i, cell := range d.Cells {
		places = append(places, place{class: policy.Named, cell: i, labels: [2]automata.Labels(cell.Labels)})
	}
	rows, err := c.rows(places)
	if err != nil {
		return err
	}
	for _, r := range mergeUses(rows) {
		if err := c.report(r, places, d); err != nil {
			return err
		}
	}
	return nil
}

func setOf(t *ir.PathTable) *automata.Set {
	if t == nil {
		return nothing()
	}
	return t.Set
}

// nothing is the set without rules.
var nothing = sync.OnceValue(func() *automata.Set {
	set, err := automata.Compile(nil, automata.Options{})
	if err != nil {
		panic(err) // there is nothing to compile
	}
	return set
})

// rows finds what changes, and gathers the places at which it changes alike.
func (c *comparison) rows(places []place) ([]*row, error) {
	var rows []*row
	index := map[string]*row{}
	for _, use := range uses {
		for i, p := range places {
			relevant := c.Relevant(c.layers[0].Paths.Conditions(use, p.class, p.labels[0]), c.layers[1].Paths.Conditions(use, p.class, p.labels[1]))
			all, err := c.Moments(relevant)
			if err != nil {
				return nil, err
			}
			for _, ch := range c.transitions(all, func(side int, m lineages.Moment) policy.Verdict {
				return c.layers[side].Paths.Effect(use, p.class, p.labels[side], c.Holds(side, relevant, m))
			}) {
				f, from := c.From(relevant, ch.moments, all)
				key := fmt.Sprint(use, p.class, plain(ch.before), plain(ch.after), from)
				r := index[key]
				if r == nil {
					r = &row{transition: ch.transition, uses: []ir.Use{use}, from: f, lines: ch.moments[0].Lineage, class: p.class}
					index[key] = r
					rows = append(rows, r)
				}
				r.places = append(r.places, i)
			}
		}
	}
	return rows, nil
}

// changed is a transition and the moments at which it takes place.
type changed struct {
	transition
	moments []lineages.Moment
}

// transitions asks both sides at every moment.
func (c *comparison) transitions(all []lineages.Moment, effect func(side int, m lineages.Moment) policy.Verdict) []changed {
	var out []changed
	for _, m := range all {
		t := transition{plain(effect(0, m)), plain(effect(1, m))}
		if t.before == t.after {
			continue
		}
		i := slices.IndexFunc(out, func(o changed) bool { return o.transition == t })
		if i < 0 {
			i = len(out)
			out = append(out, changed{transition: t})
		}
		out[i].moments = append(out[i].moments, m)
	}
	return out
}

// mergeUses joins rows that differ in the use alone. A script is mentioned only
// where running the same file in the end does not change likewise.
func mergeUses(rows []*row) []*row {
	var out []*row
	same := func(a, b *row) bool {
		return a.transition == b.transition && a.class == b.class && fmt.Sprint(a.from) == fmt.Sprint(b.from)
	}
	for _, r := range rows {
		if r.uses[0].Script {
			for _, o := range out {
				if o.uses[0].Access == policy.AccessExec && same(o, r) {
					r.places = slices.DeleteFunc(r.places, func(p int) bool { return slices.Contains(o.places, p) })
				}
			}
			if len(r.places) > 0 {
				out = append(out, r)
			}
			continue
		}
		i := slices.IndexFunc(out, func(o *row) bool {
			exec := o.uses[0].Access == policy.AccessExec || r.uses[0].Access == policy.AccessExec
			return !exec && same(o, r) && slices.Equal(o.places, r.places)
		})
		if i < 0 {
			out = append(out, r)
		} else {
			out[i].uses = append(out[i].uses, r.uses...)
		}
	}
	return out
}

// report writes a row as a change.
func (c *comparison) report(r *row, places []place, d *automata.Division) error {
	use := r.uses[0]
	ch := Change{Section: policy.File, From: r.from}
	if use.Access == policy.AccessExec {
		ch.Section = policy.Process
	}
	for _, u := range r.uses {
		ch.Uses = append(ch.Uses, u.Access.String())
	}
	object := policy.Object{Class: r.class}
	var lang automata.Lang
	if r.class == policy.Named {
		var cells []int
		for _, p := range r.places {
			cells = append(cells, places[p].cell)
		}
		lang = d.Paths(cells...)
		if err := ch.list(lang); err != nil {
			return err
		}
		object.Path, ch.Others = ch.Others[0], ch.Others[1:]
	}
	op := policy.Operation{Kind: policy.OpFile, Access: use.Access, Object: object, Lineage: r.lines}
	if use.Access == policy.AccessExec {
		op = policy.Operation{Kind: policy.OpExec, Images: []policy.Object{object}, Lineage: r.lines}
	}
	if use.Script {
		var ok bool
		if op, ok = c.script(op, d); !ok {
			return nil // whatever it leads to is decided alike
		}
	}
	ch.Witness = op
	ch.Before, ch.After = c.decide(op, nil)
	ch.Kind, _ = kindOf(ch.Before, ch.After)
	if r.class == policy.Named {
		if err := c.parts(&ch, r, places, lang); err != nil {
			return err
		}
	}
	c.changes = append(c.changes, ch)
	return nil
}

// listed is how many paths of a change are given one by one.
const listed = 20

// list sets Others to the paths of a language, the smallest first: the root
// only where there is no other.
func (ch *Change) list(lang automata.Lang) error {
	n, ok := lang.Count(1 << 30)
	ch.Endless = !ok
	most := listed
	if ch.Endless {
		most = 1
	}
	root, err := automata.FromGlobs(maxStates, mustParse("/"))
	if err != nil {
		return err
	}
	rest, err := lang.Difference(root, maxStates)
	if err != nil {
		return err
	}
	ch.Others = rest.Paths(most)
	if lang.Has("/") && len(ch.Others) < most {
		ch.Others = append(ch.Others, "/")
	}
	if ok {
		ch.More = n - len(ch.Others)
	}
	return nil
}

// script completes an exec whose first image is a script: with an image that
// runs in the end so that the whole is decided otherwise.
func (c *comparison) script(op policy.Operation, d *automata.Division) (policy.Operation, bool) {
	last := []policy.Object{{Class: policy.Anonymous}, {Class: policy.Unresolved}}
	for _, cell := range d.Cells {
		last = append(last, policy.Object{Path: cell.Path})
	}
	slices.Reverse(last) // the named ones say more
	first := op.Images[0]
	for _, l := range last {
		op.Images = []policy.Object{first, l}
		if before, after := c.decide(op, nil); plain(before) != plain(after) {
			return op, true
		}
	}
	return op, false
}

// parts finds the rules that decide somewhere in a change of paths.
func (c *comparison) parts(ch *Change, r *row, places []place, lang automata.Lang) error {
	for side, layer := range c.layers {
		if layer.Paths == nil {
			continue
		}
		action := []policy.Verdict{r.before, r.after}[side].Action
		access := r.uses[0].Access
		taking := func(rule *ir.PathRule) bool {
			if rule.Rule.Action != action || rule.Access&access == 0 {
				return false
			}
			return slices.ContainsFunc(r.places, func(p int) bool { return places[p].labels[side].Has(rule.Group) })
		}
		for _, rule := range layer.Paths.Rules {
			if !taking(rule) {
				continue
			}
			part := RulePart{New: side == 1, Ref: rule.Ref()}
			for _, g := range rule.Globs {
				_, some, all, err := lang.Overlaps(g, automata.DefaultSteps)
				if err != nil {
					return fmt.Errorf("%s: %w", rule.Rule.ID(), err)
				}
				if some {
					part.Patterns = append(part.Patterns, PatternPart{g.String(), all})
				}
			}
			if len(part.Patterns) > 0 {
				ch.Rules = append(ch.Rules, part)
			}
		}
	}
	return nil
}

// mustParse parses a pattern that was parsed before.
func mustParse(pattern string) *automata.Glob {
	g, err := automata.Parse(pattern)
	if err != nil {
		panic(fmt.Sprintf("diff: a pattern got past check: %v", err))
	}
	return g
}
