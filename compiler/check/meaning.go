// SPDX-License-Identifier: Apache-2.0

package check

import (
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// Meaning finds what is wrong with valid policies: rules without effect,
// contradictions, and what they forgot.
func Meaning(set *policy.Set, pools []*platform.Pool, list *diag.List) {
}
