// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
)

// withoutEffect reports Allow rules of sections whose default allows anyway. A
// Block rule of process makes Allow rules matter again, since it implies that
// loaders are blocked. What syscalls allows may depend on the base.
func withoutEffect(p *policy.Policy, together *neighbours, list *diag.List) {
	for _, s := range governed(p) {
		all := p.Rules(s)
		if !slices.ContainsFunc(all, func(r *policy.Rule) bool { return r.Action == policy.Allow }) {
			continue
		}
		var idle func(i int) bool
		switch s {
		case policy.Process:
			blocks := p.Process.BlocksAnything()
			idle = func(int) bool { return p.Process.Default == policy.Allow && !blocks }
		case policy.File:
			idle = func(int) bool { return p.File.Default == policy.Allow }
		case policy.Network:
			idle = func(i int) bool {
				r := &p.Network.Rules[i]
				return (r.Direction == policy.Egress || p.Network.Ingress == policy.Allow) && (r.Direction == policy.Ingress || p.Network.Egress == policy.Allow)
			}
		case policy.Capabilities:
			idle = func(int) bool { return p.Capabilities.Default == policy.Allow }
		default:
			continue
		}
		if !together.alone(p, s) {
			continue
		}
		for i, r := range all {
			if r.Action == policy.Allow && idle(i) {
				list.Report(diag.DeadRule, r.NameSpan, fmt.Sprintf("rule %s has no effect: the default of %s is Allow, and no other policy governs it", r.ID(), s))
			}
		}
	}
}

// unreachable reports rules whose from names only images that the policy itself
// never lets run.
func unreachable(p *policy.Policy, together *neighbours, list *diag.List) {
	if p.Process == nil || p.Mode == policy.AuditMode {
		return
	}
	var runs *runnable
	for _, s := range governed(p) {
		for _, r := range p.Rules(s) {
			if r.From == nil {
				continue
			}
			if runs == nil {
				runs = newRunnable(p, together.alone(p, policy.Process))
			}
			for _, field := range []struct {
				key      string
				patterns []policy.Pattern
			}{{"exe", r.From.Exe}, {"parent", r.From.Parent}, {"ancestor", r.From.Ancestor}} {
				if len(field.patterns) > 0 && !slices.ContainsFunc(field.patterns, runs.may) {
					list.Report(diag.DeadRule, field.patterns[0].Span, fmt.Sprintf("rule %s never matches: process lets nothing run that from.%s names", r.ID(), field.key))
				}
			}
		}
	}
}

// runnable knows what a policy lets run.
type runnable struct {
	blocked *blockIndex
	allowed []policy.Pattern // nil when the default does not block
	known   map[string]bool  // answers, by pattern
}

func newRunnable(p *policy.Policy, alone bool) *runnable {
	var blocks []*policy.PathRule
	x := &runnable{known: map[string]bool{}}
	for i := range p.Process.Rules {
		r := &p.Process.Rules[i]
		if r.Action == policy.Block {
			blocks = append(blocks, r)
			continue
		}
		x.allowed = append(x.allowed, r.Paths...)
		for _, n := range r.Names {
			x.allowed = append(x.allowed, policy.Pattern{Text: anywhere(n.Text)})
		}
	}
	if p.Process.Default != policy.Block || !alone || len(x.allowed) > maxUnion {
		x.allowed = nil
	}
	x.blocked = newBlockIndex(blocks, nil)
	return x
}

// may is true unless it is certain that nothing that matches the pattern runs.
func (x *runnable) may(pattern policy.Pattern) bool {
	answer, ok := x.known[pattern.Text]
	if !ok {
		answer = x.blocked.coversPattern(pattern.Text, policy.AccessExec) == nil && x.allows(pattern.Text)
		x.known[pattern.Text] = answer
	}
	return answer
}

func (x *runnable) allows(pattern string) bool {
	if x.allowed == nil || len(x.known) > maxComparisons || slices.ContainsFunc(x.allowed, func(a policy.Pattern) bool { return a.Text == pattern }) {
		return true
	}
	glob := parsed(pattern)
	return slices.ContainsFunc(x.allowed, func(a policy.Pattern) bool {
		_, both, err := automata.Overlaps(glob, parsed(a.Text), coverSteps)
		return err != nil || both
	})
}
