// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policy"
)

// Document is the JSON form of a comparison.
type Document struct {
	APIVersion string `json:"apiVersion" jsonschema:"enum=avert.dev/v1alpha1"`
	Kind       string `json:"kind" jsonschema:"enum=Diff"`
	// Counts are of changes.
	Counts Counts `json:"counts"`
	// Scopes are the containers, or the pods of policies, where something changes,
	// sorted by name.
	Scopes []ScopeRow `json:"scopes"`
}

// Counts says how many changes of what kind there are.
type Counts struct {
	Widening  int `json:"widening"`
	Narrowing int `json:"narrowing"`
	// Other changes are of reports, of error numbers, and of policies in mode
	// Audit.
	Other int `json:"other"`
}

// ScopeRow is one container, or the pods of one policy.
type ScopeRow struct {
	Name string `json:"name"`
	// Pods says which pods or containers are meant, when the revisions select
	// different ones.
	Pods    string      `json:"pods,omitempty"`
	Changes []ChangeRow `json:"changes"`
}

// ChangeRow is a set of operations that are decided otherwise, all in one way.
type ChangeRow struct {
	Kind    string `json:"kind" jsonschema:"enum=allowed,enum=blocked,enum=reported,enum=unreported,enum=errno"`
	Section string `json:"section" jsonschema:"enum=process,enum=file,enum=network,enum=syscalls,enum=capabilities,enum=system"`
	// Audit is the policy in mode Audit that would decide so; absent for what is
	// enforced.
	Audit string `json:"audit,omitempty"`
	// Witness is a smallest operation that shows the change.
	Witness string `json:"witness"`
	// Uses are the ways of use that change, in process and file.
	Uses []string `json:"uses,omitempty"`
	// Others lists what else changes: paths, capabilities, system calls, or the
	// flows.
	Others []string `json:"others,omitempty"`
	// More is how many there are beyond others; absent with endless.
	More int `json:"more,omitempty"`
	// Endless says that there are more than can be counted.
	Endless bool `json:"endless,omitempty"`
	// Processes says which processes; absent for all.
	Processes string   `json:"processes,omitempty"`
	Before    Decision `json:"before"`
	After     Decision `json:"after"`
}

// Decision is a verdict about the witness and the rules that decide in some part
// of the change.
type Decision struct {
	Action string `json:"action" jsonschema:"enum=Allow,enum=Audit,enum=Block"`
	Report bool   `json:"report"`
	// Errno is what a blocked system call returns.
	Errno int `json:"errno,omitempty"`
	// Rule is section/name or section/default; absent where nothing governs.
	Rule   string `json:"rule,omitempty"`
	Policy string `json:"policy,omitempty"`
	// Source is file:line:column of the rule.
	Source string    `json:"source,omitempty"`
	Rules  []RuleRow `json:"rules,omitempty"`
}

// RuleRow is a rule, and its patterns that match something in the change.
type RuleRow struct {
	Rule     string       `json:"rule"`
	Policy   string       `json:"policy"`
	Source   string       `json:"source"`
	Patterns []PatternRow `json:"patterns"`
}

// PatternRow is a pattern; Whole says that all it matches is in the change.
type PatternRow struct {
	Pattern string `json:"pattern"`
	Whole   bool   `json:"whole"`
}

// Count counts changes.
func Count(scopes []Scope) Counts {
	var n Counts
	for _, s := range scopes {
		for i := range s.Changes {
			switch ch := &s.Changes[i]; {
			case ch.Widens():
				n.Widening++
			case ch.Narrows():
				n.Narrowing++
			default:
				n.Other++
			}
		}
	}
	return n
}

// NewDocument returns the JSON form.
func NewDocument(scopes []Scope) Document {
	d := Document{APIVersion: "avert.dev/v1alpha1", Kind: "Diff", Counts: Count(scopes), Scopes: []ScopeRow{}}
	for _, s := range scopes {
		row := ScopeRow{Name: s.Name, Pods: s.Pods, Changes: []ChangeRow{}}
		for i := range s.Changes {
			row.Changes = append(row.Changes, s.Changes[i].row())
		}
		d.Scopes = append(d.Scopes, row)
	}
	return d
}

func (ch *Change) row() ChangeRow {
	return ChangeRow{
		Kind: ch.Kind.String(), Section: ch.Section.String(), Audit: ch.Audit, Witness: operation.String(ch.Witness),
		Uses: ch.Uses, Others: ch.Others, More: ch.More, Endless: ch.Endless, Processes: ch.From.String(),
		Before: ch.side(ch.Before, false), After: ch.side(ch.After, true),
	}
}

func (ch *Change) side(v policy.Verdict, new bool) Decision {
	d := Decision{Action: v.Action.String(), Report: v.Report, Errno: v.Errno, Rule: v.Rule.Rule, Policy: v.Rule.Policy, Source: v.Rule.Span.String()}
	for _, r := range ch.Rules {
		if r.New != new {
			continue
		}
		row := RuleRow{Rule: r.Ref.Rule, Policy: r.Ref.Policy, Source: r.Ref.Span.String()}
		for _, p := range r.Patterns {
			row.Patterns = append(row.Patterns, PatternRow{p.Text, p.Whole})
		}
		d.Rules = append(d.Rules, row)
	}
	return d
}

// Markdown writes scopes for a comment on a pull request.
func Markdown(scopes []Scope) []byte {
	var b bytes.Buffer
	if len(scopes) == 0 {
		b.WriteString("No change in what the policies mean.\n")
	}
	for i, s := range scopes {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "### %s\n\n", markdown(s.title()))
		for j := range s.Changes {
			ch := &s.Changes[j]
			fmt.Fprintf(&b, "- **%s**: %s\n", ch.headline(), code(ch.what()))
			for _, line := range ch.lines() {
				label, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
				fmt.Fprintf(&b, "  - %s: %s\n", markdown(label), code(text))
			}
		}
	}
	return b.Bytes()
}

// code puts text between enough backticks.
func code(text string) string {
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// markdown escapes what would be markup in names of policies and files.
func markdown(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`).Replace(text)
}

// GitHub writes a workflow command for each change, which GitHub shows beside
// the rule that decides now, or else the one that did.
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
func GitHub(scopes []Scope) []byte {
	var b bytes.Buffer
	for _, s := range scopes {
		for i := range s.Changes {
			ch := &s.Changes[i]
			level := "notice"
			if ch.Widens() {
				level = "warning"
			}
			at := ch.After.Rule.Span
			if at.IsZero() {
				at = ch.Before.Rule.Span
			}
			fmt.Fprintf(&b, "::%s %stitle=%s::%s: %s%%0Abefore: %s%%0Aafter: %s\n", level, location(at), property(ch.headline()),
				message(s.title()), message(ch.what()), message(ch.decision(ch.Before)), message(ch.decision(ch.After)))
		}
	}
	return b.Bytes()
}

func location(s diag.Span) string {
	if s.IsZero() {
		return ""
	}
	line, column := s.File.Position(s.Start)
	return fmt.Sprintf("file=%s,line=%d,col=%d,", property(s.File.Name), line, column)
}

func message(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func property(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text)
}
