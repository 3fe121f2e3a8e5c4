// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/avert-dev/avert/compiler/diag"
)

// Action is what a rule or a default does. The order is that of strictness.
type Action uint8

const (
	// Allow lets the operation pass silently.
	Allow Action = iota
	// Audit lets the operation pass and reports it.
	Audit
	// Block makes the operation fail before it has any effect, and reports it.
	Block
)

var actionNames = [...]string{"Allow", "Audit", "Block"}

// String returns the action's spelling in a policy.
func (a Action) String() string { return actionNames[a] }

// MarshalText implements encoding.TextMarshaler.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Mode says whether a policy takes part in verdicts.
type Mode uint8

const (
	// Enforce makes the policy part of the verdict.
	Enforce Mode = iota
	// AuditMode only reports what the policy would decide.
	AuditMode
)

// String returns the mode's spelling in a policy.
func (m Mode) String() string {
	if m == AuditMode {
		return "Audit"
	}
	return "Enforce"
}

// Section names a part of a policy.
type Section uint8

const (
	Process Section = iota
	File
	Network
	Syscalls
	Capabilities
	System
)

// Sections lists all sections in the order of the language.
var Sections = [...]Section{Process, File, Network, Syscalls, Capabilities, System}

var sectionNames = [...]string{"process", "file", "network", "syscalls", "capabilities", "system"}

// String returns the section's key in a policy.
func (s Section) String() string { return sectionNames[s] }

// Policy is one RuntimePolicy document.
type Policy struct {
	Namespace, Name string
	// Span is that of metadata.name.
	Span diag.Span
	// Selector chooses pods of Namespace.
	Selector Selector
	// Containers narrows every section but Network to containers of these
	// names; empty means all, init and ephemeral ones included.
	Containers []string
	Mode       Mode

	// A nil section is not governed by this policy.
	Process      *PathSection
	File         *PathSection
	Network      *NetworkSection
	Syscalls     *SyscallSection
	Capabilities *CapabilitySection
	System       *SystemSection

	Accepts []Accept
}

// ID returns "namespace/name".
func (p *Policy) ID() string { return p.Namespace + "/" + p.Name }

// Rule is what the rules of all sections have in common.
type Rule struct {
	Section Section
	// Name is unique in its section of its policy.
	Name   string
	Action Action
	// From restricts the rule to lineages; nil matches every process.
	From *From
	// Quiet silences the report of a Block.
	Quiet bool
	// Span is that of the whole rule, NameSpan that of its name.
	Span, NameSpan diag.Span
}

// ID returns "section/name".
func (r *Rule) ID() string { return r.Section.String() + "/" + r.Name }

// From is a condition on the lineage of the acting process. Its fields are
// ANDed, the patterns of one field ORed; an empty field is no condition.
type From struct {
	// Exe matches the current image, Parent the one before, Ancestor any
	// earlier one, the parent included.
	Exe, Parent, Ancestor []Pattern
}

// Pattern is a valid path pattern.
type Pattern struct {
	Text string
	Span diag.Span
}

// Paths returns the process or file section, or nil.
func (p *Policy) Paths(s Section) *PathSection {
	if s == Process {
		return p.Process
	}
	return p.File
}

// PathSection is `process` or `file`.
type PathSection struct {
	Default     Action
	DefaultSpan diag.Span
	Rules       []PathRule
}

// BlocksAnything says whether the section has a Block rule or a default of
// Block. It is false of a nil section.
func (s *PathSection) BlocksAnything() bool {
	if s == nil {
		return false
	}
	return s.Default == Block || slices.ContainsFunc(s.Rules, func(r PathRule) bool { return r.Action == Block })
}

// PathRule is a rule of `process` or `file`. An object matches when any of
// Paths or Names matches it, or when it is anonymous and Anonymous is set.
type PathRule struct {
	Rule
	Paths []Pattern
	// Names are last path components, matched literally.
	Names []Pattern
	// Access is AccessExec alone in `process`.
	Access Access
	// Anonymous matches memfd, deleted and detached files.
	Anonymous bool
}

// Access is a set of ways to use a file.
type Access uint16

const (
	AccessRead Access = 1 << iota
	AccessWrite
	AccessCreate
	AccessDelete
	AccessRename
	AccessLink
	AccessChmod
	AccessChown
	AccessTimes
	AccessXattr
	AccessMap
	// AccessExec belongs to `process`; the others to `file`.
	AccessExec

	// AccessSetattr is the spelling `setattr`.
	AccessSetattr = AccessChmod | AccessChown | AccessTimes | AccessXattr
	// AccessFile is every access of `file`.
	AccessFile = AccessExec - 1
)

