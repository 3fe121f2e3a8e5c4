// SPDX-License-Identifier: Apache-2.0

// Command avert-node is the part of avert that runs on nodes. It puts images of the
// eBPF LSM back-end in force, and prints alerts: what the kernel refused
// containers, with the rule behind it.
//
// It exits with 0 when all went well, 1 when a log that was read has alerts or the
// node lacks something, and 2 when it could not do what it was asked. Alerts and
// what is in force go to standard output, everything else to standard error.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	// What is in memory is mostly the kernel's types, which stay as they are. A node
	// has better uses for as much again.
	debug.SetGCPercent(20)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

const (
	exitClean    = 0
	exitFindings = 1
	exitFailed   = 2
)

// app is one run of the command.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	writing        sync.Mutex // stdout and alerts, by readers of events
	alerts         int        // printed
	replayed       bool
	findings       bool // of status or verify
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "avert-node: %v\n", err)
		return exitFailed
	case a.replayed && a.alerts > 0 || a.findings:
		return exitFindings
	}
	return exitClean
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "avert-node",
		Short: "Enforce avert's policies on a node, and report what they refused",
		Long: `avert-node runs on nodes. It puts images of the eBPF LSM back-end in force, and
names the rule behind what the kernel refused a container.

Exit codes: 0 clean, 1 a log has alerts or the node lacks something, 2 wrong
usage or environment.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(a.stderr)
			_ = cmd.Help()
			return fmt.Errorf("a command is missing: events, verify, load, unload, list or status")
		},
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.AddCommand(a.eventsCommand())
	root.AddCommand(a.verifyCommand())
	root.AddCommand(a.nodeCommands()...)
	return root
}
