// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// comesFrom says whether a condition on the lineage holds.
//
// Rule: exe is the current image, parent the one before, ancestor any earlier
// one, the parent included. Fields are ANDed, their patterns ORed, and what is
// absent does not match; so no condition holds of an empty lineage.
func comesFrom(from *policy.From, lineage []string) bool {
	if from == nil {
		return true
	}
	if len(lineage) == 0 {
		return false
	}
	current := len(lineage) - 1
	exe, earlier := lineage[current:], lineage[:current]
	parent := earlier[max(0, current-1):]
	return anyImage(from.Exe, exe) && anyImage(from.Parent, parent) && anyImage(from.Ancestor, earlier)
}

// anyImage says whether any pattern matches any of the images. No pattern is
// no condition.
func anyImage(patterns []policy.Pattern, images []string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p policy.Pattern) bool {
		return slices.ContainsFunc(images, func(image string) bool { return MatchPath(p.Text, image) })
	})
}
