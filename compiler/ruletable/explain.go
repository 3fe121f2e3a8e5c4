// SPDX-License-Identifier: Apache-2.0

package ruletable

import (
	"cmp"
	"slices"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// explanations are what may be behind a report, each once.
type explanations struct {
	list []candidate
	// sure says that one of them holds.
	sure bool
}

type candidate struct {
	Match
	rank int
	// place orders rules by file and document.
	place int
}

// The order in which explanations are preferred.
const (
	rankSure = iota
	rankMaybe
	rankDefault
	rankQuiet
)

// best returns the explanation to report; ok is false when there is none.
func (e *explanations) best() (m Match, ok bool) {
	if len(e.list) == 0 {
		return m, false
	}
	best := slices.MinFunc(e.list, func(a, b candidate) int { return cmp.Or(a.rank-b.rank, a.place-b.place) })
	others := slices.ContainsFunc(e.list, func(c candidate) bool {
		// Quiet rules explain nothing where a loud one surely matches.
		return c != best && !(c.rank == rankQuiet && best.rank == rankSure)
	})
	best.Certain = e.sure && !others
	return best.Match, true
}

// add adds an explanation. A better rank replaces a worse one of the same rule.
func (e *explanations) add(m Match, rank, place int) {
	for i := range e.list {
		if c := &e.list[i]; c.Policy == m.Policy && c.Rule == m.Rule && c.Line == m.Line {
			c.rank = min(c.rank, rank)
			return
		}
	}
	e.list = append(e.list, candidate{m, rank, place})
}

// question is one thing that the policies decide about.
type question struct {
	ps      []*Policy
	action  policy.Action
	lineage *lineage
	unknown bool // which object
	out     *explanations
}

func (t *Table) explain(ps []*Policy, op Operation, action policy.Action) *explanations {
	out := &explanations{}
	q := &question{ps, action, t.lineage(op.Lineage), op.NoObject, out}
	switch op.Section {
	case policy.Process:
		q.exec(op.Object)
	case policy.File:
		if op.Carried {
			q.carried(op.Object, op.Target)
			break
		}
		for _, n := range policy.AccessNames {
			if op.Access&policy.AccessFile&n.Access != 0 {
				q.object(policy.File, n.Access, op.Object)
			}
		}
		// What rules about files do not surely explain may be about a program.
		if op.Access&policy.AccessMap != 0 && !slices.ContainsFunc(out.list, func(c candidate) bool { return c.rank == rankSure || c.rank == rankDefault && out.sure }) {
			q.mapByProcess(op.Object)
		}
	case policy.Network:
		q.network(op.Flow)
	case policy.Syscalls:
		q.rules(policy.Syscalls, func(r *Rule) truth {
			switch {
			case !slices.Contains(r.Names, op.Syscall):
				return no
			case r.Args:
				return maybe
			}
			return yes
		}, func() { q.byDefault(policy.Syscalls, policy.BothDirections) })
	case policy.Capabilities:
		q.named(policy.Capabilities, op.Capability, true)
	case policy.System:
		q.named(policy.System, op.System.String(), op.System != policy.IOUring)
	}
	return out
}

// rules adds the rules of a section that may explain, and calls otherwise when
// it may be that no rule matches at all.
func (q *question) rules(s policy.Section, matches func(*Rule) truth, otherwise func()) {
	var uncertain, decided, loud bool
	place := 0
	for _, p := range q.ps {
		for _, r := range p.Rules {
			place++
			if r.section != s {
				continue
			}
			t := matches(r)
			if t != no {
				t = min(t, q.lineage.meets(p, r.From))
			}
			decided = decided || t == yes
			uncertain = uncertain || t == maybe
			if t == no || r.action != q.action {
				continue
			}
			q.out.sure = q.out.sure || t == yes
			m := Match{Policy: p, Rule: r.Rule, Line: r.Line, Action: r.action, Quiet: r.Quiet}
			switch {
			case r.Quiet:
				q.out.add(m, rankQuiet, place)
			case loud: // an earlier rule is reported
			case t == maybe:
				q.out.add(m, rankMaybe, place)
			default:
				q.out.add(m, rankSure, place)
				loud = true
			}
		}
	}
	if !decided {
		n := len(q.out.list)
		otherwise()
		q.out.sure = q.out.sure || len(q.out.list) > n && !uncertain
	}
}

// byDefault adds the strictest default of a section, of the first policy that
// has it.
func (q *question) byDefault(s policy.Section, d policy.Direction) {
	var best *Default
	var of *Policy
	for _, p := range q.ps {
		for i := range p.Defaults {
			def := &p.Defaults[i]
			if def.section == s && def.Direction == d.String() && (best == nil || def.action > best.action) {
				best, of = def, p
			}
		}
	}
	if best != nil && best.action == q.action {
		q.out.add(Match{Policy: of, Rule: s.String() + "/" + policy.BuiltinDefault, Line: best.Line, Action: best.action}, rankDefault, 0)
	}
}

// named decides about something that rules name.
func (q *question) named(s policy.Section, name string, covered bool) {
	q.rules(s, func(r *Rule) truth { return holds(slices.Contains(r.Names, name)) }, func() {
		if covered {
			q.byDefault(s, policy.BothDirections)
		}
	})
}

// builtin adds a decision of the language itself, after the first policy that
// blocks anything in the section.
func (q *question) builtin(s policy.Section, name string) {
	if q.action != policy.Block {
		return
	}
	for _, p := range q.ps {
		if p.blocksAnything(s) {
			q.out.add(Match{Policy: p, Rule: s.String() + "/" + name, Line: p.Line, Action: policy.Block}, rankDefault, 0)
			return
		}
	}
}

func (p *Policy) blocksAnything(s policy.Section) bool {
	return slices.ContainsFunc(p.Defaults, func(d Default) bool { return d.section == s && d.action == policy.Block }) ||
		slices.ContainsFunc(p.Rules, func(r *Rule) bool { return r.section == s && r.action == policy.Block })
}

func (q *question) blocksAnything(s policy.Section) bool {
	return slices.ContainsFunc(q.ps, func(p *Policy) bool { return p.blocksAnything(s) })
}

func (q *question) exec(o policy.Object) {
	switch {
	case o.Class == policy.Unnamed:
		o.Class = policy.Anonymous
	case o.Class == policy.Named && !q.unknown && automata.IsCanonical(o.Path) && q.blocksAnything(policy.Process) && loaders.match(o.Path) == yes:
		q.loader(o)
		return
	}
	q.object(policy.Process, policy.AccessExec, o)
}

// loader decides about starting a dynamic loader: only a rule that names it by
// path lets it run.
func (q *question) loader(o policy.Object) {
	by := no
	for _, p := range q.ps {
		for _, r := range p.Rules {
			if r.loaders != nil {
				by = max(by, min(r.loaders.match(o.Path), q.lineage.meets(p, r.From)))
			}
		}
	}
	if by != yes && q.action == policy.Block {
		blocked := no
		for _, p := range q.ps {
			for _, r := range p.Rules {
				if r.section == policy.Process && r.action == policy.Block {
					blocked = max(blocked, min(q.matches(r, policy.AccessExec, o), q.lineage.meets(p, r.From)))
				}
			}
		}
		if blocked != yes {
			q.builtin(policy.Process, policy.BuiltinLoader)
			q.out.sure = q.out.sure || by == no
		}
	}
	if by == no && q.action == policy.Audit {
		return // it is blocked
	}
	otherwise := func() {
		if by != no {
			q.byDefault(policy.Process, policy.BothDirections)
		}
	}
	q.rules(policy.Process, func(r *Rule) truth { return q.matches(r, policy.AccessExec, o) }, otherwise)
}

// object decides about one use of a file by the rules of one section.
func (q *question) object(s policy.Section, access policy.Access, o policy.Object) {
	byDefault := func() { q.byDefault(s, policy.BothDirections) }
	switch {
	case o.Class == policy.Unnamed:
		return
	case o.Class == policy.Anonymous && q.action != policy.Block:
		byDefault = func() {} // a milder default than Block does not reach it
	case q.unresolved(o):
		if q.blocksAnything(s) {
			q.builtin(s, policy.BuiltinUnresolved)
		} else {
			byDefault()
		}
		q.out.sure = true
		return
	}
	q.rules(s, func(r *Rule) truth { return q.matches(r, access, o) }, byDefault)
}

// unresolved says whether the path of an object cannot be known.
func (q *question) unresolved(o policy.Object) bool {
	return !q.unknown && (o.Class == policy.Unresolved || o.Class == policy.Named && !automata.IsCanonical(o.Path))
}

// matches says whether a rule is about one use of an object.
func (q *question) matches(r *Rule, access policy.Access, o policy.Object) truth {
	switch {
	case r.access&access == 0:
		return no
	case o.Class == policy.Anonymous:
		return holds(r.Anonymous)
	case len(r.paths.texts) == 0:
		return no
	case q.unknown:
		return maybe
	}
	return r.paths.match(o.Path)
}

// mapByProcess adds the Block rules of process without a condition on the
// lineage: they also block mapping a file as executable.
func (q *question) mapByProcess(o policy.Object) {
	if q.action != policy.Block || o.Class == policy.Unnamed {
		return
	}
	blocks := func(r *Rule) bool { return r.section == policy.Process && r.action == policy.Block && r.From == nil }
	if q.unresolved(o) {
		if slices.ContainsFunc(q.ps, func(p *Policy) bool { return slices.ContainsFunc(p.Rules, blocks) }) {
			q.builtin(policy.Process, policy.BuiltinUnresolved)
		}
		return
	}
	q.rules(policy.Process, func(r *Rule) truth {
		if !blocks(r) {
			return no
		}
		return q.matches(r, policy.AccessExec, o)
	}, func() {})
}

// loaders are the patterns of dynamic loaders.
var loaders = &patterns{texts: []string{ir.LoaderPattern}}
