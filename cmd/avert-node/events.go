// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/runtime/audit"
	"github.com/avert-dev/avert/runtime/event"
)

// options are those of `events`.
type options struct {
	rules  []string
	replay string
	node   string
	proc   string
	bpffs  string
}

func (a *app) eventsCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "events [--rules DIR...]",
		Short: "Print alerts as JSON lines",
		Long: `events prints an alert for each operation of a container that was refused,
would have been refused, or is audited: a line of JSON that names the policy,
the rule and its place (avert schema event).

Without --rules it reads the reports of the programs that avert-node load
attaches, until it is interrupted. It needs what avert-node load needs, and
should run once: each report goes to one reader. Reports that find no place
before they are read change no verdict; a line says how many these were.

With --rules it reads the kernel's audit log beside, if programs are attached,
for what AppArmor and SELinux refuse; for that it needs the capability
CAP_AUDIT_READ and the namespaces of the node. DIR is a folder with rule tables
(*.rules.json), such as nodes/apparmor in what avert compile writes. Denials of
other profiles are not reported. With --replay it reads the log of an audit
daemon or of the kernel instead.`,
		Example: `  avert-node events
  avert-node events --rules /etc/avert/nodes/apparmor
  avert-node events --rules out/nodes --replay /var/log/audit/audit.log`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.events(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.rules, "rules", nil, "folder with rule tables; may be given several times")
	f.StringVar(&o.replay, "replay", "", "read audit records from a file, or from standard input (-)")
	f.StringVar(&o.node, "node", "", "name of the node, which alerts then have")
	f.StringVar(&o.bpffs, "bpffs", "/sys/fs/bpf", "where the BPF file system is mounted")
	f.StringVar(&o.proc, "proc", "/proc", "where the node's processes are seen")
	return cmd
}

func (a *app) events(ctx context.Context, o options) error {
	if len(o.rules) == 0 {
		if o.replay != "" {
			return errors.New("--rules is missing: name a folder with rule tables (*.rules.json)")
		}
		return a.follow(ctx, nil, o)
	}
	tables, err := readTables(o.rules)
	if err != nil {
		return err
	}
	x, err := audit.NewExplainer(tables)
	if err != nil {
		return err
	}
	x.Node = o.node
	if o.replay == "" {
		return a.follow(ctx, x, o)
	}
	a.replayed = true
	if o.replay == "-" {
		return a.replay(ctx, x, a.stdin)
	}
	log, err := os.Open(o.replay)
	if err != nil {
		return err
	}
	defer log.Close()
	return a.replay(ctx, x, log)
}

// longestLine is more than a record has; the rest of a longer line is skipped.
const longestLine = 1 << 16

// replay reads a log to its end.
func (a *app) replay(ctx context.Context, x *audit.Explainer, log io.Reader) error {
	var assembler audit.Assembler
	lines := bufio.NewReaderSize(log, longestLine)
	for ctx.Err() == nil {
		line, tooLong, err := lines.ReadLine()
		if err == io.EOF {
			return a.print(x, assembler.Flush())
		}
		if err != nil {
			return fmt.Errorf("cannot read the log: %w", err)
		}
		text := string(line)
		for tooLong && err == nil {
			_, tooLong, err = lines.ReadLine()
		}
		if r, ok := audit.ParseLine(text); ok {
			if err := a.print(x, assembler.Add(r)); err != nil {
				return err
			}
		}
	}
	return nil
}

// print writes the alerts of groups.
func (a *app) print(x *audit.Explainer, groups []*audit.Group) error {
	for _, g := range groups {
		for _, e := range x.Events(g) {
			if err := a.line(&e); err != nil {
				return err
			}
		}
	}
	return nil
}

// line writes an event. Several readers may do so at once.
func (a *app) line(e *event.Event) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	if e.Lost == 0 {
		a.alerts++
	}
	if _, err := a.stdout.Write(e.Line()); err != nil {
		return fmt.Errorf("cannot write to standard output: %w", err)
	}
	return nil
}
