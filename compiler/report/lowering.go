// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/policy"
)

// Document is report.json: what each back-end of a pool holds of each rule.
type Document struct {
	APIVersion string `json:"apiVersion" jsonschema:"enum=avert.dev/v1alpha1"`
	Kind       string `json:"kind" jsonschema:"enum=Report"`
	// Pool is the name of the node pool.
	Pool string `json:"pool"`
	// Targets are the back-ends of the pool, sorted. Enforcement is their AND.
	Targets []string `json:"targets"`
	// Sources are the files of the policies, sorted by path.
	Sources []SourceRow `json:"sources"`
	// Units are the containers, or policies, that were compiled.
	Units []UnitRow `json:"units"`
	// Rules has a row for each answer of a back-end about a rule or default.
	Rules []RuleRow `json:"rules"`
	// Gaps are Blocks and defaults of Block that no back-end holds exactly.
	Gaps []GapRow `json:"gaps"`
	// Files are the generated files, sorted by path.
	Files []FileRow `json:"files"`
}

// SourceRow is a file of policies.
type SourceRow struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256" jsonschema:"pattern=^[0-9a-f]{64}$"`
}

// UnitRow is what got profiles of its own: a container with all of its policies, or a policy without workloads.
type UnitRow struct {
	// Name is that of its files.
	Name     string   `json:"name"`
	Policies []string `json:"policies"`
	// Workload and Container are absent where no workloads were given.
	Workload  string `json:"workload,omitempty"`
	Container string `json:"container,omitempty"`
}

// RuleRow is the answer of one back-end about one rule or default.
type RuleRow struct {
	// Policy is namespace/name.
	Policy string `json:"policy"`
	// Rule is section/name or section/default.
	Rule   string `json:"rule"`
	Action string `json:"action" jsonschema:"enum=Allow,enum=Audit,enum=Block"`
	// Source is file:line:column of the rule.
	Source string `json:"source"`
	Target string `json:"target"`
	// Scope lists the units or pod policies that the answer is about.
	Scope []string `json:"scope"`
	// Status compares what is enforced with what the rule says.
	Status string `json:"status" jsonschema:"enum=exact,enum=looser,enum=stricter,enum=none"`
	// Reason says why the status is not exact, or what an exact one rests on.
	Reason string `json:"reason,omitempty"`
	// Causes are the rules that make a default looser.
	Causes []string `json:"causes,omitempty"`
	// Parts are the operations of a rule of system that are held exactly where the
	// status is looser.
	Parts []string `json:"parts,omitempty"`
	// Refuses is what the back-end refuses beside the rule although it is allowed.
	Refuses []string `json:"refuses,omitempty"`
	// Reports compares what is reported with what should be.
	Reports string `json:"reports" jsonschema:"enum=exact,enum=looser,enum=stricter,enum=none"`
	// ReportsReason says why reports is not exact.
	ReportsReason string `json:"reportsReason,omitempty"`
}

// GapRow is a Block or a default of Block that no back-end holds exactly.
type GapRow struct {
	// Policy is namespace/name.
	Policy string `json:"policy"`
	// Rule is section/name, section/default or syscalls/base.
	Rule string `json:"rule"`
	// Source is file:line:column of the rule.
	Source string `json:"source"`
	// Why has the answers of the back-ends; absent when none covers the section.
	Why []string `json:"why,omitempty"`
	// Accepted is the reason that the policy gives; absent when it gives none.
	Accepted string `json:"accepted,omitempty"`
}

// FileRow is a generated file.
type FileRow struct {
	// Path is relative to the tree of the pool.
	Path     string   `json:"path"`
	Target   string   `json:"target"`
	Policies []string `json:"policies"`
}

// JSON returns report.json. path says where a file stands in the tree.
func (p *Pool) JSON(path func(File) string) []byte {
	d := Document{
		APIVersion: apiVersion, Kind: "Report",
		Pool: p.Pool.Name, Targets: orEmpty(p.Pool.Targets), Sources: p.sources(), Rules: p.rows(),
		Units: []UnitRow{}, Gaps: []GapRow{}, Files: []FileRow{},
	}
	for _, u := range p.Units {
		row := UnitRow{Name: u.Name, Policies: ids(u.Policies)}
		if u.Workload != nil {
			row.Workload = u.Workload.Kind + " " + u.Workload.Namespace + "/" + u.Workload.Name
			row.Container = u.Container.Name
		}
		d.Units = append(d.Units, row)
	}
	for _, g := range p.Gaps {
		d.Gaps = append(d.Gaps, GapRow{Policy: g.Policy.ID(), Rule: g.Rule, Source: g.Span.String(), Why: g.Why, Accepted: g.reasons()})
	}
	for _, f := range p.Files {
		d.Files = append(d.Files, FileRow{Path: path(f), Target: f.Target, Policies: ids(f.Sources)})
	}
	slices.SortFunc(d.Files, func(a, b FileRow) int { return cmp.Compare(a.Path, b.Path) })
	return Marshal(d)
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
func (p *Pool) sources() []SourceRow {
	seen := map[*diag.File]bool{}
	out := []SourceRow{}
	for _, u := range p.Units {
		for _, pol := range u.Policies {
			if f := pol.Span.File; f != nil && !seen[f] {
				seen[f] = true
				out = append(out, SourceRow{f.Name, f.Hash()})
			}
		}
	}
	slices.SortFunc(out, func(a, b SourceRow) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// rows merges the answers of one target about one rule that differ only in the
// scope.
func (p *Pool) rows() []RuleRow {
	type key struct {
		policy, rule, target, reason, why, parts, refuses string
		status, reports                                   emit.Status
	}
	at := map[key]int{}
	out := []RuleRow{}
	for _, l := range p.sorted() {
		k := key{l.Policy.ID(), l.Rule, l.Target, l.Reason, l.ReportsReason, strings.Join(l.Parts, "\n"), strings.Join(l.Refuses, "\n"), l.Status, l.Reports}
		if i, ok := at[k]; ok {
			if !slices.Contains(out[i].Scope, l.Scope) {
				out[i].Scope = append(out[i].Scope, l.Scope)
			}
			continue
		}
		at[k] = len(out)
		out = append(out, RuleRow{
			Policy: l.Policy.ID(), Rule: l.Rule, Action: l.Action.String(), Source: l.Span.String(), Target: l.Target,
			Scope: []string{l.Scope}, Status: l.Status.String(), Reason: l.Reason, Causes: l.Causes, Parts: l.Parts, Refuses: l.Refuses,
			Reports: l.Reports.String(), ReportsReason: l.ReportsReason,
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
		if len(r.Refuses) > 0 {
			why = strings.TrimPrefix(why+"; also: "+strings.Join(r.Refuses, "; "), "; ")
		}
		if r.ReportsReason != "" {
			why = strings.TrimPrefix(why+"; reports: "+r.ReportsReason, "; ")
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
	if len(p.Gaps) == 0 && len(p.Lowerings) == 0 {
		fmt.Fprintf(b, "\nNo target holds any rule of these policies.\n")
		return
	}
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
			reason = cell(g.reasons())
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", cell(g.Policy.ID()), cell(g.Rule), cell(why), reason, cell(g.Span.String()))
	}
}

// cell keeps text within a cell of a table.
func cell(s string) string {
	if !strings.ContainsAny(s, "|\n\r<") {
		return s
	}
	return strings.NewReplacer("|", "\\|", "\n", " ", "\r", " ", "<", "&lt;").Replace(s)
}
