// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/compiler/view"
)

func (a *app) rulesViewCommand() *cobra.Command {
	var g guardrails
	cmd := &cobra.Command{
		Use:   "view [PATH...]",
		Short: "Print what guardrails see of policies",
		Long: `view prints a list with the input of each evaluation: a policy, a container with
all that governs it, or a node pool. avert schema view describes it. Findings
about the policies themselves are those of lint.`,
		Example: `  avert rules view examples/checkout`,
		RunE:    func(_ *cobra.Command, args []string) error { return a.rulesView(args, &g) },
	}
	g.flags(cmd)
	cmd.Flags().Var(&g.today, "now", "the date that views have")
	return cmd
}

func (a *app) rulesView(paths []string, g *guardrails) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	config, _, err := a.configuration(paths)
	if err != nil {
		return err
	}
	views := []*view.View{}
	_, r, err := a.examine(paths, compiler.Input{}, g.pipeline(filepath.Dir(config), func(in view.Input, _ []*diag.File, _ *diag.List) {
		for _, subject := range view.Subjects(in) {
			v, places := subject()
			v.Positions = places.Positions()
			views = append(views, v)
		}
	}))
	if err = cmp.Or(err, g.err); err != nil {
		return err
	}
	if !g.judged {
		if err := a.findings(a.stderr, r.Findings); err != nil {
			return err
		}
		return errFindings
	}
	return a.result(report.Marshal(views))
}
