// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/guard"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/compiler/view"
	"github.com/avert-dev/avert/rego"
)

// day is a flag that takes a date; today when not given.
type day struct{ date string }

// Set implements pflag.Value.
func (d *day) Set(s string) error {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return errors.New("a date such as 2027-01-31")
	}
	d.date = s
	return nil
}

// String implements pflag.Value.
func (d *day) String() string { return d.date }

// Type implements pflag.Value.
func (d *day) Type() string { return "DATE" }

func (d *day) orToday() string {
	if d.date != "" {
		return d.date
	}
	return time.Now().UTC().Format(time.DateOnly)
}

// guardrails has the flags about guardrails, and what they said of a
// compilation.
type guardrails struct {
	today day
	paths locations
	key   location
	// none says that policies are checked alone.
	none bool

	// readings is nil unless files are watched.
	readings *readings

	set      *guard.Set
	judged   bool
	excepted guard.Excepted
	err      error
}

// flags adds those that choose rules.
func (g *guardrails) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&g.paths, "guardrails", "folder or bundle (.tar.gz) of rules, beside the built-in ones and those of the configuration; repeatable")
	f.Var(&g.key, "guardrails-key", "public key, in PEM, that every bundle must be signed by")
}

// load reads the built-in rules, those of the configuration, whose folder is
// root, and those of the flags.
func (g *guardrails) load(config *guard.Config, root string, list *diag.List) (*guard.Set, error) {
	sources := []guard.Source{{Files: rego.Files(), BuiltIn: true}}
	key := string(g.key)
	if key == "" && config.Key.Value != "" {
		key = filepath.Join(root, config.Key.Value)
	}
	paths := []string{}
	for _, p := range config.Paths {
		paths = append(paths, filepath.Join(root, p.Value))
	}
	paths = append(paths, g.paths...)
	if g.readings.note(paths...); key != "" {
		g.readings.note(key)
	}
	for _, p := range paths {
		source, err := guard.Open(p, key)
		if err != nil {
			return nil, err
		}
		sources = append(sources, source)
	}
	return guard.Load(sources, config, list), nil
}

// verdict continues that of a run.
func (g *guardrails) verdict() string {
	switch {
	case g.none:
		return ""
	case !g.judged:
		return "; guardrails were not judged"
	}
	text := ""
	for _, e := range []struct {
		n    int
		word string
	}{{g.excepted.Waived, "waived"}, {g.excepted.Suppressed, "suppressed"}, {g.excepted.Ignored, "ignored"}} {
		if e.n > 0 {
			text += fmt.Sprintf(", %d %s", e.n, e.word)
		}
	}
	return text
}

// pipeline checks and then, unless there are errors, loads the guardrails and
// hands on what they see, the files, and a list for findings. root is the
// folder of the configuration.
func (g *guardrails) pipeline(root string, use func(view.Input, []*diag.File, *diag.List)) func(compiler.Input) *compiler.Result {
	return func(in compiler.Input) *compiler.Result {
		result := compiler.Check(in)
		if g.none || result.HasErrors() {
			return result
		}
		list := &diag.List{}
		config := guard.Configure(in.Config, list)
		if g.set, g.err = g.load(config, root, list); g.err != nil {
			return result
		}
		if g.judged = !list.HasErrors(); g.judged {
			files := in.Files
			if in.Config != nil {
				files = append(slices.Clone(files), in.Config)
			}
			use(view.Input{Set: result.Set, Program: result.Program, Pools: result.Pools, Today: g.today.orToday(), Paths: g.set.Paths()}, files, list)
		}
		for _, d := range result.Findings {
			list.Add(d)
		}
		result.Findings = list.Sorted()
		return result
	}
}

// judge judges by the guardrails.
func (a *app) judge(g *guardrails) func(view.Input, []*diag.File, *diag.List) {
	return func(in view.Input, files []*diag.File, list *diag.List) {
		g.excepted = g.set.Judge(in, files, a.limits(), list)
	}
}

// explanations are of all codes and rules.
func (g *guardrails) explanations() []report.Explanation {
	var out []report.Explanation
	for _, e := range diag.Catalogue {
		out = append(out, report.Explanation{Code: e.Code, Severity: e.Severity, Title: e.Title, Text: e.Text})
	}
	if g.set != nil {
		for _, r := range g.set.Rules {
			e := report.Explanation{Code: diag.Code(r.ID), Severity: r.Severity, Title: r.Title, Text: r.Description, Help: r.Action, Tags: r.Controls}
			if len(r.References) > 0 {
				e.Link = r.References[0]
			}
			out = append(out, e)
		}
	}
	return out
}

// limits end the process when nothing else ends a rule.
func (a *app) limits() guard.Limits {
	limits := guard.DefaultLimits()
	limits.Abort = func(message string) {
		fmt.Fprintln(a.stderr, "avert: "+message)
		os.Exit(exitEnvironment)
	}
	return limits
}
