// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/report"
)

// app is one run of the command: its streams, and the flags of all commands.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	format, color, failOn choice
	config                location
	quiet                 bool

	// replacing is held while files are replaced, and keeps a signal waiting.
	replacing sync.Mutex
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{
		stdin: stdin, stdout: stdout, stderr: stderr,
		format: newChoice("text", "json"), color: newChoice("auto", "always", "never"), failOn: newChoice("error", "warning", "note"),
	}
}

// flags adds those that all commands have.
func (a *app) flags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.Var(&a.format, "format", "how results are printed")
	f.Var(&a.color, "color", "when text is coloured; auto respects NO_COLOR and TERM=dumb")
	f.Var(&a.failOn, "fail-on", "the least severe finding that makes the exit code 1")
	f.Var(&a.config, "config", "configuration; otherwise the nearest .avert.yaml upwards from PATH")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print no verdict")
	for name, c := range map[string]choice{"format": a.format, "color": a.color, "fail-on": a.failOn} {
		words := c.words
		complete(root, name, func() []string { return words })
	}
}

// complete offers words to the shell for a flag's value.
func complete(cmd *cobra.Command, flag string, words func() []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words(), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag is not defined
	}
}

func (a *app) json() bool { return a.format.value == "json" }

// result prints a result.
func (a *app) result(text []byte) error {
	if _, err := a.stdout.Write(text); err != nil {
		return fmt.Errorf("cannot write to standard output: %w", err)
	}
	return nil
}

// findings prints findings for people.
func (a *app) findings(w io.Writer, items []diag.Diagnostic) error {
	if err := (diag.Printer{Color: a.colored(w)}).Print(w, items); err != nil {
		return fmt.Errorf("cannot print what was found: %w", err)
	}
	return nil
}

// verdict says in one line how the run ended.
func (a *app) verdict(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.stderr, "avert: "+format+"\n", args...)
	}
}

// least is the least severe finding that makes the exit code 1.
func (a *app) least() diag.Severity {
	return map[string]diag.Severity{"error": diag.Error, "warning": diag.Warning, "note": diag.Note}[a.failOn.value]
}

// failed says whether a run found something that makes the exit code 1.
func (a *app) failed(r *report.Run) bool {
	return slices.ContainsFunc(r.Findings, func(d diag.Diagnostic) bool { return d.Severity >= a.least() })
}

// colored says whether text for w is coloured. https://no-color.org
func (a *app) colored(w io.Writer) bool {
	if a.color.value != "auto" {
		return a.color.value == "always"
	}
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}
