// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/emit/targets"
	"github.com/avert-dev/avert/compiler/output"
	"github.com/avert-dev/avert/compiler/report"
)

// compilation has the flags of compile.
type compilation struct {
	folder         location
	targets, pools names
	verify, prune  bool
}

func (a *app) compileCommand() *cobra.Command {
	var c compilation
	cmd := &cobra.Command{
		Use:   "compile PATH... -o DIR",
		Short: "Compile policies into artifacts",
		Long: `compile writes what enforces the policies to a folder, with a report that says
for each rule what each target holds of it. The folder is replaced as a whole,
and not at all when there are findings that make the exit code 1. Files in it
that avert did not generate stay.

A PATH is a file, a folder with *.yaml and *.yml files, or - for standard
input. Findings go to standard error; with --format json one document with the
findings and what was written goes to standard output. With --target ir and
without -o the intermediate representation is printed.`,
		Example: `  avert compile examples/checkout -o out
  avert compile examples/checkout -o out --verify`,
		SuggestFor: []string{"build", "generate"},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := c.check(args, a.json()); err != nil {
				return err
			}
			return a.compile(args, c)
		},
	}
	f := cmd.Flags()
	f.VarP(&c.folder, "output", "o", "output folder")
	f.Var(&c.targets, "target", "targets, instead of those of the configuration")
	f.Var(&c.pools, "pool", "node pools, instead of all")
	f.BoolVar(&c.verify, "verify", false, "write nothing; list the files of DIR that are not current")
	f.BoolVar(&c.prune, "prune", false, "remove generated files that are no longer generated, unless edited")
	complete(cmd, "target", targets.Names)
	return cmd
}

// check refuses flags that make no sense together.
func (c *compilation) check(paths []string, json bool) error {
	if len(paths) == 0 {
		return usagef("what is to be compiled? give a file or folder")
	}
	for _, name := range c.targets {
		if targets.Find(name) == nil {
			return unknown("target", name, targets.Names())
		}
	}
	switch {
	case c.verify && c.prune:
		return usagef("--verify changes nothing, so --prune has nothing to do")
	case c.folder != "":
		return nil
	case !slices.Equal(c.targets, []string{"ir"}):
		return usagef("where to? give an output folder: -o DIR")
	case c.verify || c.prune || json:
		return usagef("--verify, --prune and --format json need an output folder: -o DIR")
	}
	return nil
}

func (a *app) compile(paths []string, c compilation) error {
	result, r, err := a.examine(paths, compiler.Input{Targets: c.targets, Pools: c.pools}, compiler.Compile)
	if err != nil {
		return err
	}
	failed := a.failed(r)
	done := "nothing was written"
	if c.verify {
		done = "nothing was compared"
	}
	if !failed {
		switch {
		case c.folder == "":
			done, err = "printed the intermediate representation", a.result(dump(result.Pools))
		case c.verify:
			done, err = verify(string(c.folder), result.Files, r)
			failed = len(r.Tree.Differences) > 0
		default:
			done, err = a.write(c, result.Files, r)
		}
	}
	return a.compiled(r, done, failed, err)
}

// compiled prints how a compilation ended.
func (a *app) compiled(r *report.Run, done string, failed bool, err error) error {
	if !a.json() {
		if err := a.findings(a.stderr, r.Findings); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if a.json() {
		err = a.result(r.JSON())
	} else if r.Tree != nil {
		err = a.result(differences(r.Tree.Differences))
	}
	if err != nil {
		return err
	}
	a.verdict("%s; %s", r.Verdict(), done)
	if failed {
		return errFindings
	}
	return nil
}

func (a *app) write(c compilation, files []output.File, r *report.Run) (string, error) {
	a.replacing.Lock()
	defer a.replacing.Unlock()
	folder := string(c.folder)
	w, err := output.Write(folder, files, output.Options{Prune: c.prune})
	if err != nil {
		return "", err
	}
	r.Tree = &report.Tree{Folder: folder, Files: len(files), Written: w.Written, Pruned: w.Pruned, Kept: w.Kept}
	changes := fmt.Sprintf("%d changed", len(w.Written))
	if n := len(w.Pruned); n > 0 {
		changes += fmt.Sprintf(", %d removed", n)
	}
	if n := len(w.Kept); n > 0 {
		why := "--prune removes them"
		if c.prune {
			why = "edited"
		}
		changes += fmt.Sprintf(", %d no longer generated and kept: %s", n, why)
	}
	return fmt.Sprintf("wrote %s to %s (%s)", report.Plural(len(files), "file"), folder, changes), nil
}

func verify(folder string, files []output.File, r *report.Run) (string, error) {
	r.Tree = &report.Tree{Folder: folder, Files: len(files)}
	found, err := output.Verify(folder, files)
	for _, d := range found {
		r.Tree.Differences = append(r.Tree.Differences, report.Difference{Path: d.Path, Kind: string(d.Kind)})
	}
	if len(found) == 0 {
		return folder + " is current", err
	}
	return fmt.Sprintf("%s in %s not current: compile again", report.Plural(len(found), "file"), folder), err
}

// differences lists the files that are not current.
func differences(found []report.Difference) []byte {
	var b bytes.Buffer
	for _, d := range found {
		fmt.Fprintf(&b, "%-10s %s\n", d.Kind, d.Path)
	}
	return b.Bytes()
}

// dump returns the intermediate representation, which is the same for all pools.
func dump(pools []*report.Pool) []byte {
	var b bytes.Buffer
	for _, f := range pools[0].Files {
		b.Write(f.Data)
	}
	return b.Bytes()
}
