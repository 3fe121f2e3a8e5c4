// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// SyscallTable decides about system calls.
type SyscallTable struct {
	Default Default
	// RuntimeDefault says that the runtime's default profile is the base: what
	// it allows does not reach Default, and it stays in force as the floor.
	RuntimeDefault bool
	// Calls holds what rules say, by name.
	Calls map[string]*Call
}

// Call is what rules say about one system call, in order. Of the conditions
// that hold, the strictest action decides.
type Call struct {
	Cases []CallCase
}

// CallCase applies when all of Args hold.
type CallCase struct {
	Source
	Args  []policy.Arg // sorted
	Errno int          // what a Block returns
}

// Holds says whether all conditions on the arguments hold.
func (c *CallCase) Holds(args [6]uint64) bool {
	for _, a := range c.Args {
		if !a.Holds(args[a.Index]) {
			return false
		}
	}
	return true
}

// MaskTable decides about things that are numbers below 64: capabilities, or
// operations of `system`.
type MaskTable struct {
	// Default applies to the numbers in Covers; the others are allowed.
	Default Default
	Covers  uint64
	Groups  []MaskGroup // in order, one per rule
}

// MaskGroup is a rule about the numbers in Mask.
type MaskGroup struct {
	Source
	Mask uint64
	Cond int
}

// BlocksEverybody says whether every process is refused the number of a bit, for
// back-ends that cannot express conditions on the lineage: they leave out
// conditional Blocks, and a conditional Allow holds for all.
func (t *MaskTable) BlocksEverybody(bit uint64) bool {
	blocks := t.Covers&bit != 0 && t.Default.Action == policy.Block
	for _, g := range t.Groups {
		switch {
		case g.Mask&bit == 0:
		case g.Rule.Action != policy.Block:
			blocks = false
		case g.Cond == Always:
			return true
		}
	}
	return blocks
}

// CapabilityBit returns the bit of a capability's number (linux/capability.h),
// or 0 for an unknown name.
func CapabilityBit(name string) uint64 {
	c, ok := linux.CapabilityByName(name)
	if !ok {
		return 0
	}
	return 1 << c.Number
}
