// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/emit"
)

const every = `  process: {default: Block, rules: [{name: allow, action: Allow, paths: [/a]}, {name: quiet, action: Block, quiet: true, paths: [/b], from: {ancestor: [/a]}}]}
  file: {default: Audit, rules: [{name: block, action: Block, access: [read], paths: ["/b/**"]}]}
  network: {default: Block}
  capabilities: {default: Block}
  syscalls: {default: Block}
  system:
    rules:
      - {name: held, action: Block, operations: [mount, bpf]}
      - {name: mounts, action: Block, operations: [mount]}
      - {name: namespaces, action: Block, operations: [userns]}
      - {name: mixed, action: Block, operations: [bpf, module]}
      - {name: tasks, action: Block, operations: [ptrace, signal]}
      - {name: ring, action: Block, quiet: true, operations: [io_uring]}
      - {name: audit, action: Audit, operations: [mount, ptrace]}
      - {name: audit-held, action: Audit, operations: [bpf]}
      - {name: audit-part, action: Audit, operations: [mount]}
      - {name: allow, action: Allow, operations: [signal]}
`

// TestLowerings: every rule and default of the sections that the programs decide
// has an answer.
func TestLowerings(t *testing.T) {
	paths := map[string]string{
		"process/default": "Block exact, reports exact, refuses directories",
		"process/allow":   "Allow exact, reports exact",
		"process/quiet":   "Block exact, reports exact, refuses directories",
		"file/default":    "Audit exact, reports exact",
		"file/block":      "Block exact, reports exact, refuses directories",
	}
	system := map[string]string{
		"system/default":    "Block looser, reports exact, holds userns bpf",
		"system/held":       "Block looser, reports exact, holds bpf",
		"system/mounts":     "Block looser, reports exact",
		"system/namespaces": "Block exact, reports exact",
		"system/mixed":      "Block looser, reports exact, holds bpf",
		"system/tasks":      "Block none, reports none",
		"system/ring":       "Block none, reports exact",
		"system/audit":      "Audit exact, reports none",
		"system/audit-held": "Audit exact, reports exact",
		"system/audit-part": "Audit exact, reports none",
		"system/allow":      "Allow exact, reports exact",
	}
	older := map[string]string{
		"system/default":    "Block looser, reports exact, holds bpf",
		"system/namespaces": "Block none, reports none",
	}
	for _, mode := range []string{"Enforce", "Audit"} {
		for _, minor := range []uint16{1, 0} {
			want := map[string]string{}
			for _, m := range []map[string]string{paths, system} {
				for rule, answer := range m {
					want[rule] = answer
				}
			}
			if minor == 0 {
				for rule, answer := range older {
					want[rule] = answer
				}
			}
			program := programOf(t, policyOf("p", mode, every))
			got := map[string]string{}
			for _, l := range Target.Emit(emit.Input{Program: program, Pool: poolOf(6, minor)}).Lowerings {
				text := fmt.Sprintf("%s %s, reports %s", l.Action, l.Status, l.Reports)
				if len(l.Parts) > 0 {
					text += ", holds " + strings.Join(l.Parts, " ")
				}
				if len(l.Refuses) > 0 {
					text += ", refuses directories"
				}
				got[l.Rule] = text
				if l.Reason == "" || (l.Reports != emit.Exact) != (l.ReportsReason != "") || l.Target != "lsm" || l.Scope != program.Units[0].Name || l.Policy != program.Units[0].Policies[0] {
					t.Errorf("%+v", l)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s on 6.%d (-want +got):\n%s", mode, minor, diff)
			}
		}
	}
}
