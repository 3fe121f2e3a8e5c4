// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler/emit/targets"
	"github.com/avert-dev/avert/compiler/report"
)

func (a *app) targetsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "targets",
		Short: "List the targets",
		Long: `targets lists what avert can generate, and the sections of a policy that each
target holds at least in part. How exactly a target holds a rule is said by the
report of compile.`,
		Example: `  avert targets
  avert targets --format json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return a.targets() },
	}
}

func (a *app) targets() error {
	type row struct {
		Name     string   `json:"name"`
		Sections []string `json:"sections"`
		Summary  string   `json:"summary"`
	}
	var rows []row
	for _, t := range targets.All() {
		r := row{t.Name, []string{}, t.Summary}
		for _, s := range t.Sections {
			r.Sections = append(r.Sections, s.String())
		}
		rows = append(rows, r)
	}
	if a.json() {
		return a.result(report.Marshal(rows))
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TARGET\tHOLDS\tWHAT IT IS")
	for _, r := range rows {
		holds := strings.Join(r.Sections, ", ")
		if holds == "" {
			holds = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Name, holds, r.Summary)
	}
	w.Flush()
	return a.result(b.Bytes())
}
