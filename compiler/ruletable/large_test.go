// SPDX-License-Identifier: Apache-2.0

package ruletable_test

import (
	"fmt"
	"testing"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
)

// TestTooLarge: what a reader would refuse is not written.
func TestTooLarge(t *testing.T) {
	p := &policy.Policy{Namespace: "n", Name: "p", File: &policy.PathSection{}}
	for i := range 1400 {
		r := policy.PathRule{Rule: policy.Rule{Section: policy.File, Name: fmt.Sprint("r", i)}, Access: policy.AccessRead}
		for k := range 100 {
			r.Paths = append(r.Paths, policy.Pattern{Text: fmt.Sprintf("/%d/%d", i, k)})
		}
		p.File.Rules = append(p.File.Rules, r)
	}
	list := &diag.List{}
	unit := lower.Program(&policy.Set{Policies: []*policy.Policy{p}}, list).Units[0]
	if _, _, err := ruletable.File(unit, "label"); err == nil {
		t.Error("a table that is too large was written")
	}
}
