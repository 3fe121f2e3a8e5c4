// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitClean       = 0
	exitFindings    = 1
	exitEnvironment = 2
)

// errFindings ends a command that has said what it found.
var errFindings = errors.New("findings")

// run executes a command line and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := newApp(stdin, stdout, stderr)
	a.catchSignals()
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	switch {
	case err == nil:
		return exitClean
	case errors.Is(err, errFindings):
		return exitFindings
	}
	fmt.Fprintln(stderr, "avert: "+strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\navert: "))
	if isUsage(err) {
		fmt.Fprintf(stderr, "see: %s --help\n", cmd.CommandPath())
	}
	return exitEnvironment
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "avert",
		Short: "Compile runtime policies for Kubernetes workloads",
		Long: `avert compiles one policy, what a workload may execute, open, connect to and
call, into what enforces it: seccomp profiles, network policies and patches of
the workload. It says for each rule how exactly each of them holds it.

Exit codes: 0 clean or warnings only, 1 findings, 2 wrong usage or environment.
Results go to standard output, everything else to standard error.`,
		Example: `  avert lint
  avert compile examples/checkout -o out`,
		Args: a.noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(a.stderr)
			return errors.Join(cmd.Help(), errors.New("a command is missing"))
		},
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(a.flagError)
	a.flags(root)
	root.AddCommand(
		a.compileCommand(), a.lintCommand(), a.rulesCommand(), a.fmtCommand(), a.codeCommand(), a.targetsCommand(), a.schemaCommand(), a.imageCommand(),
		a.diffCommand(), a.explainCommand(), a.testCommand(), a.queryCommand(), a.importCommand(), a.versionCommand(), a.completionCommand(),
	)
	root.SetHelpCommand(a.helpCommand())
	return root
}
