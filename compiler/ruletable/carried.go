// SPDX-License-Identifier: Apache-2.0

package ruletable

import "github.com/avert-dev/avert/compiler/policy"

// carried finds the rule out of whose reach a rename or link would carry an
// object: one that blocks a use at the one name that nothing blocks at the other.
// When there is none, something below a directory would be carried.
func (q *question) carried(from, to policy.Object) {
	const rule = "file/" + policy.BuiltinCarry
	if q.action != policy.Block {
		return
	}
	for _, n := range policy.AccessNames {
		m, here := q.blocked(n.Access, from)
		if _, there := q.blocked(n.Access, to); here && !there {
			m.Rule, m.Quiet = rule, false
			q.out.sure = m.Certain
			q.out.add(m, rankSure, 0)
			return
		}
	}
	for _, p := range q.ps {
		if p.blocksAnything(policy.File) || p.blocksAnything(policy.Process) {
			q.out.sure = len(q.ps) == 1
			q.out.add(Match{Policy: p, Rule: rule, Line: p.Line, Action: policy.Block}, rankDefault, 0)
			return
		}
	}
}

// blocked returns the rule that blocks a use of an object.
func (q *question) blocked(access policy.Access, o policy.Object) (Match, bool) {
	one := *q
	one.out = &explanations{}
	if access == policy.AccessExec {
		one.exec(o)
	} else {
		one.object(policy.File, access, o)
	}
	if access == policy.AccessMap && len(one.out.list) == 0 {
		one.mapByProcess(o)
	}
	return one.out.best()
}
