// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"github.com/avert-dev/avert/compiler/lineages"
	"github.com/avert-dev/avert/compiler/policy"
)

// Kind says what a change does.
type Kind uint8

const (
	// Allowed was blocked and no longer is.
	Allowed Kind = iota
	// Blocked passed and no longer does.
	Blocked
	// Reported is as it was, but is reported now.
	Reported
	// Unreported is as it was, but is no longer reported.
	Unreported
	// Errno is a system call that fails with another number.
	Errno
)

var kindNames = [...]string{"allowed", "blocked", "reported", "unreported", "errno"}

// String returns the kind's spelling in documents.
func (k Kind) String() string { return kindNames[k] }

// kindOf compares two verdicts; ok is false when they are the same but for the
// rule that they name.
func kindOf(before, after policy.Verdict) (k Kind, ok bool) {
	was, is := before.Action == policy.Block, after.Action == policy.Block
	switch {
	case was && !is:
		return Allowed, true
	case is && !was:
		return Blocked, true
	case after.Report && !before.Report:
		return Reported, true
	case before.Report && !after.Report:
		return Unreported, true
	case before.Errno != after.Errno:
		return Errno, true
	}
	return 0, false
}

// Change is a set of operations that are decided otherwise, all in one way.
type Change struct {
	Kind    Kind
	Section policy.Section
	// Audit is the ID of the policy in mode Audit that would decide so; "" for
	// what is enforced.
	Audit string
	// Witness is a smallest operation of the set; Before and After are the
	// verdicts about it.
	Witness       policy.Operation
	Before, After policy.Verdict
	// Uses are the ways of use, in process and file.
	Uses []string
	// From says which processes.
	From lineages.From
	// Whole says of a system call that it changes whatever its arguments are.
	Whole bool
	// Others lists what else the set has apart from the witness, as far as it is
	// listed one by one: paths, capabilities, system calls, flows.
	Others []string
	// More is how many there are beyond Others, and Endless that there are
	// more than can be counted.
	More    int
	Endless bool
	// Rules are those that decide in some part of the set, on either side.
	Rules []RulePart
}

// RulePart is a rule, and which of its patterns take part in a change.
type RulePart struct {
	// New says that it is a rule of the new side.
	New      bool
	Ref      policy.RuleRef
	Patterns []PatternPart
}

// PatternPart is a pattern that matches something in a change.
type PatternPart struct {
	Text string
	// Whole says that everything that the pattern matches is in the change.
	Whole bool
}

// plain drops what a verdict names.
func plain(v policy.Verdict) policy.Verdict {
	v.Rule = policy.RuleRef{}
	return v
}
