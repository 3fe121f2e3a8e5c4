// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler"
)

func (a *app) lintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lint [PATH...]",
		Short: "Check policies",
		Long: `lint checks policies and workloads: their syntax, what they mean, and whether
every Block is held by some target of each node pool. It writes nothing.

A PATH is a file, a folder with *.yaml and *.yml files, or - for standard
input; without one it is the working folder. Findings go to standard output.`,
		Example: `  avert lint
  avert lint --fail-on warning --format json examples/checkout`,
		SuggestFor: []string{"check", "validate", "vet"},
		RunE:       func(_ *cobra.Command, args []string) error { return a.lint(args) },
	}
}

func (a *app) lint(paths []string) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	_, r, err := a.examine(paths, compiler.Input{}, compiler.Check)
	if err != nil {
		return err
	}
	if a.json() {
		err = a.result(r.JSON())
	} else {
		err = a.findings(a.stdout, r.Findings)
	}
	if err != nil {
		return err
	}
	a.verdict("%s", r.Verdict())
	if a.failed(r) {
		return errFindings
	}
	return nil
}
