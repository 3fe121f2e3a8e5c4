// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"

	"github.com/avert-dev/avert/compiler/diag"
)

// maxWork bounds how many pairs of rules are compared, and with it the output:
// n policies that may all select one pod make n² objects and n³ pairs.
const maxWork = 10_000_000

// excess reports policies whose selectors overlap each other too much; nothing
// should be emitted then.
func excess(plans []*Plan) []diag.Diagnostic {
	var worst *Plan
	total, most := 0, 0
	for _, p := range plans {
		work := 0
		for i := range p.Sides {
			s := &p.Sides[i]
			// Twenty comparisons take as long as writing a rule.
			work += len(s.Emitted) * (20 + len(s.Blocks) + len(s.Allows))
		}
		if total += work; work > most {
			worst, most = p, work
		}
	}
	if total <= maxWork {
		return nil
	}
	var list diag.List
	list.Report(diag.OverlappingPolicy, worst.Policy.Span, fmt.Sprintf("too many policies may select one pod: policy %s overlaps %d others", worst.Policy.ID(), len(worst.Others)),
		diag.Hint("select by one label with different values, so that selectors are disjoint"))
	return list.Sorted()
}
