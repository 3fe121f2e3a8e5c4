// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/diff"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/query"
	"github.com/avert-dev/avert/compiler/report"
)

// querying has the flags of query.
type querying struct {
	touches, subsumes location
	written           bool
	which             explaining
}

func (a *app) queryCommand() *cobra.Command {
	var q querying
	cmd := &cobra.Command{
		Use:   "query PATH...",
		Short: "Ask what policies let pass",
		Long: `query answers one question about the policies of a container, with a smallest
example:

  --touches PATTERN    which rules of process and file match something that the
                       pattern matches, and whether they match all of it
  --written-and-run    which files some process may write or create, and some
                       process may run or map as code
  --subsumes PATH      whether everything passes that the policies in PATH let
                       pass; if not, what does not, and the exit code is 1

A PATH is a file, a folder with *.yaml and *.yml files, or - for standard input.`,
		Example: `  avert query examples/checkout --touches '/etc/**'
  avert query examples/checkout --written-and-run`,
		SuggestFor: []string{"ask"},
		RunE:       func(_ *cobra.Command, args []string) error { return a.query(args, q) },
	}
	f := cmd.Flags()
	f.Var(&q.touches, "touches", "a pattern of paths")
	f.BoolVar(&q.written, "written-and-run", false, "files that can be written and run")
	f.Var(&q.subsumes, "subsumes", "policies that are to be subsumed")
	f.Var(&q.which.workload, "workload", "NAMESPACE/NAME of a workload, or of a policy that is compiled without one")
	f.Var(&q.which.container, "container", "the container of the workload")
	return cmd
}

func (a *app) query(paths []string, q querying) error {
	asked := 0
	for _, given := range []bool{q.touches != "", q.written, q.subsumes != ""} {
		if given {
			asked++
		}
	}
	switch {
	case len(paths) == 0:
		return usagef("which policies? give a file or folder")
	case asked != 1:
		return usagef("ask one question: --touches, --written-and-run or --subsumes")
	}
	var pattern *automata.Glob
	if q.touches != "" {
		var err error
		if pattern, err = automata.Parse(string(q.touches)); err != nil {
			return usagef("--touches: %w", err)
		}
	}
	result, u, err := a.unitOf(paths, &q.which)
	if err != nil {
		return err
	}
	switch {
	case pattern != nil:
		return a.touching(u, pattern)
	case q.written:
		return a.writtenAndRun(u)
	}
	_, v, err := a.unitOf([]string{string(q.subsumes)}, &explaining{})
	if err != nil {
		return err
	}
	return a.subsumes(compiler.Missing(result, u, v))
}

// unitOf reads policies and chooses one container.
func (a *app) unitOf(paths []string, which *explaining) (*compiler.Result, *ir.Unit, error) {
	result, r, err := a.examine(paths, compiler.Input{}, compiler.Understand)
	if err != nil {
		return nil, nil, err
	}
	if result.Program == nil {
		if err := a.findings(a.stderr, r.Findings); err != nil {
			return nil, nil, err
		}
		return nil, nil, errors.New("the policies have errors: nothing was asked")
	}
	u, err := which.unit(result.Program)
	return result, u, err
}

func (a *app) touching(u *ir.Unit, pattern *automata.Glob) error {
	type patternRow struct {
		Pattern string `json:"pattern"`
		Example string `json:"example"`
		Within  bool   `json:"within"`
	}
	type row struct {
		Policy   string       `json:"policy"`
		Mode     string       `json:"mode"`
		Rule     string       `json:"rule"`
		Action   string       `json:"action"`
		Source   string       `json:"source"`
		Patterns []patternRow `json:"patterns"`
	}
	rows := []row{}
	var b bytes.Buffer
	for _, l := range append([]*ir.Layer{u.Enforced}, u.Audits...) {
		touched, err := query.Touching(l, pattern)
		if err != nil {
			return err
		}
		for _, t := range touched {
			r := row{t.Policy.ID(), t.Policy.Mode.String(), t.Rule.ID(), t.Rule.Action.String(), t.Rule.Span.String(), nil}
			fmt.Fprintf(&b, "%s %s of %s (%s)\n", r.Action, r.Rule, r.Policy, r.Source)
			for _, p := range t.Patterns {
				r.Patterns = append(r.Patterns, patternRow{p.Text, p.Path, p.Within})
				how := "part of it, such as " + p.Path
				if p.Within {
					how = "all of it"
				}
				fmt.Fprintf(&b, "  %s matches %s\n", p.Text, how)
			}
			rows = append(rows, r)
		}
	}
	if a.json() {
		return a.result(report.Marshal(rows))
	}
	if len(rows) == 0 {
		b.WriteString("no rule of process or file\n")
	}
	return a.result(b.Bytes())
}

func (a *app) writtenAndRun(u *ir.Unit) error {
	type row struct {
		Run     string `json:"run"`
		Write   string `json:"write"`
		Then    string `json:"then"`
		Count   int    `json:"count,omitempty"`
		Endless bool   `json:"endless,omitempty"`
	}
	found, err := query.WrittenAndRun(u.Enforced)
	if err != nil {
		return err
	}
	rows := []row{}
	var b bytes.Buffer
	for _, w := range found {
		r := row{[]string{"execute", "map"}[w.Run], operation.String(w.Write), operation.String(w.Then), w.Count, w.Endless}
		count := "more files than can be counted"
		if !w.Endless {
			count = report.Plural(w.Count, "file")
		}
		what := []string{"written and executed", "written and mapped as code"}[w.Run]
		fmt.Fprintf(&b, "%s can be %s, such as:\n  %s\n  %s\n", count, what, r.Write, r.Then)
		rows = append(rows, r)
	}
	if a.json() {
		return a.result(report.Marshal(rows))
	}
	if len(rows) == 0 {
		b.WriteString("no file can be written and run\n")
	}
	return a.result(b.Bytes())
}

// subsumes prints what passes on one side alone.
func (a *app) subsumes(missing []diff.Change, err error) error {
	if err != nil {
		return fmt.Errorf("the policies cannot be compared: %w", err)
	}
	type row struct {
		Section string `json:"section"`
		Witness string `json:"witness"`
		Source  string `json:"source,omitempty"`
		Rule    string `json:"rule"`
	}
	rows := []row{}
	var b bytes.Buffer
	for _, ch := range missing {
		r := row{ch.Section.String(), operation.String(ch.Witness), ch.After.Rule.Span.String(), ch.After.Rule.Rule}
		at := ""
		if r.Source != "" {
			at = " (" + r.Source + ")"
		}
		fmt.Fprintf(&b, "%s is blocked by %s%s\n", r.Witness, r.Rule, at)
		rows = append(rows, r)
	}
	text := b.Bytes()
	if a.json() {
		text = report.Marshal(rows)
	}
	if err := a.result(text); err != nil {
		return err
	}
	if len(rows) > 0 {
		a.verdict("not subsumed: %s", report.Plural(len(rows), "difference"))
		return errFindings
	}
	a.verdict("subsumed: everything passes that passes there")
	return nil
}
