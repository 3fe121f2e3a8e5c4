// SPDX-License-Identifier: Apache-2.0

// Package bench measures what policies cost processes, in instructions that a kernel executes: in guests whose clock counts
// them, so that a measurement says the same on every machine. It is for benchmarks alone and proves nothing about policies.
package bench

import (
	"fmt"
	"strings"
)

// Step is something that the guest does.
type Step struct {
	Do Do
	// Name is the image or the policy as a file of the guest, the unit to unload, or the AppArmor profile of what is measured.
	Name string
	// Cgroup is the name of the cgroup to govern, or of what is measured.
	Cgroup string
}

// Do is what a step does.
type Do string

// The steps.
const (
	// Load has avert-node load an image.
	Load Do = "load"
	// Unload has avert-node take the last unit out of force, and waits until no program is attached.
	Unload Do = "unload"
	// LoadAppArmor loads a binary policy.
	LoadAppArmor Do = "load-apparmor"
	// Measure runs the program measure in a container.
	Measure Do = "measure"
	// Scan is Measure under the program in the folder scan, which looks at one rule after another.
	Scan Do = "scan"
)

// Costs are instructions by operation: what a step took, under Loading, or the medians that the program measure printed.
type Costs map[string]int64

// Operations that are measured, besides Open.
const (
	Loading = "load"
	// Make creates a file and deletes it.
	Make = "create and delete"
	// Exec starts a process that executes a program which ends at once, and waits for it.
	Exec = "exec"
)

// Open names the operation that opens and closes a path.
func Open(path string) string { return fmt.Sprintf("open %d", len(path)) }

// Mark begins the line of the guest's output that is the JSON of the Costs of all steps.
const Mark = "avert-bench-costs "

// Paths are what is opened: 16, 64 and 256 bytes in 3, 6 and 16 components.
var Paths = []string{
	"/usr/bin/python3",
	"/usr/lib/x86_64-linux-gnu/security/modules/" + strings.Repeat("m", 18) + ".so",
	strings.Repeat("/a-component-of-", 16),
}
