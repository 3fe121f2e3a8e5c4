// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/policy"
)

// initCalls reports an allow-list without the floor that lacks what the
// container runtime needs after it has installed the filter. Where other
// policies take part in the verdict, their rules and bases count as well, so
// only a policy that decides alone is judged.
func initCalls(p *policy.Policy, together *neighbours, list *diag.List) {
	s := p.Syscalls
	if s == nil || !s.BaseNone || s.Default != policy.Block || p.Mode == policy.AuditMode || !together.alone(p, policy.Syscalls) {
		return
	}
	allowed := map[string]bool{}
	for i := range s.Rules {
		for _, n := range s.Rules[i].Names {
			if s.Rules[i].Action != policy.Block {
				allowed[n.Text] = true
			}
		}
	}
	var missing []string
	noNewPrivileges := noNewPrivilegesEverywhere(p, together.workloads(p))
	for _, c := range floor.InitCalls(noNewPrivileges) {
		if !allowed[c.Name] {
			missing = append(missing, c.Name)
		}
	}
	if len(missing) == 0 {
		return
	}
	why := "Without no_new_privs the filter is there before the runtime becomes the container's user; with allowPrivilegeEscalation: false on every container fewer calls are needed. "
	if noNewPrivileges {
		why = ""
	}
	calls := "calls"
	if len(missing) == 1 {
		calls = "call"
	}
	list.Report(diag.InitSyscalls, s.DefaultSpan, fmt.Sprintf("the allow-list lacks %d %s that the container runtime needs to start the entrypoint, so containers would die at start", len(missing), calls),
		diag.See(s.BaseSpan, "the runtime's default profile, which has them, is dropped here"),
		diag.Hint("%sadd a rule: {name: start, action: Allow, names: [%s]}", why, strings.Join(missing, ", ")))
}

// noNewPrivilegesEverywhere says whether every container that the policy
// governs is known to have no_new_privs.
func noNewPrivilegesEverywhere(p *policy.Policy, selected []*policy.Workload) bool {
	known := false
	for _, w := range selected {
		for _, c := range w.Containers {
			if len(p.Containers) > 0 && !slices.Contains(p.Containers, c.Name) {
				continue
			}
			if c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation {
				return false
			}
			known = true
		}
	}
	return known
}
