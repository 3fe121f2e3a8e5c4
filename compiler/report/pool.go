// SPDX-License-Identifier: Apache-2.0

// Package report writes what was found and what was made: diagnostics for
// people and for machines, and the lowering report, which says for every rule
// what each back-end holds of it.
//
// It decides nothing and reads no files.
package report

import (
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// Pool is what was compiled for one node pool.
type Pool struct {
	Pool      *platform.Pool
	Units     []*ir.Unit
	Files     []File
	Lowerings []emit.Lowering
	Gaps      []Gap
}

// File is a generated file and the target that made it.
type File struct {
	Target string
	emit.File
}

// Gap is a Block or a default of Block that no back-end of a pool holds
// exactly.
type Gap struct {
	Policy *policy.Policy
	Rule   string
	Span   diag.Span
	// Why says what each back-end answered; nothing when none covers the section.
	Why []string
	// Accepted are the entries that together name the gap, or nil.
	Accepted []*policy.Accept
}

// reasons joins why the gap is accepted.
func (g *Gap) reasons() string {
	var out []string
	for _, a := range g.Accepted {
		if !slices.Contains(out, a.Reason) {
			out = append(out, a.Reason)
		}
	}
	return strings.Join(out, "; ")
}