// AccessNames lists the single accesses with their spelling, in bit order.
var AccessNames = []struct {
	Access Access
	Name   string
}{
	{AccessRead, "read"}, {AccessWrite, "write"}, {AccessCreate, "create"}, {AccessDelete, "delete"},
	{AccessRename, "rename"}, {AccessLink, "link"}, {AccessChmod, "chmod"}, {AccessChown, "chown"},
	{AccessTimes, "times"}, {AccessXattr, "xattr"}, {AccessMap, "map"}, {AccessExec, "exec"},
}

// String lists the accesses joined by commas.
func (a Access) String() string {
	var s string
	for _, n := range AccessNames {
		if a&n.Access != 0 {
			if s != "" {
				s += ","
			}
			s += n.Name
		}
	}
	return s
}

// SyscallSection is `syscalls`.
type SyscallSection struct {
	// Default decides what is neither in the base nor in a rule.
	Default     Action
	DefaultSpan diag.Span
	// BaseNone drops the runtime's default profile, which otherwise both is
	// the list of what Default does not reach and stays in force as the floor.
	BaseNone bool
	// BaseSpan is that of `base`, or of the section when the key is absent.
	BaseSpan diag.Span
	Rules    []SyscallRule
}

// SyscallRule is a rule of `syscalls`. Args are ANDed, also two conditions on
// one argument. Names are valid on at least one architecture of a pool.
type SyscallRule struct {
	Rule
	Names []Pattern
	// Errno is what a Block returns: a number such as 1 for EPERM.
	Errno int
	Args  []Arg
}

// ArgOp compares one argument of a system call.
type ArgOp uint8

const (
	ArgEqual ArgOp = iota
	ArgNotEqual
	ArgLess
	ArgLessEqual
	ArgGreater
	ArgGreaterEqual
	// ArgMaskedEqual holds when argument & Mask == Value.
	ArgMaskedEqual
)

var argOpNames = [...]string{"eq", "ne", "lt", "le", "gt", "ge", "maskedEq"}

// String returns the operator's spelling in a policy.
func (o ArgOp) String() string { return argOpNames[o] }

// Arg is a condition on argument Index (0 to 5), an unsigned 64-bit number.
type Arg struct {
	Index int
	Op    ArgOp
	Value uint64
	Mask  uint64
}

// Holds says whether the condition is true of the value of its argument.
func (a Arg) Holds(v uint64) bool {
	switch a.Op {
	case ArgEqual:
		return v == a.Value
	case ArgNotEqual:
		return v != a.Value
	case ArgLess:
		return v < a.Value
	case ArgLessEqual:
		return v <= a.Value
	case ArgGreater:
		return v > a.Value
	case ArgGreaterEqual:
		return v >= a.Value
	default:
		return v&a.Mask == a.Value
	}
}

// CapabilitySection is `capabilities`.
type CapabilitySection struct {
	Default     Action
	DefaultSpan diag.Span
	Rules       []CapabilityRule
}

// CapabilityRule is a rule of `capabilities`. Names have no CAP_ prefix.
type CapabilityRule struct {
	Rule
	Names []Pattern
}

// SystemSection is `system`, which has no default: see SystemOperation.
type SystemSection struct {
	Rules []SystemRule
}

// SystemRule is a rule of `system`.
type SystemRule struct {
	Rule
	Operations []SystemOperation
}

// SystemOperation has no object of the other sections. A policy in mode
// Enforce whose process or file section blocks anything (a Block rule or a
// default of Block) blocks every operation but io_uring unless a rule of
// `system` allows it.
type SystemOperation uint8

const (
	// Mount is the mount family: mount, umount, move_mount, open_tree, pivot_root.
	Mount SystemOperation = iota
	// UserNS creates a user namespace.
	UserNS
	// BPF is the bpf system call.
	BPF
	// Ptrace reads or changes a process of another container or domain.
	Ptrace
	// Module loads a kernel module.
	Module
	// IOUring sets up or uses io_uring.
	IOUring
	// Signal signals a process of another container or domain.
	Signal
)

// SystemOperations lists all operations in order.
var SystemOperations = [...]SystemOperation{Mount, UserNS, BPF, Ptrace, Module, IOUring, Signal}

var systemNames = [...]string{"mount", "userns", "bpf", "ptrace", "module", "io_uring", "signal"}

// String returns the operation's spelling in a policy.
func (o SystemOperation) String() string { return systemNames[o] }

// Accept is a gap that the authors know of.
type Accept struct {
	// Rule is "section/name", "section/default", "syscalls/base" or a section
	// with a star, such as "process/*".
	Rule string
	// Target is a back-end, or "" for all.
	Target string
	Reason string
	Span   diag.Span
}
