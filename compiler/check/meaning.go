// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// Meaning finds what is wrong with valid policies: rules without effect,
// contradictions, and what they forgot. What is absent is reported only when
// the list has no errors yet, since a rule with an error is absent from set.
func Meaning(set *policy.Set, pools []*platform.Pool, list *diag.List) {
	complete := !list.HasErrors()
	together := newNeighbours(set)
	floors := &floors{pools: pools, profiles: map[string][]*specs.LinuxSeccomp{}}
	for _, p := range set.Policies {
		duplicates(p, list)
		shadows(p, p, func(r, block *policy.Rule) {
			list.Report(diag.ShadowedRule, r.NameSpan, fmt.Sprintf("rule %s has no effect: Block always wins, and %s blocks all that it matches", r.ID(), block.ID()),
				diag.See(block.NameSpan, "the Block"))
		})
		twins(p, list)
		archSyscalls(p, pools, list)
		if complete {
			withoutEffect(p, together, list)
			unreachable(p, together, list)
			dns(p, together, list)
			floors.aboveFloor(p, together.workloads(p), list)
			initCalls(p, together, list)
		}
	}
	if len(set.Workloads) == 0 {
		overlaps(set, together, list)
	} else if complete {
		unused(set, together, list)
	}
	contradictions(set, together, list)
}

// texts lists patterns in a canonical order.
func texts(patterns []policy.Pattern) []string {
	out := make([]string, len(patterns))
	for i, p := range patterns {
		out[i] = p.Text
	}
	slices.Sort(out)
	return out
}
