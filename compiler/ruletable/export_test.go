// SPDX-License-Identifier: Apache-2.0

package ruletable

import "github.com/avert-dev/avert/compiler/policy"

// Explains says whether a rule is among what may be behind a report of an
// enforced operation.
func (t *Table) Explains(op Operation, action policy.Action, id, rule string) bool {
	var ps []*Policy
	for _, p := range t.Policies {
		if p.Mode == "Enforce" {
			ps = append(ps, p)
		}
	}
	for _, c := range t.explain(ps, op, action).list {
		if c.Policy.ID() == id && c.Rule == rule {
			return true
		}
	}
	return false
}
