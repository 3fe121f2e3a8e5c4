// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/guard"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/compiler/source"
)

func (a *app) rulesCommand() *cobra.Command {
	var g guardrails
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List, show, begin and test guardrails",
		Long: `rules lists the guardrails that lint judges by: the built-in ones, those of the
configuration and those of --guardrails. Its commands show one, write a new one
to begin with, run tests of rules, and print what rules see.`,
		Example: `  avert rules
  avert rules show network-default`,
		SuggestFor: []string{"guardrails", "rule"},
		Args:       a.noRulesCommand,
		RunE:       func(*cobra.Command, []string) error { return a.rules(&g) },
	}
	g.flags(cmd)
	cmd.AddCommand(a.rulesShowCommand(), a.rulesNewCommand(), a.rulesTestCommand(), a.rulesViewCommand())
	return cmd
}

// noRulesCommand refuses a word that is none of the commands of rules.
func (a *app) noRulesCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range cmd.Commands() {
		known = append(known, c.Name())
	}
	return unknown("command of rules", args[0], known)
}

// ruleSet loads the rules that lint would judge by in the working folder.
func (a *app) ruleSet(g *guardrails) (*guard.Set, error) {
	path, root, err := a.configuration(nil)
	if err != nil {
		return nil, err
	}
	list := &diag.List{}
	var file *diag.File
	if path != "" {
		if file, err = source.ReadFile(path, root, list); err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
	}
	set, err := g.load(guard.Configure(file, list), filepath.Dir(path), list)
	if err != nil {
		return nil, err
	}
	if err := a.findings(a.stderr, list.Sorted()); err != nil {
		return nil, err
	}
	if list.HasErrors() {
		return nil, errFindings
	}
	return set, nil
}

func (a *app) rules(g *guardrails) error {
	set, err := a.ruleSet(g)
	if err != nil {
		return err
	}
	if a.json() {
		return a.result(report.Marshal(set.Rules))
	}
	var b bytes.Buffer
	for _, r := range set.Rules {
		level := r.Severity.String()
		if !set.Judged(r) {
			level = "off"
		}
		fmt.Fprintf(&b, "%-26s %-8s %s\n", r.ID, level, r.Title)
	}
	return a.result(b.Bytes())
}

func (a *app) rulesShowCommand() *cobra.Command {
	var g guardrails
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Explain a guardrail",
		Long:    `show says what a guardrail finds and why that matters, and which parameters it has.`,
		Example: `  avert rules show process-shells`,
		Args:    oneArgument("the id of a guardrail"),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := a.ruleSet(&g)
			if err != nil {
				return err
			}
			r := set.Find(args[0])
			if r == nil {
				var known []string
				for _, r := range set.Rules {
					known = append(known, r.ID)
				}
				return unknown("guardrail", args[0], known)
			}
			if a.json() {
				return a.result(report.Marshal(r))
			}
			return a.result(shown(r))
		},
	}
	g.flags(cmd)
	return cmd
}

// oneArgument asks for exactly one.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s takes one argument: %s", cmd.CommandPath(), what)
		}
		return nil
	}
}

// shown is a rule for people.
func shown(r *guard.Rule) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s (%s): %s\n\n%s\n\nWhat to do: %s\n", r.ID, r.Severity, r.Title, r.Description, r.Action)
	if r.Optional {
		fmt.Fprintf(&b, "\nIt is judged only where the configuration gives it a level.\n")
	}
	for _, list := range []struct {
		name  string
		items []string
	}{{"Also called", r.Aliases}, {"Controls", r.Controls}, {"See", r.References}} {
		if len(list.items) > 0 {
			fmt.Fprintf(&b, "\n%s: %s\n", list.name, strings.Join(list.items, ", "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		switch v := r.Parameters[name].(type) {
		case string:
			fmt.Fprintf(&b, "\nParameter %s: %q\n", name, v)
		case []string:
			fmt.Fprintf(&b, "\nParameter %s:\n", name)
			for _, item := range v {
				fmt.Fprintf(&b, "  %s\n", item)
			}
		}
	}
	return b.Bytes()
}
