// SPDX-License-Identifier: Apache-2.0

// Package emit is the contract between the compiler and its back-ends: what a
// back-end gets, what it returns, and what it admits that it cannot enforce.
//
// Each back-end is a folder below this one and a line in the table of targets
// (package targets). Back-ends know neither each other nor the output tree.
package emit

import (
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// Target is a back-end.
type Target struct {
	// Name is what --target and .avert.yaml call it.
	Name string
	// Summary is one line for people.
	Summary string
	// Sections are those that the back-end can hold at least in part.
	Sections []policy.Section
	// Takes says in words why a pool cannot take the target; nil when it can.
	Takes func(*platform.Pool) error
	// Default says whether a pool that names no targets uses it, given that
	// Takes is nil.
	Default func(*platform.Pool) bool
	// Emit is pure and deterministic: equal input gives equal output.
	Emit func(Input) Output
}

// Input is one compilation for one pool.
type Input struct {
	Program *ir.Program
	Pool    *platform.Pool
}

// Output is what a back-end makes of a program.
type Output struct {
	Files     []File
	Lowerings []Lowering
	// Findings are diagnostics beyond what the lowerings say.
	Findings []diag.Diagnostic
}

// FileKind says where a file belongs in the output tree.
type FileKind uint8

const (
	// Manifest is a Kubernetes object: manifests/NAME.
	Manifest FileKind = iota
	// Patch is a strategic merge patch of a workload: patches/NAME.
	Patch
	// NodeFile is installed on nodes: nodes/TARGET/NAME.
	NodeFile
	// Text is for people: TARGET/NAME.
	Text
)

// File is one generated file.
type File struct {
	Kind FileKind
	Name string
	// Data is complete but for the header that names the sources, which formats
	// with comments get.
	Data []byte
	// Comment begins a comment in formats that have any, such as "#". Manifests and
	// patches are YAML and need not say so.
	Comment string
	// Sources are the policies that the file was made from, in order.
	Sources []*policy.Policy
	// Workload is what a Patch is aimed at.
	Workload *policy.Workload
}

// CommentMark returns what begins a comment in the file; "" when its format has
// none, as JSON.
func (f *File) CommentMark() string {
	if f.Kind == Manifest || f.Kind == Patch {
		return "#"
	}
	return f.Comment
}

// Status says how what a back-end enforces relates to what a rule says.
type Status uint8

const (
	// Exact: neither more nor less.
	Exact Status = iota
	// Looser: everything that the rule allows, and something that it does not.
	Looser
	// Stricter: something that the rule allows is blocked. Only by opt-in.
	Stricter
	// None: the rule is left out.
	None
)

var statusNames = [...]string{"exact", "looser", "stricter", "none"}

// String returns the status as reports spell it.
func (s Status) String() string { return statusNames[s] }

// MarshalText implements encoding.TextMarshaler.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// DefaultRule is the Name part of a section's default in a Lowering.
const DefaultRule = "default"

// Lowering says how a back-end holds one rule or default of one policy.
type Lowering struct {
	// Scope is the unit or pod policy: several containers may hold one rule
	// differently.
	Scope  string
	Policy *policy.Policy
	// Rule is "section/name" or "section/default".
	Rule   string
	Span   diag.Span
	Action policy.Action
	Target string
	Status Status
	// Reason says why the status is not Exact, or what an Exact one rests on.
	Reason string
	// Parts are the operations of a rule or default of `system` that are held
	// exactly although Status is Looser: several back-ends together may hold all.
	Parts []string
	// Causes are the rules of the policy that make a default Looser: a default
	// is only as exact as the Allows beside it.
	Causes []string
	// Refuses says what the back-end refuses beside the rule although the policy
	// allows it, where that is so narrow that the rule is held all the same.
	Refuses []string
	// Reports says how faithfully the back-end reports: Exact, None, or Looser
	// when it also reports what it should not.
	Reports Status
	// ReportsReason says why Reports is not Exact.
	ReportsReason string
}
