// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
)

// Run is what one run of the compiler looked at and found.
type Run struct {
	Files, Policies, Workloads int
	// Findings are sorted.
	Findings []diag.Diagnostic
	// Formatted are the files that fmt changed, or would change.
	Formatted []string
	// Tree is the output, or nil when none was written or compared.
	Tree *Tree
}

// Tree is what happened to an output tree. Paths are relative to Folder.
type Tree struct {
	Folder string `json:"folder"`
	// Files is how many files the tree has, the index apart.
	Files int `json:"files"`
	// Written, Pruned and Kept are what a run that writes did: files with new
	// content, and those no longer generated that were removed or left.
	Written []string `json:"written,omitempty"`
	Pruned  []string `json:"pruned,omitempty"`
	Kept    []string `json:"kept,omitempty"`
	// Differences are what a run that verifies found.
	Differences []Difference `json:"differences,omitempty"`
}

// Difference is a file of the tree that is not current.
type Difference struct {
	Path string `json:"path"`
	Kind string `json:"kind" jsonschema:"enum=missing,enum=changed,enum=stale,enum=unreadable"`
}

// Count returns the number of findings of a severity.
func (r *Run) Count(s diag.Severity) int {
	n := 0
	for _, d := range r.Findings {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// Verdict says in one line what was looked at and found. Policies and
// workloads are left out beside errors, which keep some from being counted.
func (r *Run) Verdict() string {
	seen := []string{Plural(r.Files, "file")}
	errors := r.Count(diag.Error)
	if errors == 0 {
		seen = append(seen, Plural(r.Policies, "policy"), Plural(r.Workloads, "workload"))
	}
	found := []string{Plural(errors, "error"), Plural(r.Count(diag.Warning), "warning")}
	if n := r.Count(diag.Note); n > 0 {
		found = append(found, Plural(n, "note"))
	}
	return strings.Join(seen, ", ") + ": " + strings.Join(found, ", ")
}

// Plural returns a number with its noun: "1 policy", "2 policies".
func Plural(n int, noun string) string {
	switch stem, y := strings.CutSuffix(noun, "y"); {
	case n == 1:
	case y:
		noun = stem + "ies"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
