// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"slices"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// Granted returns what a container has without the policy: the runtime's
// default set, what it adds, less what it drops; sorted. A nil container stands
// for one that says nothing; a privileged one has all. Runtimes apply ALL before
// single names (CRI: WithCapabilities in containerd, specgen in CRI-O).
func Granted(c *policy.Container, given []string) []string {
	if c == nil {
		c = &policy.Container{}
	}
	set := map[string]bool{}
	fill := func(names []string, value bool) {
		for _, n := range names {
			set[n] = value
		}
	}
	fill(given, true)
	if c.Privileged || slices.Contains(c.AddCapabilities, "ALL") {
		fill(linux.CapabilityNames(), true)
	}
	if !c.Privileged && slices.Contains(c.DropCapabilities, "ALL") {
		fill(linux.CapabilityNames(), false)
	}
	fill(c.AddCapabilities, true)
	fill(c.DropCapabilities, false)
	var out []string
	for name, has := range set {
		if has && name != "ALL" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
