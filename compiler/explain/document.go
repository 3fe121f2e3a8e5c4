// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policy"
)

// Document is the JSON form of explanations.
type Document struct {
	APIVersion string `json:"apiVersion" jsonschema:"enum=avert.dev/v1alpha1"`
	Kind       string `json:"kind" jsonschema:"enum=Explanations"`
	// Operations are in the order in which they were asked.
	Operations []Row `json:"operations"`
}

// Row is one explanation.
type Row struct {
	Operation string `json:"operation"`
	// Unit is the container's effective policy, as its files are named.
	Unit    string     `json:"unit"`
	Verdict VerdictRow `json:"verdict"`
	// Matching are the enforced rules that match, the one that decides included.
	Matching []RuleRow  `json:"matching"`
	Would    []WouldRow `json:"would,omitempty"`
	// Held says how back-ends hold the rule or default that decides.
	Held []HeldRow `json:"held,omitempty"`
}

// VerdictRow is a verdict and what decides.
type VerdictRow struct {
	Action string `json:"action" jsonschema:"enum=Allow,enum=Audit,enum=Block"`
	Report bool   `json:"report"`
	Errno  int    `json:"errno,omitempty"`
	// Rule is section/name, section/default or a decision of the language; absent
	// when nothing governs.
	Rule   string `json:"rule,omitempty"`
	Policy string `json:"policy,omitempty"`
	// Source is file:line:column.
	Source string `json:"source,omitempty"`
}

// RuleRow is a rule that matches.
type RuleRow struct {
	Rule   string `json:"rule"`
	Policy string `json:"policy"`
	Action string `json:"action"`
	Source string `json:"source"`
}

// WouldRow is what a policy in mode Audit would decide.
type WouldRow struct {
	Policy   string     `json:"policy"`
	Verdict  VerdictRow `json:"verdict"`
	Matching []RuleRow  `json:"matching"`
}

// HeldRow is the answer of a back-end.
type HeldRow struct {
	Pool    string `json:"pool"`
	Target  string `json:"target"`
	Status  string `json:"status" jsonschema:"enum=exact,enum=looser,enum=stricter,enum=none"`
	Reason  string `json:"reason,omitempty"`
	Reports string `json:"reports"`
}

// NewDocument returns the JSON form.
func NewDocument(list []*Explanation) Document {
	d := Document{APIVersion: "avert.dev/v1alpha1", Kind: "Explanations", Operations: []Row{}}
	for _, e := range list {
		row := Row{Operation: operation.String(e.Operation), Unit: e.Unit.Name, Verdict: verdict(e.Verdict), Matching: rules(e.Matching)}
		for _, w := range e.Would {
			row.Would = append(row.Would, WouldRow{w.Policy.ID(), verdict(w.Verdict), rules(w.Matching)})
		}
		for _, h := range e.Held {
			row.Held = append(row.Held, HeldRow{h.Pool, h.Target, h.Status.String(), h.Reason, h.Reports.String()})
		}
		d.Operations = append(d.Operations, row)
	}
	return d
}

func verdict(v policy.Verdict) VerdictRow {
	return VerdictRow{v.Action.String(), v.Report, v.Errno, v.Rule.Rule, v.Rule.Policy, v.Rule.Span.String()}
}

func rules(list []ir.Source) []RuleRow {
	out := []RuleRow{}
	for _, s := range list {
		out = append(out, RuleRow{s.Rule.ID(), s.Policy.ID(), s.Rule.Action.String(), s.Rule.Span.String()})
	}
	return out
}
