// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/guard"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/rego"
)

func (a *app) rulesTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test [PATH...]",
		Short: "Run the tests of guardrails",
		Long: `test runs the tests in folders of rules: rules whose names begin with test_, in
files *_test.rego. It says which lines of each rule the tests do not evaluate.
Without a PATH the folder is guardrails.`,
		Example: `  avert rules test
  avert rules test guardrails/team-prefix`,
		RunE: func(_ *cobra.Command, args []string) error { return a.rulesTest(args) },
	}
}

func (a *app) rulesTest(paths []string) error {
	if len(paths) == 0 {
		paths = []string{string(defaultRules)}
	}
	var files []*diag.File
	for _, p := range paths {
		found, err := guard.OpenWithTests(p)
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	list := &diag.List{}
	tested := guard.RunTests(files, rego.Lib(), guard.DefaultLimits().Time, list)
	if list.HasErrors() {
		if err := a.findings(a.stdout, list.Sorted()); err != nil {
			return err
		}
		return errFindings
	}
	if len(tested.Tests) == 0 {
		return fmt.Errorf("no test in %s: nothing was tested", files[0].Name)
	}
	return a.tested(tested)
}

// tested prints how tests ended.
func (a *app) tested(t *guard.Tested) error {
	var b bytes.Buffer
	failed := 0
	for _, test := range t.Tests {
		if test.Failure != "" {
			failed++
			fmt.Fprintf(&b, "%s:%d: %s failed: %s\n", test.File, test.Line, test.Name, test.Failure)
		}
	}
	covered, lines := 0, 0
	for _, c := range t.Coverage {
		covered, lines = covered+c.Covered, lines+c.Lines
		for _, m := range c.Missed {
			fmt.Fprintf(&b, "%s:%d: no test evaluates lines %d to %d\n", c.File, m.First, m.First, m.Last)
		}
	}
	text := b.Bytes()
	if a.json() {
		text = report.Marshal(t)
	}
	if err := a.result(text); err != nil {
		return err
	}
	a.verdict("%s, %d failed; %d of %s evaluated", report.Plural(len(t.Tests), "test"), failed, covered, report.Plural(lines, "line"))
	if failed > 0 {
		return errFindings
	}
	return nil
}
