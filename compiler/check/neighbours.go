// SPDX-License-Identifier: Apache-2.0

package check

import (
	"iter"
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// neighbours finds the policies that may govern one container together with
// another: with workloads those that do, else those whose selectors are not
// provably disjoint.
type neighbours struct {
	set    *policy.Set
	spaces map[string]*space
	// selected lists the workloads that a policy selects, by their place in the
	// set; it is nil without workloads.
	selected map[*policy.Policy][]int
}

// space is a namespace's policies, split by the value of the label that most of
// them select by, since thousands of applications differ in that.
type space struct {
	key    string
	byName map[string][]*policy.Policy // with an In requirement on key, by value
	others []*policy.Policy
	all    []*policy.Policy
}

func newNeighbours(set *policy.Set) *neighbours {
	n := &neighbours{set: set, spaces: map[string]*space{}}
	uses := map[string]map[string]int{} // namespace, key
	for _, p := range set.Policies {
		s := n.spaces[p.Namespace]
		if s == nil {
			s = &space{byName: map[string][]*policy.Policy{}}
			n.spaces[p.Namespace], uses[p.Namespace] = s, map[string]int{}
		}
		s.all = append(s.all, p)
		for _, r := range p.Selector.Requirements {
			if r.Operator == policy.In {
				count := uses[p.Namespace]
				count[r.Key]++
				if c := count[r.Key]; c > count[s.key] || c == count[s.key] && r.Key < s.key {
					s.key = r.Key
				}
			}
		}
	}
	for _, p := range set.Policies {
		s := n.spaces[p.Namespace]
		values := s.values(p)
		for _, v := range values {
			s.byName[v] = append(s.byName[v], p)
		}
		if values == nil {
			s.others = append(s.others, p)
		}
	}
	if len(set.Workloads) > 0 {
		n.selected = map[*policy.Policy][]int{}
		for i, w := range set.Workloads {
			for p := range n.governing(w) {
				n.selected[p] = append(n.selected[p], i)
			}
		}
	}
	return n
}

// governing yields the policies that select a workload.
func (n *neighbours) governing(w *policy.Workload) iter.Seq[*policy.Policy] {
	return func(yield func(*policy.Policy) bool) {
		s := n.spaces[w.Namespace]
		if s == nil {
			return
		}
		for _, candidates := range [][]*policy.Policy{s.others, s.byName[w.Labels[s.key]]} {
			for _, p := range candidates {
				if p.Selector.Matches(w.Labels) && !yield(p) {
					return
				}
			}
		}
	}
}

// values lists what the label key may be for p, or nil for anything.
func (s *space) values(p *policy.Policy) []string {
	for _, r := range p.Selector.Requirements {
		if r.Key == s.key && r.Operator == policy.In {
			return r.Values
		}
	}
	return nil
}

// of yields the policies that may govern a container (a pod, for network)
// together with p, p itself excluded.
func (n *neighbours) of(p *policy.Policy) iter.Seq[*policy.Policy] {
	return func(yield func(*policy.Policy) bool) {
		s := n.spaces[p.Namespace]
		candidates := [][]*policy.Policy{s.all}
		if values := s.values(p); values != nil {
			candidates = [][]*policy.Policy{s.others}
			for _, v := range values {
				candidates = append(candidates, s.byName[v])
			}
		}
		for _, c := range candidates {
			for _, q := range c {
				if q != p && n.meet(p, q) && !yield(q) {
					return
				}
			}
		}
	}
}

func (n *neighbours) meet(p, q *policy.Policy) bool {
	if n.selected == nil {
		return !p.Selector.Disjoint(q.Selector)
	}
	return slices.ContainsFunc(n.selected[p], func(w int) bool {
		_, ok := slices.BinarySearch(n.selected[q], w)
		return ok
	})
}

// workloads lists those that a policy selects.
func (n *neighbours) workloads(p *policy.Policy) []*policy.Workload {
	var out []*policy.Workload
	for _, i := range n.selected[p] {
		out = append(out, n.set.Workloads[i])
	}
	return out
}

// alone says whether no other policy takes part in the verdicts about a section
// of p. A policy in mode Audit is always decided alone.
func (n *neighbours) alone(p *policy.Policy, s policy.Section) bool {
	if p.Mode == policy.AuditMode {
		return true
	}
	for q := range n.of(p) {
		if q.Mode == policy.Enforce && slices.Contains(governed(q), s) {
			return false
		}
	}
	return true
}
