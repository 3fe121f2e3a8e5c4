// SPDX-License-Identifier: Apache-2.0

// Package explain says of one operation of one container what becomes of it and
// why: the verdict, the rule that decides, the other rules that match, and how
// each back-end holds what decides.
//
// It asks the IR, and what the back-ends answered; it decides nothing itself.
package explain

import (
	"strings"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/report"
)

// Explanation is what becomes of an operation.
type Explanation struct {
	Operation policy.Operation
	Unit      *ir.Unit
	// Verdict is what is enforced, Matching the enforced rules that match, in file
	// and document order.
	Verdict  policy.Verdict
	Matching []ir.Source
	// Would has each policy in mode Audit.
	Would []Would
	// Held says how back-ends hold what decides; nothing where no rule or default
	// does.
	Held []Held
}

// Would is what one policy in mode Audit would decide, and its rules that match.
type Would struct {
	Policy   *policy.Policy
	Verdict  policy.Verdict
	Matching []ir.Source
}

// Held is the answer of one back-end of a node pool.
type Held struct {
	Pool string
	emit.Lowering
}

// Explain explains an operation. base says what the runtime's default profile
// allows. The error is ir.ErrUndecided.
func Explain(u *ir.Unit, op policy.Operation, base ir.Base, pools []*report.Pool) (*Explanation, error) {
	result, err := u.Decide(op, base)
	if err != nil {
		return nil, err
	}
	e := &Explanation{Operation: op, Unit: u, Verdict: result.Verdict, Matching: u.Enforced.Matching(op)}
	for i, l := range u.Audits {
		e.Would = append(e.Would, Would{l.Policies[0], result.Would[i], l.Matching(op)})
	}
	rule := result.Verdict.Rule
	for _, p := range pools {
		for _, l := range p.Lowerings {
			if l.Rule == rule.Rule && l.Policy.ID() == rule.Policy && (l.Scope == u.Name || l.Scope == ir.ArtifactName(l.Policy.Namespace+"-"+l.Policy.Name)) {
				e.Held = append(e.Held, Held{p.Pool.Name, l})
			}
		}
	}
	return e, nil
}

// BuiltIn says whether the verdict is a decision of the language itself, such as
// process/(loader), for which no back-end answers by itself.
func (e *Explanation) BuiltIn() bool { return strings.HasSuffix(e.Verdict.Rule.Rule, ")") }

// others returns the rules that match beside the one that decides.
func others(matching []ir.Source, v policy.Verdict) []ir.Source {
	var out []ir.Source
	for _, s := range matching {
		if s.Ref() != v.Rule {
			out = append(out, s)
		}
	}
	return out
}
