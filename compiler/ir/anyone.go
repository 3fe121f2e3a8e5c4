// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"slices"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
)

// Most is what a section lets be done with a path by whichever lineage may do
// most.
type Most struct {
	Action policy.Action
	// Conditional says that only some lineages may.
	Conditional bool
	// Rule is what decided: a rule, or the section's default.
	Rule policy.RuleRef
}

// Anyone decides about one access of process or file to a canonical path for
// whichever lineage may do most: conditional Blocks are taken not to hold,
// and conditional Allows to hold. ok is false when the section is not governed.
func (l *Layer) Anyone(section policy.Section, access policy.Access, path string) (m Most, ok bool) {
	t := l.Paths
	if t == nil || t.of(section) == nil || !automata.IsCanonical(path) {
		return Most{}, false
	}
	labels := t.Set.Match(path)
	best, blocked := -1, -1
	for i, g := range t.Groups {
		switch {
		case g.Section != section || g.Access&access == 0 || !labels.Has(i):
		case g.Action != policy.Block:
			if best < 0 || permits(g, t.Groups[best]) {
				best = i
			}
		case g.Cond == Always:
			blocked = i
		}
	}
	switch d := t.of(section); {
	case blocked >= 0:
		return Most{Action: policy.Block, Rule: t.ruleOf(blocked, access, path)}, true
	case best >= 0:
		g := t.Groups[best]
		return Most{Action: g.Action, Conditional: g.Cond != Always, Rule: t.ruleOf(best, access, path)}, true
	default:
		return Most{Action: d.Action, Rule: d.Rule}, true
	}
}

// permits says whether a decides before b what passes: for every lineage rather
// than for some, and then Audit, since it reports beside an Allow.
func permits(a, b PathGroup) bool {
	if (a.Cond == Always) != (b.Cond == Always) {
		return a.Cond == Always
	}
	return a.Action > b.Action
}

// ruleOf names the first rule of a group that matches a path that the group
// matches. Usually a group has one rule, and no pattern is looked at.
func (t *PathTable) ruleOf(group int, access policy.Access, path string) policy.RuleRef {
	g := t.Groups[group]
	var candidates []*PathRule
	for _, r := range t.Rules {
		if r.Rule.Section == g.Section && r.Rule.Action == g.Action && r.Access == g.Access && r.Cond == g.Cond && r.Rule.Quiet == g.Quiet {
			candidates = append(candidates, r)
		}
	}
	i := 0
	if len(candidates) > 1 {
		i = max(0, slices.IndexFunc(candidates, func(r *PathRule) bool { return r.Matches(path) }))
	}
	return candidates[i].Ref()
}
