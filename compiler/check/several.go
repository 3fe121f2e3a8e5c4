// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
)

// overlaps reports policies that may select one pod while no workloads say
// whether they do: a container carries one profile of a kind. Network rules of
// several policies add up in the cluster and need no such care.
func overlaps(set *policy.Set, together *neighbours, list *diag.List) {
	for _, p := range set.Policies {
		if !attaches(p) {
			continue
		}
		for q := range together.of(p) {
			if attaches(q) && comparePlaces(q.Span, p.Span) < 0 && shareContainers(p, q) {
				list.Report(diag.OverlappingPolicy, p.Span, fmt.Sprintf("policy %s and policy %s may select the same container", p.ID(), q.ID()),
					diag.See(q.Span, "the other policy"), diag.Hint("give the workloads beside the policies, or make the selectors or containers disjoint"))
				break
			}
		}
	}
}

// attaches says whether a policy becomes more than objects of the network.
func attaches(p *policy.Policy) bool {
	return slices.ContainsFunc(governed(p), func(s policy.Section) bool { return s != policy.Network })
}

func shareContainers(p, q *policy.Policy) bool {
	return len(p.Containers) == 0 || len(q.Containers) == 0 || slices.ContainsFunc(p.Containers, func(c string) bool { return slices.Contains(q.Containers, c) })
}

// unused reports policies that select none of the workloads, or name
// containers that none of those has.
func unused(set *policy.Set, together *neighbours, list *diag.List) {
	for _, p := range set.Policies {
		selected := together.workloads(p)
		has := map[string]bool{}
		for _, w := range selected {
			for _, c := range w.Containers {
				has[c.Name] = true
			}
		}
		if len(selected) == 0 {
			list.Report(diag.NoWorkload, p.Span, fmt.Sprintf("policy %s selects none of the workloads given", p.ID()), diag.Hint("workloads are selected by the labels of their pods, in the policy's namespace"))
			continue
		}
		for _, c := range p.Containers {
			if !has[c] {
				list.Report(diag.NoWorkload, p.Span, fmt.Sprintf("policy %s names the container %s, and none of the workloads that it selects has it", p.ID(), c))
			}
		}
	}
}

// maxTogether bounds how many policies of one container are compared.
const maxTogether = 64

// contradictions reports rules that another policy on the same container blocks
// entirely. Without workloads that is certain only for equal selectors.
func contradictions(set *policy.Set, together *neighbours, list *diag.List) {
	type pair struct{ p, q *policy.Policy }
	done := map[pair]bool{}
	compare := func(group []*policy.Policy) {
		group = group[:min(len(group), maxTogether)]
		for _, p := range group {
			for _, q := range group {
				if p != q && p.Mode == policy.Enforce && q.Mode == policy.Enforce && !done[pair{p, q}] {
					done[pair{p, q}] = true
					contradiction(p, q, list)
				}
			}
		}
	}
	for _, w := range set.Workloads {
		compare(slices.Collect(together.governing(w)))
	}
	if len(set.Workloads) == 0 {
		groups := map[string][]*policy.Policy{}
		var keys []string
		for _, p := range set.Policies {
			key := p.Namespace + "\x00" + selectorKey(&p.Selector)
			if groups[key] == nil {
				keys = append(keys, key)
			}
			groups[key] = append(groups[key], p)
		}
		for _, key := range keys {
			compare(groups[key])
		}
	}
}

func contradiction(p, q *policy.Policy, list *diag.List) {
	shadows(p, q, func(r, block *policy.Rule) {
		if r.Section == policy.Network || shareContainers(p, q) {
			list.Report(diag.Contradiction, r.NameSpan, fmt.Sprintf("rule %s of policy %s has no effect where policy %s governs too: %s blocks all that it matches", r.ID(), p.ID(), q.ID(), block.ID()),
				diag.See(block.NameSpan, "the Block"))
		}
	})
}
