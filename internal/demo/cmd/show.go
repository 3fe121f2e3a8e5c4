// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/avert-dev/avert/internal/demo"
	"github.com/avert-dev/avert/runtime/event"
)

const intro = `A node with Linux %s, emulated by QEMU. These commands are run:

  $ avert compile %s -o out
  $ avert-node load out/nodes/lsm/%s --cgroup %s
  $ avert-node events
  $ runc run checkout

The container's program stands in for node.js and does what follows. It takes less than a minute.
`

// show prints the steps with what became of them.
func show(out io.Writer, outcomes []demo.Outcome) error {
	if len(outcomes) != len(demo.Steps) {
		return fmt.Errorf("%d outcomes instead of %d", len(outcomes), len(demo.Steps))
	}
	for i, o := range outcomes {
		fmt.Fprintf(out, "\n%d. %s\n", i+1, demo.Steps[i].Title)
		if o.Errno == 0 {
			fmt.Fprintln(out, "   allowed")
		} else {
			fmt.Fprintf(out, "   refused: %v\n", syscall.Errno(o.Errno))
		}
		for line := range strings.Lines(o.Output) {
			fmt.Fprintf(out, "   it prints: %s\n", strings.TrimSuffix(line, "\n"))
		}
		for _, alert := range o.Alerts {
			if err := showAlert(out, alert); err != nil {
				return err
			}
		}
		if len(o.Alerts) == 0 {
			fmt.Fprintln(out, "   no alert")
		}
	}
	return nil
}

func showAlert(out io.Writer, alert json.RawMessage) error {
	var e event.Event
	if err := json.Unmarshal(alert, &e); err != nil {
		return fmt.Errorf("an alert: %w: %s", err, alert)
	}
	where := ""
	if e.Position != nil {
		where = fmt.Sprintf(" (%s:%d)", e.Position.File, e.Position.Line)
	}
	fmt.Fprintf(out, "   alert: %s, rule %s%s\n   %s\n", e.Verdict, e.Rule, where, alert)
	return nil
}
