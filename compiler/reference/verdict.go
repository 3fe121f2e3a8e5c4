// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
)

// match is a rule that matches an operation, and the policy that it stands in.
type match struct {
	policy *policy.Policy
	rule   *policy.Rule
	errno  int // what a syscalls rule that blocks returns, else 0
}

// verdict is what the rule decides when it prevails.
//
// Rule: Block reports unless it is quiet, Audit reports, Allow is silent.
func (m match) verdict() policy.Verdict {
	action := m.rule.Action
	return policy.Verdict{
		Action: action,
		Errno:  m.errno,
		Rule:   policy.RuleRef{Policy: m.policy.ID(), Rule: m.rule.ID(), Span: m.rule.Span},
		Report: action == policy.Audit || action == policy.Block && !m.rule.Quiet,
	}
}

// weigh decides between matching rules, which stand in file and document order.
//
// Rule: any matching Block wins; else any matching Allow or Audit allows, and
// Audit reports also beside an Allow; else what holds without a rule.
func weigh(matches []match, otherwise policy.Verdict) policy.Verdict {
	for _, action := range []policy.Action{policy.Block, policy.Audit, policy.Allow} {
		if m := named(matches, action); m != nil {
			return m.verdict()
		}
	}
	return otherwise
}

// named returns the rule that is named when an action prevails, or nil when no
// matching rule has that action.
//
// Rule: it is the first in order. A Block is silent only when every matching
// Block is quiet, so the first one that reports is named before quiet ones.
func named(matches []match, action policy.Action) *match {
	var first *match
	for i, m := range matches {
		if m.rule.Action != action {
			continue
		}
		if !m.rule.Quiet {
			return &matches[i]
		}
		if first == nil {
			first = &matches[i]
		}
	}
	return first
}

// stated is the default that one policy gives a section.
type stated struct {
	policy *policy.Policy
	action policy.Action
	span   diag.Span
}

// strictest returns what holds in a section when no rule matches.
//
// Rule: the strictest default of the policies that have the section, named
// after the first of them that states it. A section that no policy has is not
// governed: it allows, and no rule is named.
func strictest(section policy.Section, defaults []stated) policy.Verdict {
	if len(defaults) == 0 {
		return policy.Verdict{}
	}
	s := defaults[0]
	for _, d := range defaults {
		if d.action > s.action {
			s = d
		}
	}
	return builtin(s.policy, section, policy.BuiltinDefault, s.action, s.span)
}

// builtin is a verdict that no rule of the policy states.
func builtin(p *policy.Policy, section policy.Section, name string, action policy.Action, span diag.Span) policy.Verdict {
	return policy.Verdict{
		Action: action,
		Rule:   policy.RuleRef{Policy: p.ID(), Rule: section.String() + "/" + name, Span: span},
		Report: action != policy.Allow,
	}
}

// combine decides an operation that must pass several verdicts.
//
// Rule: the strictest wins. Among equals the first wins, but a Block that
// reports before one that is quiet.
func combine(verdicts ...policy.Verdict) policy.Verdict {
	v := verdicts[0]
	for _, w := range verdicts[1:] {
		if w.Action > v.Action || w.Action == policy.Block && w.Report && !v.Report {
			v = w
		}
	}
	return v
}
