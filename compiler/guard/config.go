// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"strings"
	"time"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/suggest"
	"github.com/avert-dev/avert/compiler/syntax"
)

// Config is what a configuration says about guardrails.
type Config struct {
	// Paths are folders and bundles of rules, relative to the configuration; Key
	// is the file of the key that bundles are signed by, or "".
	Paths []syntax.Text
	Key   syntax.Text

	rules    []syntax.GuardrailRule
	patterns []syntax.Text // of files that are ignored
	ignore   automata.Lang
	waivers  []waiver
}

// waiver excepts files from a rule.
type waiver struct {
	syntax.Waiver
	files automata.Lang
}

// pathBudget bounds the automaton of one list of patterns of files, in states.
const pathBudget = 100_000

// Configure reads what a configuration says about guardrails; file may be nil.
// What is wrong with its shape is not reported: whoever reads the rest of it
// does so.
func Configure(file *diag.File, list *diag.List) *Config {
	c := &Config{}
	if file == nil {
		return c
	}
	elsewhere := &diag.List{}
	docs := syntax.Parse(file, elsewhere)
	if len(docs) == 0 {
		return c
	}
	var config syntax.Config
	syntax.Decode(docs[0], &config, elsewhere)
	if g := config.Guardrails; g != nil {
		c.Paths, c.Key, c.rules = g.Paths, g.Key, g.Rules
		c.patterns, c.ignore = g.Ignore, filesOf(g.Ignore, list)
	}
	for _, w := range config.Waivers {
		if w.Flawed {
			continue
		}
		if _, err := time.Parse(time.DateOnly, w.Expires.Value); err != nil {
			list.Report(diag.InvalidWaiver, w.Expires.Span, fmt.Sprintf("expires %q is no day", w.Expires.Value), diag.Hint("such as \"2027-01-31\""))
			continue
		}
		for _, t := range []syntax.Text{w.Reason, w.Owner} {
			if strings.TrimSpace(t.Value) == "" {
				list.Report(diag.InvalidWaiver, t.Span, "reason and owner of a waiver say something")
			}
		}
		c.waivers = append(c.waivers, waiver{w, filesOf(w.Paths, list)})
	}
	return c
}

// filesOf is the set of files that patterns match. They are patterns of paths,
// as in policies, that begin at the folder of the configuration.
func filesOf(patterns []syntax.Text, list *diag.List) automata.Lang {
	var globs []*automata.Glob
	for _, p := range patterns {
		g, err := automata.Parse("/" + strings.TrimPrefix(p.Value, "./"))
		if err != nil {
			list.Report(diag.InvalidPattern, p.Span, err.Error())
			continue
		}
		globs = append(globs, g)
	}
	lang, err := automata.FromGlobs(pathBudget, globs...)
	if err != nil {
		list.Report(diag.StateBudget, patterns[0].Span, err.Error())
		lang, _ = automata.FromGlobs(pathBudget)
	}
	return lang
}

// resolve compares what the configuration says about single rules with those
// that there are.
func (c *Config) resolve(s *Set, list *diag.List) {
	s.levels, s.parameters = map[string]level{}, map[string]map[string]any{}
	for _, r := range c.rules {
		rule := s.named(r.ID, list)
		if rule == nil {
			continue
		}
		if severity, ok := severities[r.Level.Value]; ok || r.Level.Value == "off" {
			s.levels[rule.ID] = level{r.Level.Value == "off", severity}
		}
		for _, p := range r.Parameters {
			s.set(rule, p, list)
		}
	}
	for _, w := range c.waivers {
		s.named(w.Rule, list)
	}
}

// set overrides a parameter.
func (s *Set) set(r *Rule, p syntax.Parameter, list *diag.List) {
	_, isList := r.Parameters[p.Name.Value].([]string)
	switch {
	case r.Parameters[p.Name.Value] == nil:
		list.Report(diag.UnknownRule, p.Name.Span, fmt.Sprintf("%s has no parameter %s", r.ID, p.Name.Value), diag.Hint("avert rules show %s lists them", r.ID))
		return
	case isList != p.List:
		list.Report(diag.WrongType, p.Name.Span, fmt.Sprintf("the parameter %s takes %s", p.Name.Value, map[bool]string{true: "a list", false: "text"}[isList]))
		return
	}
	values := []string{}
	for _, v := range p.Values {
		values = append(values, v.Value)
	}
	if s.parameters[r.ID] == nil {
		s.parameters[r.ID] = map[string]any{}
	}
	if s.parameters[r.ID][p.Name.Value] = values; !isList {
		s.parameters[r.ID][p.Name.Value] = values[0]
	}
}

// named finds a rule that a text names, and reports when there is none.
func (s *Set) named(t syntax.Text, list *diag.List) *Rule {
	r := s.Find(t.Value)
	if r == nil && t.Value != "" {
		var names []string
		for _, r := range s.Rules {
			names = append(append(names, r.ID), r.Aliases...)
		}
		hint := "avert rules lists them"
		if meant := suggest.Words(t.Value, names); len(meant) > 0 {
			hint = fmt.Sprintf("did you mean %s?", meant[0])
		}
		list.Report(diag.UnknownRule, t.Span, fmt.Sprintf("no guardrail is named %q", t.Value), diag.Hint("%s", hint))
	}
	return r
}
