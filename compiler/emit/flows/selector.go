// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// minusSelector returns selectors that together select what s selects and o
// does not: by De Morgan one for each requirement of o.
func minusSelector(s, o policy.Selector) []policy.Selector {
	var out []policy.Selector
	for _, r := range o.Requirements {
		rest := s.And(policy.Selector{Requirements: []policy.Requirement{negated(r)}})
		if !rest.Disjoint(rest) {
			out = append(out, rest)
		}
	}
	return out
}

// negated is exact, since NotIn also holds where the label is absent.
func negated(r policy.Requirement) policy.Requirement {
	r.Operator = [...]policy.Operator{
		policy.In: policy.NotIn, policy.NotIn: policy.In,
		policy.Exists: policy.DoesNotExist, policy.DoesNotExist: policy.Exists,
	}[r.Operator]
	return r
}

// Within says whether s has every requirement of o, and so selects nothing else.
func Within(s, o policy.Selector) bool {
	for _, r := range o.Requirements {
		if !slices.ContainsFunc(s.Requirements, func(q policy.Requirement) bool {
			return q.Key == r.Key && q.Operator == r.Operator && slices.Equal(q.Values, r.Values)
		}) {
			return false
		}
	}
	return true
}
