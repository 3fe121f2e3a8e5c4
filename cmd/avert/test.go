// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/policytest"
	"github.com/avert-dev/avert/compiler/report"
)

// asking has the flags of test.
type asking struct {
	format  choice
	verbose bool
}

func (a *app) testCommand() *cobra.Command {
	t := asking{format: newChoice("text", "json", "junit")}
	cmd := &cobra.Command{
		Use:   "test PATH...",
		Short: "Ask policies what tests expect of them",
		Long: `test asks the policies what the PolicyTest documents beside them expect, and
lists the rules and defaults that no case reaches.

A PATH is a file, a folder with *.yaml and *.yml files, or - for standard input.
The exit code is 1 when a case failed.`,
		Example: `  avert test examples
  avert test examples --format junit > report.xml`,
		RunE: func(_ *cobra.Command, args []string) error { return a.test(args, t) },
	}
	cmd.Flags().Var(&t.format, "format", "how results are printed")
	cmd.Flags().BoolVarP(&t.verbose, "verbose", "v", false, "also list the cases that passed")
	complete(cmd, "format", func() []string { return t.format.words })
	return cmd
}

func (a *app) test(paths []string, t asking) error {
	if len(paths) == 0 {
		return usagef("what is to be tested? give a file or folder")
	}
	result, r, err := a.examine(paths, compiler.Input{}, compiler.Understand)
	if err != nil {
		return err
	}
	if result.Program == nil {
		if err := a.findings(a.stderr, r.Findings); err != nil {
			return err
		}
		return errors.New("the files have errors: nothing was tested")
	}
	found := policytest.Run(result.Set, result.Program, result.Base)
	if len(found.Results) == 0 {
		return fmt.Errorf("no PolicyTest found in %s: nothing was tested", report.Plural(r.Files, "file"))
	}
	var text []byte
	switch t.format.value {
	case "json":
		text = report.Marshal(found.Document())
	case "junit":
		text = found.JUnit()
	default:
		text = found.Text(t.verbose)
	}
	if err := a.result(text); err != nil {
		return err
	}
	a.verdict("%s: %d failed; %d of %s and defaults reached", report.Plural(len(found.Results), "case"), found.Failed(), found.Rules-len(found.Uncovered), report.Plural(found.Rules, "rule"))
	if found.Failed() > 0 {
		return errFindings
	}
	return nil
}
