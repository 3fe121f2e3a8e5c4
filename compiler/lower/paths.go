// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// labelled is a pattern on its way into the automaton.
type labelled struct {
	glob  *automata.Glob
	group ir.PathGroup
	span  diag.Span
}

func (b *builder) paths() {
	t := &ir.PathTable{Process: b.pathDefault(policy.Process), File: b.pathDefault(policy.File), Atoms: len(b.layer.Lineage.Atoms)}
	var patterns []labelled
	var groups []ir.PathGroup // of the rules
	for _, p := range b.layer.Policies {
		for _, s := range []policy.Section{policy.Process, policy.File} {
			if section := p.Paths(s); section != nil {
				for i := range section.Rules {
					rule := b.pathRule(t, p, &section.Rules[i])
					patterns = append(patterns, rule...)
					groups = append(groups, rule[0].group)
				}
			}
		}
	}
	t.Atoms = len(b.layer.Lineage.Atoms)
	if t.Process == nil && t.File == nil && t.Atoms == 0 {
		return
	}
	b.compile(t, patterns)
	for i, group := range groups {
		t.Rules[i].Group, _ = slices.BinarySearchFunc(t.Groups, group, compareGroups)
	}
	b.layer.Paths = t
}

func (b *builder) pathDefault(s policy.Section) *ir.Default {
	return deflt(b.layer.Policies, s, func(p *policy.Policy) (bool, policy.Action, diag.Span) {
		section := p.Paths(s)
		if section == nil {
			return false, 0, diag.Span{}
		}
		return true, section.Default, section.DefaultSpan
	})
}

// pathRule adds a rule and returns its patterns, the first with the rule's
// group. A rule that only matches anonymous objects has none, but has a group.
func (b *builder) pathRule(t *ir.PathTable, p *policy.Policy, r *policy.PathRule) []labelled {
	group := ir.PathGroup{Section: r.Section, Action: r.Action, Access: r.Access, Cond: b.cond(&r.Rule), Quiet: r.Quiet, Anonymous: r.Anonymous}
	rule := &ir.PathRule{Source: ir.Source{Policy: p, Rule: &r.Rule}, Access: r.Access, Cond: group.Cond, Anonymous: r.Anonymous}
	var out []labelled
	add := func(glob *automata.Glob, group ir.PathGroup, span diag.Span) {
		out = append(out, labelled{glob, group, span})
	}
	for _, pattern := range r.Paths {
		glob := mustParse(pattern.Text)
		rule.Globs = append(rule.Globs, glob)
		add(glob, group, pattern.Span)
		if r.Section == policy.Process && r.Action != policy.Block {
			if byPath := glob.LastComponentPrefix("ld"); byPath != nil {
				loader := group
				loader.Loader = true
				add(byPath, loader, pattern.Span)
			}
		}
	}
	for _, name := range r.Names {
		glob := mustParse("/**/" + automata.Escape(name.Text))
		rule.Globs = append(rule.Globs, glob)
		add(glob, group, name.Span)
	}
	if len(out) == 0 {
		add(nil, group, r.Span)
	}
	t.Rules = append(t.Rules, rule)
	return out
}

var loaders = sync.OnceValue(func() *automata.Glob { return mustParse(ir.LoaderPattern) })

// mustParse parses a pattern that check has accepted.
func mustParse(pattern string) *automata.Glob {
	g, err := automata.Parse(pattern)
	if err != nil {
		panic(fmt.Sprintf("lower: a pattern got past check: %v", err))
	}
	return g
}

// compile numbers the groups and builds the automaton.
func (b *builder) compile(t *ir.PathTable, patterns []labelled) {
	for _, p := range patterns {
		t.Groups = append(t.Groups, p.group)
	}
	slices.SortFunc(t.Groups, compareGroups)
	t.Groups = slices.Compact(t.Groups)
	var rules []automata.Rule
	var spans []diag.Span
	add := func(glob *automata.Glob, label int, span diag.Span) {
		rules = append(rules, automata.Rule{Glob: glob, Label: label})
		spans = append(spans, span)
	}
	for _, p := range patterns {
		if p.glob != nil {
			label, _ := slices.BinarySearchFunc(t.Groups, p.group, compareGroups)
			add(p.glob, label, p.span)
		}
	}
	for i, atom := range b.layer.Lineage.Atoms {
		for _, pattern := range atom {
			add(mustParse(pattern), len(t.Groups)+i, b.layer.Policies[0].Span)
		}
	}
	if t.BlocksAnything(policy.Process) {
		add(loaders(), t.LoaderLabel(), b.layer.Policies[0].Span)
	}
	// Literal bytes alone need a state each; the budget is for what wildcards add.
	budget := automata.DefaultBudget
	for _, r := range rules {
		budget += len(r.Glob.String())
	}
	set, err := automata.Compile(rules, automata.Options{Budget: budget})
	if err != nil {
		b.tooComplex(err, spans)
		set, _ = automata.Compile(nil, automata.Options{})
	}
	t.Set = set
}

func compareGroups(a, b ir.PathGroup) int {
	return cmp.Or(
		cmp.Compare(a.Section, b.Section), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Access, b.Access), cmp.Compare(a.Cond, b.Cond),
		compareBool(a.Quiet, b.Quiet), compareBool(a.Loader, b.Loader), compareBool(a.Anonymous, b.Anonymous),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// tooComplex names the patterns to blame.
func (b *builder) tooComplex(err error, spans []diag.Span) {
	var budget *automata.BudgetError
	if !errors.As(err, &budget) || len(budget.Rules) == 0 {
		b.list.Report(diag.StateBudget, b.layer.Policies[0].Span, err.Error())
		return
	}
	const most = 5
	var others []diag.Option
	for _, i := range budget.Rules[1:min(len(budget.Rules), most)] {
		others = append(others, diag.See(spans[i], "and this pattern"))
	}
	others = append(others, diag.Hint("replace wildcards in the middle of these patterns by what they stand for, or split the policy"))
	b.list.Report(diag.StateBudget, spans[budget.Rules[0]], budget.Error(), others...)
}
