// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
)

// Explanation is what formats for other tools say of a code.
type Explanation struct {
	Code     diag.Code
	Severity diag.Severity
	Title    string
	Text     string
	// Help says what to do, and Link where to read more; both may be empty.
	Help, Link string
	// Tags are ids of controls, such as "CIS/5.3.2".
	Tags []string
}

// SARIF returns the run in the Static Analysis Results Interchange Format 2.1.0
// (OASIS), as code scanning of GitHub reads it: relative paths, columns in code
// points, and fingerprints that stay the same when lines above change.
// explanations are of the codes that findings may have.
func (r *Run) SARIF(explanations []Explanation) []byte {
	type object = map[string]any
	index := map[diag.Code]int{}
	rules := []object{}
	for _, e := range explained(r.Findings, explanations) {
		index[e.Code] = len(rules)
		rule := object{
			"id": string(e.Code), "shortDescription": object{"text": e.Title}, "fullDescription": object{"text": e.Text},
			"defaultConfiguration": object{"level": e.Severity.String()},
		}
		if e.Help != "" {
			rule["help"] = object{"text": e.Help}
		}
		if e.Link != "" {
			rule["helpUri"] = e.Link
		}
		if len(e.Tags) > 0 {
			rule["properties"] = object{"tags": e.Tags}
		}
		rules = append(rules, rule)
	}
	results := []object{}
	prints := fingerprinter{}
	for _, d := range r.Findings {
		text := d.Message
		if d.Hint != "" {
			text += "\n" + d.Hint
		}
		result := object{"ruleId": string(d.Code), "level": d.Severity.String(), "message": object{"text": text}}
		if i, ok := index[d.Code]; ok {
			result["ruleIndex"] = i
		}
		if !d.Span.IsZero() {
			result["locations"] = []object{{"physicalLocation": physical(d.Span)}}
			result["partialFingerprints"] = object{"primaryLocationLineHash": prints.of(d)}
		}
		var related []object
		for _, n := range d.Notes {
			if !n.Span.IsZero() {
				related = append(related, object{"physicalLocation": physical(n.Span), "message": object{"text": n.Message}})
			}
		}
		if related != nil {
			result["relatedLocations"] = related
		}
		if d.Fix != nil {
			result["fixes"] = []object{{"artifactChanges": []object{{
				"artifactLocation": artifact(d.Fix.Span), "replacements": []object{{"deletedRegion": region(d.Fix.Span), "insertedContent": object{"text": d.Fix.Text}}},
			}}}}
		}
		results = append(results, result)
	}
	return Marshal(object{
		"$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		"version": "2.1.0",
		"runs": []object{{
			"tool":       object{"driver": object{"name": "avert", "informationUri": "https://github.com/avert-dev/avert", "rules": rules}},
			"columnKind": "unicodeCodePoints",
			"results":    results,
		}},
	})
}

// explained are the explanations that findings need, sorted by code.
func explained(findings []diag.Diagnostic, all []Explanation) []Explanation {
	used := map[diag.Code]bool{}
	for _, d := range findings {
		used[d.Code] = true
	}
	var out []Explanation
	for _, e := range all {
		if used[e.Code] {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Explanation) int { return cmp.Compare(a.Code, b.Code) })
	return out
}

func physical(s diag.Span) map[string]any {
	return map[string]any{"artifactLocation": artifact(s), "region": region(s)}
}

// artifact is a relative reference: each component of the path is escaped.
func artifact(s diag.Span) map[string]any {
	parts := strings.Split(s.File.Name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return map[string]any{"uri": strings.Join(parts, "/")}
}

func region(s diag.Span) map[string]any {
	p := place(s)
	return map[string]any{"startLine": p.Line, "startColumn": p.Column, "endLine": p.EndLine, "endColumn": p.EndColumn}
}

// fingerprinter counts findings that are alike.
type fingerprinter map[string]int

// of is a hash of the code and the line's text, and the number of such findings
// in the file so far.
func (f fingerprinter) of(d diag.Diagnostic) string {
	line, _ := d.Span.File.Position(d.Span.Start)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s", d.Code, bytes.TrimSpace(d.Span.File.Line(line))))
	hash := hex.EncodeToString(sum[:8])
	key := d.Span.File.Name + "\n" + hash
	f[key]++
	return fmt.Sprintf("%s:%d", hash, f[key])
}
