// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"

	"github.com/avert-dev/avert/compiler/diag"
)

// Findings is the JSON form of a Run: what `--format json` prints. Keys may be
// added to it; those that are there keep their meaning.
type Findings struct {
	APIVersion string `json:"apiVersion" jsonschema:"enum=avert.dev/v1alpha1"`
	Kind       string `json:"kind" jsonschema:"enum=Findings"`
	Counts     Counts `json:"counts"`
	// Findings are sorted by file, place and code.
	Findings []Finding `json:"findings"`
	// Formatted are the files that fmt changed, or would change.
	Formatted []string `json:"formatted,omitempty"`
	// Tree is the output of compile; absent when nothing was written or compared.
	Tree *Tree `json:"tree,omitempty"`
}

// Counts says how much was looked at and found.
type Counts struct {
	Files int `json:"files"`
	// Policies and Workloads count those that could be read.
	Policies  int `json:"policies"`
	Workloads int `json:"workloads"`
	Errors    int `json:"errors"`
	Warnings  int `json:"warnings"`
	Notes     int `json:"notes"`
}

// Place is a part of a file. Lines and columns count from 1, columns in
// characters; the end is the first character that is no longer part of it. A
// finding about the command line has no place.
type Place struct {
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"endLine,omitempty"`
	EndColumn int    `json:"endColumn,omitempty"`
}

// Finding is one diagnostic.
type Finding struct {
	Place
	// Code is stable: `avert code` explains those that begin with AV, and `avert
	// rules show` the others, which are ids of guardrails.
	Code     string `json:"code" jsonschema:"pattern=^(AV[0-9]{4}|[a-z0-9]+(-[a-z0-9]+)*)$"`
	Severity string `json:"severity" jsonschema:"enum=error,enum=warning,enum=note"`
	// Message says what is wrong, in one line.
	Message string `json:"message"`
	// Hint says what was probably meant or how to mend it.
	Hint string `json:"hint,omitempty"`
	// Related are other places that explain the finding.
	Related []RelatedPlace `json:"related,omitempty"`
	// Fix mends the finding.
	Fix *Edit `json:"fix,omitempty"`
}

// RelatedPlace is a second place that belongs to a finding.
type RelatedPlace struct {
	Place
	Message string `json:"message"`
}

// Edit replaces the text of a place.
type Edit struct {
	Place
	Text string `json:"text"`
}

// JSON returns the run as a document of kind Findings.
func (r *Run) JSON() []byte {
	d := Findings{
		APIVersion: apiVersion, Kind: "Findings", Findings: []Finding{}, Formatted: r.Formatted, Tree: r.Tree,
		Counts: Counts{r.Files, r.Policies, r.Workloads, r.Count(diag.Error), r.Count(diag.Warning), r.Count(diag.Note)},
	}
	for _, f := range r.Findings {
		row := Finding{Place: place(f.Span), Code: string(f.Code), Severity: f.Severity.String(), Message: f.Message, Hint: f.Hint}
		for _, n := range f.Notes {
			row.Related = append(row.Related, RelatedPlace{place(n.Span), n.Message})
		}
		if f.Fix != nil {
			row.Fix = &Edit{place(f.Fix.Span), f.Fix.Text}
		}
		d.Findings = append(d.Findings, row)
	}
	return Marshal(d)
}

func place(s diag.Span) Place {
	if s.IsZero() {
		return Place{}
	}
	p := Place{File: s.File.Name}
	p.Line, p.Column = s.File.Position(s.Start)
	p.EndLine, p.EndColumn = s.File.Position(max(s.Start, s.End))
	return p
}

// apiVersion is that of every document that avert writes.
const apiVersion = "avert.dev/v1alpha1"

// Marshal encodes what consists of strings, numbers, lists and structs, as all
// documents of avert are spelled: indented, and without escapes for HTML.
func Marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // no such value fails
	}
	return b.Bytes()
}
