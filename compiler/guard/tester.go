// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/avert-dev/avert/compiler/diag"
)

// Tested is what tests of rules said.
type Tested struct {
	// Tests are sorted by place, Coverage by file.
	Tests    []Test     `json:"tests"`
	Coverage []Coverage `json:"coverage"`
}

// Test is one test: a rule whose name begins with test_.
type Test struct {
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
	// Failure says why it failed; "" when it passed.
	Failure string `json:"failure,omitempty"`
}

// Coverage says which lines of a file, tests apart, the tests evaluated.
type Coverage struct {
	File    string `json:"file"`
	Covered int    `json:"covered"`
	Lines   int    `json:"lines"`
	// Missed is what was not evaluated.
	Missed []Lines `json:"missed"`
}

// Lines are those from First to Last.
type Lines struct {
	First int `json:"first"`
	Last  int `json:"last"`
}

// RunTests runs the tests among files. What does not compile is reported in
// list. lib is the module that rules share, in use unless files have it.
func RunTests(files, lib []*diag.File, limit time.Duration, list *diag.List) *Tested {
	s := &Set{files: map[string]*diag.File{}}
	modules := map[string]*ast.Module{}
	packages := map[string]bool{}
	for _, f := range files {
		if m := s.module(f, list); m != nil {
			modules[f.Name] = m
			packages[m.Package.Path.String()] = true
		}
	}
	given := slices.Sorted(maps.Keys(modules))
	for _, f := range lib {
		if m := s.module(f, list); m != nil && !packages[m.Package.Path.String()] {
			modules[f.Name] = m
		}
	}
	if list.HasErrors() {
		return nil
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithStrict(true)
	if compiler.Compile(modules); compiler.Failed() {
		s.report(compiler.Errors, nil, list)
		return nil
	}
	coverage := cover.New()
	out := &Tested{Tests: []Test{}, Coverage: []Coverage{}}
	for _, name := range given {
		m := modules[name]
		for _, r := range m.Rules {
			if test := r.Head.Ref().String(); strings.HasPrefix(test, "test_") {
				query := m.Package.Path.String() + "." + test
				out.Tests = append(out.Tests, Test{
					Name: strings.TrimPrefix(query, "data."), File: name, Line: r.Location.Row, Failure: runTest(compiler, query, coverage, limit),
				})
			}
		}
	}
	slices.SortFunc(out.Tests, func(a, b Test) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
	reports := coverage.Report(modules).Files
	for _, name := range given {
		r := reports[name]
		if r == nil || !isRule(name) {
			continue
		}
		c := Coverage{File: name, Covered: r.CoveredLines, Lines: r.CoveredLines + r.NotCoveredLines, Missed: []Lines{}}
		for _, missed := range r.NotCovered {
			// Of several expressions in one line, each is a range.
			if l := (Lines{missed.Start.Row, missed.End.Row}); !slices.Contains(c.Missed, l) {
				c.Missed = append(c.Missed, l)
			}
		}
		out.Coverage = append(out.Coverage, c)
	}
	return out
}

// runTest evaluates a test, and says why it failed.
func runTest(compiler *ast.Compiler, query string, coverage *cover.Cover, limit time.Duration) string {
	ctx, cancel := context.WithTimeout(noContext, limit)
	defer cancel()
	results, err := rego.New(rego.Compiler(compiler), rego.Query(query), rego.Capabilities(capabilities()), rego.QueryTracer(coverage)).Eval(ctx)
	switch {
	case err != nil:
		return firstLine(err.Error())
	case !results.Allowed():
		return "it is not true"
	}
	return ""
}
