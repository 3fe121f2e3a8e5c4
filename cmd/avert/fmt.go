// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/format"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/compiler/source"
	"github.com/avert-dev/avert/compiler/syntax"
)

func (a *app) fmtCommand() *cobra.Command {
	var check, diff bool
	cmd := &cobra.Command{
		Use:   "fmt [PATH...]",
		Short: "Format policies",
		Long: `fmt brings files into one canonical form, in place. Comments and meaning stay.

A PATH is a file, a folder, or - for standard input, which is formatted to
standard output; without one it is the working folder. In folders only files
with a document of avert are formatted. A file with an error is left alone.`,
		Example: `  avert fmt
  avert fmt --check --diff examples/checkout`,
		SuggestFor: []string{"format"},
		RunE: func(_ *cobra.Command, args []string) error {
			return a.fmt(args, check, diff)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; list the files that differ, and exit with 1 if any does")
	cmd.Flags().BoolVar(&diff, "diff", false, "change nothing; print what would change")
	return cmd
}

func (a *app) fmt(paths []string, check, diff bool) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	keep := check || diff
	stdin := slices.Contains(paths, "-")
	switch {
	case stdin && len(paths) > 1:
		return usagef("- stands alone")
	case stdin && !keep && a.json():
		return usagef("with - the formatted text goes to standard output; --format json needs --check")
	}
	list := &diag.List{}
	files, err := source.Read(paths, "", a.stdin, list)
	if err != nil {
		return err
	}
	r := &report.Run{}
	var text bytes.Buffer
	for _, f := range files {
		if !f.Named && !own(f.File) {
			continue
		}
		r.Files++
		formatted, err := format.Source(f.Source, f.Name)
		switch {
		case err != nil:
			reportFormat(f.File, err, list)
			continue
		case stdin && !keep:
			text.Write(formatted)
			continue
		case bytes.Equal(f.Source, formatted):
			continue
		}
		r.Formatted = append(r.Formatted, f.Name)
		switch {
		case diff:
			text.WriteString(format.Diff(f.Source, formatted, f.Name))
		case check:
			text.WriteString(f.Name + "\n")
		default:
			if err := a.replace(f.Path, formatted); err != nil {
				return fmt.Errorf("cannot replace %s: %w", f.Path, err)
			}
		}
	}
	r.Findings = list.Sorted()
	if r.Files == 0 && len(r.Findings) == 0 {
		return fmt.Errorf("no file with a document of avert in %s: nothing was formatted", strings.Join(paths, ", "))
	}
	return a.formatted(r, text.Bytes(), check, keep)
}

// formatted prints how formatting ended.
func (a *app) formatted(r *report.Run, text []byte, check, keep bool) error {
	if a.json() {
		text = r.JSON()
	} else if err := a.findings(a.stderr, r.Findings); err != nil {
		return err
	}
	if err := a.result(text); err != nil {
		return err
	}
	n, done := len(r.Formatted), "changed"
	if keep {
		done = "not formatted"
	}
	a.verdict("%s: %d %s, %s", report.Plural(r.Files, "file"), n, done, report.Plural(r.Count(diag.Error), "error"))
	if a.failed(r) || check && n > 0 {
		return errFindings
	}
	return nil
}

// own says whether a file found in a folder has a document of avert.
func own(f *diag.File) bool {
	group, _, _ := strings.Cut(syntax.APIVersion, "/")
	if !bytes.Contains(f.Source, []byte(group+"/")) {
		return false
	}
	list := &diag.List{}
	docs := syntax.Parse(f, list)
	return list.HasErrors() || slices.ContainsFunc(docs, func(d *syntax.Node) bool {
		version := d.Get("apiVersion")
		return version != nil && strings.HasPrefix(version.Value, group+"/")
	})
}

// reportFormat turns an error of the formatter into a finding.
func reportFormat(f *diag.File, err error, list *diag.List) {
	span, message := diag.Span{File: f}, err.Error()
	var at *format.Error
	if errors.As(err, &at) {
		message = at.Message
		if at.Line > 0 {
			span.Start = f.Offset(at.Line, at.Column)
			span.End = min(span.Start+1, len(f.Source))
		}
	}
	list.Report(diag.InvalidYAML, span, message)
}
