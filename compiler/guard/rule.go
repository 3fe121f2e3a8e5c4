// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/avert-dev/avert/compiler/diag"
)

// Rule is one guardrail.
type Rule struct {
	// ID is stable: lower-case words joined by hyphens. Aliases are other names
	// that configurations and comments may use.
	ID      string   `json:"id"`
	Aliases []string `json:"aliases,omitempty"`
	Title   string   `json:"title"`
	// Description says what the rule finds, and why that matters.
	Description string `json:"description"`
	// Action is what to do about a finding.
	Action   string        `json:"action"`
	Severity diag.Severity `json:"severity"`
	// Optional rules are judged only where the configuration gives them a level.
	Optional bool `json:"optional,omitempty"`
	// Judges is the subject of the rule's views.
	Judges Subject `json:"judges"`
	// Controls are ids of published catalogues, such as "PSS/baseline/capabilities".
	Controls   []string `json:"controls,omitempty"`
	References []string `json:"references,omitempty"`
	// Parameters are what the configuration may set, with their defaults: text,
	// or lists of text. `paths` is a list of paths that views answer for.
	Parameters map[string]any `json:"parameters,omitempty"`
	// BuiltIn rules are part of avert.
	BuiltIn bool `json:"builtIn"`
	// Span is that of the rule's package clause.
	Span diag.Span `json:"-"`

	pkg string // "data.avert.rules.x"
}

// Subject is a kind of view.
type Subject string

// The kinds of views.
const (
	Policy Subject = "policy"
	Unit   Subject = "unit"
	Pool   Subject = "pool"
)

var severities = map[string]diag.Severity{"error": diag.Error, "warning": diag.Warning, "note": diag.Note}

// ValidID says whether a text can be the id of a rule: words of lower-case
// letters and digits, joined by hyphens.
func ValidID(id string) bool {
	for word := range strings.SplitSeq(id, "-") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return len(id) <= 64
}

// annotated reads a rule from the METADATA of a module's package; nil with a
// finding when that is incomplete, and without one when there is none, as in
// modules that others import.
func annotated(m *ast.Module, file *diag.File, list *diag.List) *Rule {
	span := spanOf(file, m.Package.Location)
	i := slices.IndexFunc(m.Annotations, func(a *ast.Annotations) bool { return a.Scope == "package" })
	deny := slices.IndexFunc(m.Rules, func(r *ast.Rule) bool { return r.Head.Ref().String() == "deny" || r.Head.Name.String() == "deny" })
	if i < 0 || m.Annotations[i].Custom["id"] == nil {
		if deny >= 0 {
			list.Report(diag.InvalidRule, span, "a package with deny has no METADATA with custom.id", diag.Hint("avert rules new ID writes a rule to begin with"))
		}
		return nil
	}
	read := &metadata{custom: m.Annotations[i].Custom}
	r := &Rule{
		ID: read.text("id"), Aliases: read.texts("aliases"), Title: m.Annotations[i].Title, Description: strings.TrimSpace(m.Annotations[i].Description),
		Action: read.text("action"), Optional: read.flag("optional"), Judges: Subject(read.text("judges")), Controls: read.texts("controls"),
		Parameters: read.parameters(), Span: span, pkg: m.Package.Path.String(),
	}
	for _, related := range m.Annotations[i].RelatedResources {
		r.References = append(r.References, related.Ref.String())
	}
	severity, known := severities[read.text("severity")]
	r.Severity = severity
	switch {
	case deny < 0:
		read.fail("there is no rule deny")
	case m.Rules[deny].Head.RuleKind() != ast.MultiValue:
		read.fail("deny is not a set: write deny contains finding if { ... }")
		span = spanOf(file, m.Rules[deny].Location)
	case r.ID != "" && !ValidID(r.ID):
		read.fail(fmt.Sprintf("custom.id %q is not lower-case words joined by hyphens", r.ID))
	case r.Title == "":
		read.fail("title is missing")
	case r.Description == "":
		read.fail("description is missing")
	case !known:
		read.fail("custom.severity is none of error, warning, note")
	case !slices.Contains([]Subject{Policy, Unit, Pool}, r.Judges):
		read.fail("custom.judges is none of policy, unit, pool")
	}
	for _, problem := range read.problems {
		list.Report(diag.InvalidRule, span, problem)
	}
	if read.problems != nil {
		return nil
	}
	return r
}

// metadata reads custom annotations, and notes what is wrong with them.
type metadata struct {
	custom   map[string]any
	problems []string
}

func (m *metadata) fail(problem string) { m.problems = append(m.problems, problem) }

func (m *metadata) text(key string) string {
	s, ok := m.custom[key].(string)
	if !ok {
		m.fail("custom." + key + " is missing or not text")
	}
	return s
}

func (m *metadata) flag(key string) bool {
	v, ok := m.custom[key].(bool)
	if !ok && m.custom[key] != nil {
		m.fail("custom." + key + " is neither true nor false")
	}
	return v
}

func (m *metadata) texts(key string) []string {
	if m.custom[key] == nil {
		return nil
	}
	out, ok := textsOf(m.custom[key])
	if !ok {
		m.fail("custom." + key + " is not a list of texts")
	}
	return out
}

func (m *metadata) parameters() map[string]any {
	given, ok := m.custom["parameters"].(map[string]any)
	if !ok && m.custom["parameters"] != nil {
		m.fail("custom.parameters is not a mapping")
	}
	out := map[string]any{}
	for name, value := range given {
		if text, ok := value.(string); ok {
			out[name] = text
		} else if list, ok := textsOf(value); ok {
			out[name] = list
		} else {
			m.fail("custom.parameters." + name + " is neither text nor a list of texts")
		}
	}
	return out
}

func textsOf(v any) ([]string, bool) {
	items, ok := v.([]any)
	out := make([]string, len(items))
	for i, item := range items {
		text, isText := item.(string)
		out[i], ok = text, ok && isText
	}
	return out, ok
}

// spanOf is the place of a node of Rego. Locations have lines, columns in
// bytes, and text.
func spanOf(file *diag.File, l *ast.Location) diag.Span {
	if file == nil || l == nil {
		return diag.Span{File: file}
	}
	start := file.Offset(l.Row, 1) + l.Col - 1
	end := start + len(l.Text)
	return diag.Span{File: file, Start: min(start, len(file.Source)), End: min(end, len(file.Source))}
}
