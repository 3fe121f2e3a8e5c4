// SPDX-License-Identifier: Apache-2.0

// Package policytest asks policies what tests expect of them, and finds rules
// that no test is about.
//
// It asks the IR, and knows no back-end: a test is about what a policy says. What
// enforces it is the matter of the compiler's report.
package policytest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// Result is one case and what came of it.
type Result struct {
	Test *policy.Test
	Case *policy.TestCase
	// Unit is what was asked; nil when there is no such container.
	Unit *ir.Unit
	Got  policy.Verdict
	// Failure says why the case failed; "" when it passed.
	Failure string
}

// Uncovered is a rule or default that no case reaches.
type Uncovered struct {
	Policy *policy.Policy
	Rule   string
	Place  string
}

// Report is what a run found.
type Report struct {
	Results []Result
	// Rules is the number of rules and defaults of all policies, Uncovered those
	// that no case reaches: the rule matches in none, or the default decides none.
	Rules     int
	Uncovered []Uncovered
}

// Failed counts the cases that failed.
func (r *Report) Failed() int {
	n := 0
	for _, res := range r.Results {
		if res.Failure != "" {
			n++
		}
	}
	return n
}

// Run asks all tests of a set. base says for a unit what the runtime's default
// profile allows.
func Run(set *policy.Set, program *ir.Program, base func(*ir.Unit) ir.Base) *Report {
	r := &Report{}
	reached := map[string]bool{}
	bases := map[*ir.Unit]ir.Base{}
	for _, t := range set.Tests {
		unit, err := find(program, t)
		if unit != nil && bases[unit] == nil {
			bases[unit] = base(unit)
		}
		for i := range t.Cases {
			res := Result{Test: t, Case: &t.Cases[i], Unit: unit}
			if err != nil {
				res.Failure = err.Error()
			} else {
				res.ask(bases[unit], reached)
			}
			r.Results = append(r.Results, res)
		}
	}
	r.cover(set.Policies, reached)
	return r
}

// find returns the unit that a test is about.
func find(program *ir.Program, t *policy.Test) (*ir.Unit, error) {
	var found []*ir.Unit
	for _, u := range program.Units {
		name, container := u.Policies[0].Name, ""
		if u.Workload != nil {
			name, container = u.Workload.Name, u.Container.Name
		}
		if u.Namespace == t.Namespace && (t.Workload == "" || t.Workload == name) && (t.Container == "" || t.Container == container) {
			found = append(found, u)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return nil, fmt.Errorf("the policies govern no such container in namespace %s", t.Namespace)
	}
	return nil, fmt.Errorf("%d containers of namespace %s are governed: the test has to name its workload or container", len(found), t.Namespace)
}

// ask decides the operation, and remembers which rules it reaches.
func (r *Result) ask(base ir.Base, reached map[string]bool) {
	layer := r.Unit.Enforced
	if r.Case.Audit != "" {
		i := slices.IndexFunc(r.Unit.Audits, func(l *ir.Layer) bool { return l.Policies[0].Name == r.Case.Audit })
		if i < 0 {
			r.Failure = fmt.Sprintf("no policy %s in mode Audit governs the container", r.Case.Audit)
			return
		}
		layer = r.Unit.Audits[i]
	}
	v, err := layer.Decide(r.Case.Operation, base)
	if err != nil {
		r.Failure = err.Error()
		return
	}
	r.Got = v
	reached[v.Rule.Policy+" "+v.Rule.Rule] = true
	for _, s := range layer.Matching(r.Case.Operation) {
		reached[s.Policy.ID()+" "+s.Rule.ID()] = true
	}
	switch {
	case v.Action != r.Case.Expect:
		r.Failure = fmt.Sprintf("want %s, got %s", r.wanted(), Decision(v))
	case r.Case.Rule != "" && r.Case.Rule != v.Rule.Rule:
		r.Failure = fmt.Sprintf("want %s, got %s", r.wanted(), Decision(v))
	}
}

func (r *Result) wanted() string {
	if r.Case.Rule == "" {
		return r.Case.Expect.String()
	}
	return r.Case.Expect.String() + " by " + r.Case.Rule
}

// Decision writes a verdict and what decides.
func Decision(v policy.Verdict) string {
	switch {
	case v.Rule.Rule == "":
		return v.Action.String() + " by no rule"
	case v.Rule.Span.IsZero():
		return v.Action.String() + " by " + v.Rule.Rule
	}
	return fmt.Sprintf("%s by %s (%s)", v.Action, v.Rule.Rule, v.Rule.Span)
}

// cover finds what is not reached. A default that is implied is not counted.
func (r *Report) cover(policies []*policy.Policy, reached map[string]bool) {
	for _, p := range policies {
		for _, s := range policy.Sections {
			count := func(rule, place string) {
				r.Rules++
				if !reached[p.ID()+" "+rule] {
					r.Uncovered = append(r.Uncovered, Uncovered{p, rule, place})
				}
			}
			if _, span, ok := p.Default(s); ok && s != policy.System {
				count(s.String()+"/"+policy.BuiltinDefault, span.String())
			}
			for _, rule := range p.Rules(s) {
				count(rule.ID(), rule.Span.String())
			}
		}
	}
	slices.SortStableFunc(r.Uncovered, func(a, b Uncovered) int { return cmp.Compare(a.Policy.ID(), b.Policy.ID()) })
}

// name is that of a case in reports.
func (r *Result) name() string { return r.Test.Name + ": " + strings.TrimSpace(r.Case.Name) }
