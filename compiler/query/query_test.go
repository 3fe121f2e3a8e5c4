// SPDX-License-Identifier: Apache-2.0

package query_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/query"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

func layerOf(t *rapid.T) (*ir.Layer, []*policy.Policy) {
	var ps []*policy.Policy
	for _, p := range sample.Policies().Draw(t, "policies") {
		p.Mode = policy.Enforce
		ps = append(ps, p)
	}
	w := &policy.Workload{Kind: "Pod", Namespace: ps[0].Namespace, Name: "w", Containers: []policy.Container{{Name: "c"}}}
	list := &diag.List{}
	program := lower.Program(&policy.Set{Policies: ps, Workloads: []*policy.Workload{w}}, list)
	if list.HasErrors() || len(program.Units) != 1 {
		t.Fatalf("%v", list.Sorted())
	}
	return program.Units[0].Enforced, ps
}

// TestWrittenAndRun: the reference lets both operations of an answer pass, and
// finds nothing that can be written and run where there is no answer.
func TestWrittenAndRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, ps := layerOf(t)
		found, err := query.WrittenAndRun(l)
		if err != nil {
			t.Fatal(err)
		}
		passes := func(op policy.Operation) bool {
			return reference.Decide(ps, op, nil).Verdict.Action != policy.Block
		}
		for _, w := range found {
			if !passes(w.Write) || !passes(w.Then) {
				t.Fatalf("%+v", w)
			}
		}
		for range 20 {
			path := sample.Path(nil).Draw(t, "path")
			object := policy.Object{Path: path}
			if path == "/" || !reference.Canonical(path) {
				continue
			}
			lineage := func(name string) []string {
				return rapid.SliceOfN(sample.Path([]string{"/a", "/b", "/**/a"}), 0, 2).Draw(t, name)
			}
			write := policy.Operation{Kind: policy.OpFile, Access: policy.AccessWrite, Object: object, Lineage: lineage("writer")}
			create := write
			create.Access = policy.AccessCreate
			if !passes(write) && !passes(create) {
				continue
			}
			exec := policy.Operation{Kind: policy.OpExec, Images: []policy.Object{object}, Lineage: lineage("runner")}
			mapping := policy.Operation{Kind: policy.OpFile, Access: policy.AccessMap, Object: object, Lineage: exec.Lineage}
			for run, op := range map[query.Run]policy.Operation{query.Execute: exec, query.MapCode: mapping} {
				if passes(op) && !slices.ContainsFunc(found, func(w query.Written) bool { return w.Run == run && (w.Endless || w.Count > 0) }) {
					t.Fatalf("%s can be written and run (%d), and is not found", path, run)
				}
			}
		}
	})
}

// TestTouching: a rule touches exactly what one of its patterns overlaps.
func TestTouching(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, ps := layerOf(t)
		pattern := sample.Pattern().Draw(t, "pattern")
		asked, err := automata.Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		touched, err := query.Touching(l, asked)
		if err != nil {
			t.Fatal(err)
		}
		has := func(rule *policy.Rule) bool {
			return slices.ContainsFunc(touched, func(q query.Touch) bool { return q.Rule.Span == rule.Span && q.Rule.ID() == rule.ID() })
		}
		for _, q := range touched {
			for _, p := range q.Patterns {
				if !reference.MatchPath(p.Text, p.Path) || !reference.MatchPath(pattern, p.Path) {
					t.Fatalf("%s is said to match %s and %s", p.Path, p.Text, pattern)
				}
			}
		}
		for range 20 {
			path := sample.Path([]string{pattern}).Draw(t, "path")
			if !reference.MatchPath(pattern, path) {
				continue
			}
			for _, p := range ps {
				for _, s := range []*policy.PathSection{p.Process, p.File} {
					if s == nil {
						continue
					}
					for i := range s.Rules {
						r := &s.Rules[i]
						if slices.ContainsFunc(r.Paths, func(p policy.Pattern) bool { return reference.MatchPath(p.Text, path) }) && !has(&r.Rule) {
							t.Fatalf("%s matches %s, and the rule is not found for %s", r.ID(), path, pattern)
						}
					}
				}
			}
		}
	})
}
