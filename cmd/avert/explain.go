// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/explain"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/runtime/event"
)

// explaining has the flags of explain.
type explaining struct {
	operations []string
	lineage    names
	workload   location
	container  location
	events     location
}

func (a *app) explainCommand() *cobra.Command {
	var x explaining
	cmd := &cobra.Command{
		Use:   "explain PATH... --op OPERATION",
		Short: "Say what becomes of an operation, and why",
		Long: `explain says what policies decide about an operation: the verdict, the rule that
decides with its place, the other rules that match, what policies in mode Audit
would do, and how each target holds the rule.

  exec /usr/bin/id, exec /run.sh /usr/bin/dash, exec anonymous
  read /etc/passwd, or write, create, delete, chmod, chown, times, xattr, map
  rename /a to /b, link /a to /b
  egress TCP 443 address 192.0.2.1, egress UDP 53 dns
  egress TCP 443 name api.example.com
  ingress TCP 80 pod app=web in shop GET /path
  call socket 2 3, use NET_RAW, system mount

The process may have a lineage: --lineage, or "by IMAGE IMAGE" after the
operation, oldest image first. With --events the operations come from alerts
(lines of JSON as avert-node events prints them), and the verdicts of the
policies are compared with what the alerts say.

A PATH is a file, a folder with *.yaml and *.yml files, or - for standard input.`,
		Example: `  avert explain examples/checkout --op 'exec /usr/bin/bash' --lineage /usr/local/bin/node,/usr/bin/dash
  avert explain examples/checkout --op 'read /etc/shadow' --format json`,
		SuggestFor: []string{"why"},
		RunE:       func(_ *cobra.Command, args []string) error { return a.explain(args, x) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&x.operations, "op", nil, "the operation; may be given several times")
	f.Var(&x.lineage, "lineage", "the images that the process ran, oldest first")
	f.Var(&x.workload, "workload", "NAMESPACE/NAME of a workload, or of a policy that is compiled without one")
	f.Var(&x.container, "container", "the container of the workload")
	f.Var(&x.events, "events", "a file with alerts, or - for standard input")
	return cmd
}

func (a *app) explain(paths []string, x explaining) error {
	switch {
	case len(paths) == 0:
		return usagef("which policies? give a file or folder")
	case len(x.operations) == 0 && x.events == "":
		return usagef("which operation? give one with --op, or alerts with --events")
	case len(x.operations) > 0 && x.events != "":
		return usagef("--op and --events exclude each other")
	case x.events != "" && (len(x.lineage) > 0 || x.workload != "" || x.container != ""):
		return usagef("alerts say which container and lineage they are about: --events takes none of --lineage, --workload and --container")
	case x.events == "-" && slices.Contains(paths, "-"):
		return usagef("standard input cannot be both policies and alerts")
	}
	for _, image := range x.lineage {
		if !strings.HasPrefix(image, "/") {
			return usagef("--lineage has paths of images, and %q is none", image)
		}
	}
	result, r, err := a.examine(paths, compiler.Input{}, compiler.Check)
	if err != nil {
		return err
	}
	if result.Program == nil {
		if err := a.findings(a.stderr, r.Findings); err != nil {
			return err
		}
		return errors.New("the policies have errors: nothing was explained")
	}
	if x.events != "" {
		return a.replay(result, string(x.events))
	}
	u, err := x.unit(result.Program)
	if err != nil {
		return err
	}
	var list []*explain.Explanation
	for _, text := range x.operations {
		op, err := operation.Parse(text, u.Namespace)
		if err != nil {
			return usagef("--op %q: %w", text, err)
		}
		if len(x.lineage) > 0 {
			if len(op.Lineage) > 0 {
				return usagef("--op %q has a lineage of its own, and --lineage gives another", text)
			}
			op.Lineage = x.lineage
		}
		e, err := explain.Explain(u, op, result.Base(u), result.Pools)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		list = append(list, e)
	}
	if a.json() {
		return a.result(report.Marshal(explain.NewDocument(list)))
	}
	return a.result(explain.Text(list))
}

// unit finds the one that was asked for.
func (x *explaining) unit(p *ir.Program) (*ir.Unit, error) {
	var found []*ir.Unit
	var known []string
	for _, u := range p.Units {
		name := u.Policies[0].ID()
		if u.Workload != nil {
			name = u.Workload.Namespace + "/" + u.Workload.Name
		}
		if (x.workload == "" || name == string(x.workload)) && (x.container == "" || u.Container != nil && u.Container.Name == string(x.container)) {
			found = append(found, u)
		}
		if u.Container != nil {
			name += " container " + u.Container.Name
		}
		known = append(known, name)
	}
	slices.Sort(known)
	const most = 10
	if n := len(known) - most; n > 0 {
		known = append(known[:most], fmt.Sprintf("and %d more", n))
	}
	switch list := strings.Join(known, ", "); {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return nil, usagef("the policies govern no such container; there are: %s", list)
	default:
		return nil, usagef("which container? choose one with --workload and --container; there are: %s", list)
	}
}

// maxAlert is the longest line of an alert, in bytes.
const maxAlert = 1 << 20

// replay asks again about alerts, and prints those that would come out
// otherwise.
func (a *app) replay(result *compiler.Result, path string) error {
	in := a.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	units := map[string]*ir.Unit{}
	bases := map[string]ir.Base{}
	for _, u := range result.Program.Units {
		units[u.Name], bases[u.Name] = u, result.Base(u)
	}
	var all []*explain.Explanation
	var same, changed, skipped int
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxAlert)
	for n := 1; lines.Scan(); n++ {
		var e event.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("line %d is no alert: %w", n, err)
		}
		u := units[string(e.Unit)]
		ops, err := explain.Operations(&e)
		if u == nil || err != nil {
			skipped++
			reason := fmt.Sprintf("the policies have no unit %q", string(e.Unit))
			if u != nil {
				reason = err.Error()
			}
			fmt.Fprintf(a.stderr, "avert: line %d was passed over: %s\n", n, event.Escape(reason))
			continue
		}
		otherwise := true // until one way of use comes out as the alert says
		var list []*explain.Explanation
		for _, op := range ops {
			x, err := explain.Explain(u, op, bases[u.Name], result.Pools)
			if err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			otherwise = otherwise && !agrees(&e, x)
			list = append(list, x)
		}
		all = append(all, list...)
		if !otherwise {
			same++
			continue
		}
		changed++
		if !a.json() {
			if err := a.result(otherwiseText(n, &e, list)); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	if a.json() {
		if err := a.result(report.Marshal(explain.NewDocument(all))); err != nil {
			return err
		}
	}
	a.verdict("%s: %d as recorded, %d decided otherwise, %d passed over", report.Plural(same+changed+skipped, "alert"), same, changed, skipped)
	return nil
}

// agrees says whether the policies decide as an alert says.
func agrees(e *event.Event, x *explain.Explanation) bool {
	switch e.Verdict {
	case event.Audit:
		return x.Verdict.Action == policy.Audit || slices.ContainsFunc(x.Would, func(w explain.Would) bool { return w.Verdict.Action == policy.Audit })
	case event.WouldBlock:
		return slices.ContainsFunc(x.Would, func(w explain.Would) bool { return w.Verdict.Action == policy.Block })
	}
	return x.Verdict.Action == policy.Block
}

func otherwiseText(line int, e *event.Event, list []*explain.Explanation) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "line %d was %s", line, e.Verdict)
	if e.Rule != "" {
		fmt.Fprintf(&b, " by %s", event.Escape(string(e.Rule)))
	}
	b.WriteString(", and is decided otherwise:\n")
	for _, text := range strings.SplitAfter(string(explain.Text(list)), "\n") {
		if text != "" {
			b.WriteString("  " + text)
		}
	}
	return b.Bytes()
}
