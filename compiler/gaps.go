// SPDX-License-Identifier: Apache-2.0

package compiler

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/report"
)

// question is one rule or default of one policy, and what back-ends said of it.
type question struct {
	policy  *policy.Policy
	rule    string
	span    diag.Span
	action  policy.Action
	answers []emit.Lowering
	// parts are the operations that a rule or default of `system` blocks: several
	// back-ends may hold them together.
	parts []string
}

// gaps asks of every Block whether some back-end holds it exactly, everywhere.
// used collects the accept entries that named something.
func gaps(policies []*policy.Policy, lowerings []emit.Lowering, used map[*policy.Accept]bool) []report.Gap {
	type key struct{ policy, rule string }
	said := map[key][]emit.Lowering{}
	for _, l := range lowerings {
		k := key{l.Policy.ID(), l.Rule}
		said[k] = append(said[k], l)
	}
	var out []report.Gap
	for _, p := range policies {
		for _, q := range questions(p) {
			q.answers = said[key{p.ID(), q.rule}]
			markUsed(q, used)
			if q.action != policy.Block || p.Mode != policy.Enforce || q.held() {
				continue
			}
			g := report.Gap{Policy: p, Rule: q.rule, Span: q.span, Why: q.why(), Accepted: q.accepted()}
			for _, a := range g.Accepted {
				used[a] = true
			}
			out = append(out, g)
		}
	}
	return out
}

// questions lists what a policy wants held: each rule and default, and a base
// of None, which gives up the floor.
func questions(p *policy.Policy) []question {
	var out []question
	for _, s := range policy.Sections {
		if action, span, ok := p.Default(s); ok {
			q := question{policy: p, rule: s.String() + "/" + policy.BuiltinDefault, span: span, action: action}
			if s == policy.System {
				q.parts = impliedParts()
			}
			out = append(out, q)
		}
		for i, r := range p.Rules(s) {
			q := question{policy: p, rule: r.ID(), span: r.Span, action: r.Action}
			if s == policy.System {
				for _, o := range p.System.Rules[i].Operations {
					q.parts = append(q.parts, o.String())
				}
			}
			out = append(out, q)
		}
	}
	if p.Syscalls != nil && p.Syscalls.BaseNone {
		out = append(out, question{policy: p, rule: BaseRule, span: p.Syscalls.BaseSpan, action: policy.Block})
	}
	return out
}

// BaseRule is what accept entries call the loss of the floor by `base: None`.
const BaseRule = "syscalls/base"

// impliedParts are the operations that are blocked without a rule.
func impliedParts() []string {
	var out []string
	for _, o := range policy.SystemOperations {
		if o != policy.IOUring {
			out = append(out, o.String())
		}
	}
	return out
}

// together says whether each of the parts is held exactly by some back-end
// wherever that back-end answers.
func (q *question) together() bool {
	if len(q.parts) == 0 {
		return false
	}
	answers := map[string]int{}          // by target
	holds := map[string]map[string]int{} // by part and target
	for _, a := range q.answers {
		answers[a.Target]++
		parts := a.Parts
		if a.Status == emit.Exact {
			parts = q.parts
		}
		for _, p := range parts {
			if holds[p] == nil {
				holds[p] = map[string]int{}
			}
			holds[p][a.Target]++
		}
	}
	return !slices.ContainsFunc(q.parts, func(p string) bool {
		for target, n := range holds[p] {
			if n == answers[target] {
				return false
			}
		}
		return true
	})
}

// held says whether one back-end answered, and always with Exact, or several
// hold everything together.
func (q *question) held() bool {
	if q.together() {
		return true
	}
	exact := map[string]bool{}
	for _, a := range q.answers {
		if _, seen := exact[a.Target]; !seen {
			exact[a.Target] = true
		}
		exact[a.Target] = exact[a.Target] && a.Status == emit.Exact
	}
	for _, e := range exact {
		if e {
			return true
		}
	}
	return false
}

// accepted finds the entries that together name the gap: for every back-end that
// answered one about the rule itself, or one about each Allow that makes a
// default looser there. It returns nothing when one is missing. Where no
// back-end answered, only an entry for all of them counts.
func (q *question) accepted() []*policy.Accept {
	var out []*policy.Accept
	add := func(rule, target string) bool {
		for i := range q.policy.Accepts {
			if a := &q.policy.Accepts[i]; a.Covers(rule, target) {
				if !slices.Contains(out, a) {
					out = append(out, a)
				}
				return true
			}
		}
		return false
	}
	if len(q.answers) == 0 {
		add(q.rule, "")
		return out
	}
	for _, l := range q.answers {
		if l.Status == emit.Exact || add(q.rule, l.Target) {
			continue
		}
		if len(l.Causes) == 0 {
			return nil
		}
		for _, cause := range l.Causes {
			if !add(cause, l.Target) {
				return nil
			}
		}
	}
	return out
}

// markUsed notes the entries that name something a back-end does not hold.
func markUsed(q question, used map[*policy.Accept]bool) {
	for i := range q.policy.Accepts {
		a := &q.policy.Accepts[i]
		for _, l := range q.answers {
			if l.Status != emit.Exact && a.Covers(q.rule, l.Target) {
				used[a] = true
			}
		}
	}
}

func (q *question) why() []string {
	var out []string
	for _, a := range q.answers {
		if a.Status != emit.Exact {
			out = append(out, fmt.Sprintf("%s: %s, %s", a.Target, a.Status, a.Reason))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// reportGaps turns gaps that nobody accepted into findings.
func reportGaps(pool *platform.Pool, gaps []report.Gap, list *diag.List) {
	for _, g := range gaps {
		if g.Accepted != nil {
			continue
		}
		why := "no selected target covers this section"
		if len(g.Why) > 0 {
			why = strings.Join(g.Why, "; ")
		}
		list.Report(diag.Gap, g.Span, fmt.Sprintf("%s of %s is held exactly by no target of pool %s (%s)", g.Rule, g.Policy.ID(), pool.Name, why),
			diag.Hint("select a target that holds it, or accept the gap: {rule: %s, reason: ...}", g.Rule))
	}
}

// reportStricter refuses what would block more than a policy says: there is no
// way to opt in yet.
func reportStricter(pool *platform.Pool, lowerings []emit.Lowering, list *diag.List) {
	for _, l := range lowerings {
		if l.Status == emit.Stricter {
			list.Report(diag.Stricter, l.Span, fmt.Sprintf("%s could hold %s of %s only by blocking more on pool %s (%s)", l.Target, l.Rule, l.Policy.ID(), pool.Name, l.Reason))
		}
	}
}

// reportUnusedAccepts warns of entries that name no gap. An entry for a target
// that was not selected cannot be judged.
func reportUnusedAccepts(policies []*policy.Policy, pools []*platform.Pool, used map[*policy.Accept]bool, list *diag.List) {
	for _, p := range policies {
		for i := range p.Accepts {
			a := &p.Accepts[i]
			selected := a.Target == "" || slices.ContainsFunc(pools, func(pool *platform.Pool) bool { return slices.Contains(pool.Targets, a.Target) })
			if !used[a] && selected && p.Mode == policy.Enforce {
				list.Report(diag.UnusedAccept, a.Span, fmt.Sprintf("accept names %s, which has no gap", a.Rule), diag.Hint("remove the entry: it would hide the next gap"))
			}
		}
	}
}
