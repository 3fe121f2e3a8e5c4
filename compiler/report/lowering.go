// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/policy"
)

// document is report.json. Its schema is schemas/report.json.
type document struct {
	APIVersion string        `json:"apiVersion" jsonschema:"required,enum=avert.dev/v1alpha1"`
	Kind       string        `json:"kind" jsonschema:"required,enum=Report"`
	Pool       string        `json:"pool"`
	Targets    []string      `json:"targets"`
	Sources    []source      `json:"sources"`
	Units      []unit        `json:"units"`
	Rules      []ruleRow     `json:"rules"`
	Gaps       []gapRow      `json:"gaps"`
	Files      []artifactRow `json:"files"`
}

type source struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

type unit struct {
	Name      string   `json:"name"`
	Policies  []string `json:"policies"`
	Workload  string   `json:"workload,omitempty"`
	Container string   `json:"container,omitempty"`
}

type ruleRow struct {
	Policy  string   `json:"policy"`
	Rule    string   `json:"rule"`
	Action  string   `json:"action"`
	Source  string   `json:"source"`
	Target  string   `json:"target"`
	Scope   []string `json:"scope"`
	Status  string   `json:"status"`
	Reason  string   `json:"reason,omitempty"`
	Causes  []string `json:"causes,omitempty"`
	Reports string   `json:"reports"`
	Why     string   `json:"reportsReason,omitempty"`
}

type gapRow struct {
	Policy   string   `json:"policy"`
	Rule     string   `json:"rule"`
	Source   string   `json:"source"`
	Why      []string `json:"why,omitempty"`
	Accepted string   `json:"accepted,omitempty"`
}

type artifactRow struct {
	Path     string   `json:"path"`
	Target   string   `json:"target"`
	Policies []string `json:"policies"`
}

// JSON returns report.json. path says where a file stands in the tree.
func (p *Pool) JSON(path func(File) string) []byte {
	d := document{
		APIVersion: "avert.dev/v1alpha1", Kind: "Report",
		Pool: p.Pool.Name, Targets: orEmpty(p.Pool.Targets), Sources: p.sources(), Rules: p.rows(),
		Units: []unit{}, Gaps: []gapRow{}, Files: []artifactRow{},
	}
	for _, u := range p.Units {
		row := unit{Name: u.Name, Policies: ids(u.Policies)}
		if u.Workload != nil {
			row.Workload = u.Workload.Kind + " " + u.Workload.Namespace + "/" + u.Workload.Name
			row.Container = u.Container.Name
		}
		d.Units = append(d.Units, row)
	}
	for _, g := range p.Gaps {
		row := gapRow{Policy: g.Policy.ID(), Rule: g.Rule, Source: g.Span.String(), Why: g.Why}
		if g.Accepted != nil {
			row.Accepted = g.Accepted.Reason
		}
		d.Gaps = append(d.Gaps, row)
	}
	for _, f := range p.Files {
		d.Files = append(d.Files, artifactRow{Path: path(f), Target: f.Target, Policies: ids(f.Sources)})
	}
	slices.SortFunc(d.Files, func(a, b artifactRow) int { return cmp.Compare(a.Path, b.Path) })
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		panic(err) // strings and slices always encode
	}
	return b.Bytes()
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func ids(ps []*policy.Policy) []string {
	out := []string{}
	for _, p := range ps {
		out = append(out, p.ID())
	}
	return out
}

// sources lists the files of all policies that were compiled.
func (p *Pool) sources() []source {
	seen := map[*diag.File]bool{}
	out := []source{}
	for _, u := range p.Units {
		for _, pol := range u.Policies {
			if f := pol.Span.File; f != nil && !seen[f] {
				seen[f] = true
				out = append(out, source{f.Name, f.Hash()})
			}
		}
	}
	slices.SortFunc(out, func(a, b source) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// rows merges the answers of one target about one rule that differ only in the
// scope.
func (p *Pool) rows() []ruleRow {
	type key struct {
		policy, rule, target, reason, why string
		status, reports                   emit.Status
	}
	at := map[key]int{}
	out := []ruleRow{}
	for _, l := range p.sorted() {
		k := key{l.Policy.ID(), l.Rule, l.Target, l.Reason, l.ReportsReason, l.Status, l.Reports}
		if i, ok := at[k]; ok {
			if !slices.Contains(out[i].Scope, l.Scope) {
				out[i].Scope = append(out[i].Scope, l.Scope)
			}
			continue
		}
		at[k] = len(out)
		out = append(out, ruleRow{
			Policy: l.Policy.ID(), Rule: l.Rule, Action: l.Action.String(), Source: l.Span.String(), Target: l.Target,
			Scope: []string{l.Scope}, Status: l.Status.String(), Reason: l.Reason, Causes: l.Causes,
			Reports: l.Reports.String(), Why: l.ReportsReason,
		})
	}
	return out
}

// sorted orders by policy, place in the policy, target and scope.
func (p *Pool) sorted() []emit.Lowering {
	out := slices.Clone(p.Lowerings)
	slices.SortStableFunc(out, func(a, b emit.Lowering) int {
		return cmp.Or(
			cmp.Compare(a.Policy.ID(), b.Policy.ID()), cmp.Compare(a.Span.Start, b.Span.Start), cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Target, b.Target), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Reason, b.Reason),
		)
	})
	return out
}

// Markdown returns report.md: the same for people.
func (p *Pool) Markdown(path func(File) string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# What is enforced on pool %s\n\nTargets: %s. Enforcement is the AND of all targets.\n", p.Pool.Name, strings.Join(p.Pool.Targets, ", "))
	p.markdownGaps(&b)
	policyID := ""
	for _, r := range p.rows() {
		if r.Policy != policyID {
			policyID = r.Policy
			fmt.Fprintf(&b, "\n## %s\n\n| rule | action | target | held | reported | why | source |\n| --- | --- | --- | --- | --- | --- | --- |\n", cell(policyID))
		}
		why := r.Reason
		if r.Why != "" {
			why = strings.TrimPrefix(why+"; reports: "+r.Why, "; ")
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", cell(r.Rule), r.Action, r.Target, r.Status, r.Reports, cell(why), cell(r.Source))
	}
	if len(p.Files) > 0 {
		fmt.Fprintf(&b, "\n## Files\n\n| file | target | policies |\n| --- | --- | --- |\n")
		files := slices.Clone(p.Files)
		slices.SortFunc(files, func(a, b File) int { return cmp.Compare(path(a), path(b)) })
		for _, f := range files {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(path(f)), f.Target, cell(strings.Join(ids(f.Sources), ", ")))
		}
	}
	return b.Bytes()
}

func (p *Pool) markdownGaps(b *bytes.Buffer) {
	if len(p.Gaps) == 0 {
		fmt.Fprintf(b, "\nEvery Block and every default of Block is held exactly by some target.\n")
		return
	}
	fmt.Fprintf(b, "\n## Gaps\n\nNo target holds these exactly.\n\n| policy | rule | what the targets say | accepted because | source |\n| --- | --- | --- | --- | --- |\n")
	for _, g := range p.Gaps {
		why := strings.Join(g.Why, "; ")
		if why == "" {
			why = "no selected target covers the section"
		}
		reason := "**not accepted**"
		if g.Accepted != nil {
			reason = cell(g.Accepted.Reason)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", cell(g.Policy.ID()), cell(g.Rule), cell(why), reason, cell(g.Span.String()))
	}
}

// cell keeps text within a cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "\r", " ", "<", "&lt;").Replace(s)
}
