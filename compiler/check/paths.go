// SPDX-License-Identifier: Apache-2.0

package check

import (
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

func (c *checker) process(s *syntax.ProcessSection, known map[string]diag.Span) *policy.PathSection {
	out := &policy.PathSection{Default: actions[s.Default.Value], DefaultSpan: s.Default.Span}
	for i := range s.Rules {
		r := &s.Rules[i]
		rule := policy.PathRule{Rule: c.rule(policy.Process, &r.RuleHead, r.From, known), Access: policy.AccessExec, Anonymous: r.Anonymous.Value}
		c.objects(&rule, r.Paths, r.Names, &r.RuleHead)
		if !c.failed {
			out.Rules = append(out.Rules, rule)
		}
	}
	return out
}

func (c *checker) file(s *syntax.FileSection, known map[string]diag.Span) *policy.PathSection {
	out := &policy.PathSection{Default: actions[s.Default.Value], DefaultSpan: s.Default.Span}
	for i := range s.Rules {
		r := &s.Rules[i]
		rule := policy.PathRule{Rule: c.rule(policy.File, &r.RuleHead, r.From, known), Anonymous: r.Anonymous.Value}
		c.objects(&rule, r.Paths, r.Names, &r.RuleHead)
		seen := map[string]diag.Span{}
		for _, t := range r.Access {
			if t.Value != "" && !c.repeated(seen, t.Value, t) {
				rule.Access |= accesses[t.Value]
			}
		}
		if !c.failed {
			out.Rules = append(out.Rules, rule)
		}
	}
	return out
}

// objects checks what a rule of process or file is about.
func (c *checker) objects(rule *policy.PathRule, paths, names []syntax.Text, h *syntax.RuleHead) {
	if len(paths) == 0 && len(names) == 0 && !rule.Anonymous && !h.Flawed {
		c.report(diag.MissingKey, h.Place, "the rule names no file", diag.Hint("give paths, names or anonymous: true"))
	}
	if h.Flawed {
		paths, names = given(paths), given(names)
	}
	rule.Paths = c.patterns(paths)
	rule.Names = c.fileNames(names)
}

// given leaves out what was of the wrong type, which is reported already.
func given(texts []syntax.Text) []syntax.Text {
	var out []syntax.Text
	for _, t := range texts {
		if t.Value != "" {
			out = append(out, t)
		}
	}
	return out
}

var accesses = func() map[string]policy.Access {
	m := map[string]policy.Access{"setattr": policy.AccessSetattr}
	for _, a := range policy.AccessNames {
		m[a.Name] = a.Access
	}
	return m
}()
