// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/report"
)

func (a *app) lintCommand() *cobra.Command {
	var g guardrails
	format := newChoice("text", "json", "sarif", "junit", "github")
	cmd := &cobra.Command{
		Use:   "lint [PATH...]",
		Short: "Check policies",
		Long: `lint checks policies and workloads: their syntax, what they mean, whether every
Block is held by some target of each node pool, and then by guardrails: rules
in Rego about what a policy must and must not contain. It writes nothing.

A PATH is a file, a folder with *.yaml and *.yml files, or - for standard
input; without one it is the working folder. Findings go to standard output.`,
		Example: `  avert lint
  avert lint --now 2026-12-31 --format json examples/checkout`,
		SuggestFor: []string{"check", "validate", "vet"},
	}
	watch := false
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			args = []string{"."}
		}
		if !watch {
			return a.lint(args, &g, format.value)
		}
		return a.watch(args, func(r *readings) error {
			run := g
			run.readings = r
			return a.lint(args, &run, format.value)
		})
	}
	cmd.Flags().Var(&format, "format", "how findings are printed")
	complete(cmd, "format", func() []string { return format.words })
	g.flags(cmd)
	cmd.Flags().Var(&g.today, "now", "judge as on another day")
	cmd.Flags().BoolVar(&watch, "watch", false, "lint again whenever a file changes, until interrupted")
	cmd.Flags().BoolVar(&g.none, "no-guardrails", false, "check without guardrails")
	return cmd
}

func (a *app) lint(paths []string, g *guardrails, format string) error {
	config, _, err := a.configuration(paths)
	if err != nil {
		return err
	}
	if config != "" {
		g.readings.note(config)
	}
	_, r, err := a.examine(paths, compiler.Input{}, g.pipeline(filepath.Dir(config), a.judge(g)))
	if err = cmp.Or(err, g.err); err != nil {
		return err
	}
	if err := a.lints(r, g, format); err != nil {
		return err
	}
	a.verdict("%s%s", r.Verdict(), g.verdict())
	if a.failed(r) {
		return errFindings
	}
	return nil
}

// lints prints findings in the format that was asked for.
func (a *app) lints(r *report.Run, g *guardrails, format string) error {
	switch format {
	case "json":
		return a.result(r.JSON())
	case "sarif":
		return a.result(r.SARIF(g.explanations()))
	case "junit":
		return a.result(r.JUnit(a.least()))
	case "github":
		return a.result(r.GitHub())
	default:
		return a.findings(a.stdout, r.Findings)
	}
}
