// SPDX-License-Identifier: Apache-2.0

package compiler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// TestGaps: when a Block counts as held, what it takes to accept that it is
// not, and which entries were of use.
func TestGaps(t *testing.T) {
	exact, looser, none := emit.Exact, emit.Looser, emit.None
	type answer struct {
		target, rule string
		status       emit.Status
		causes       string
	}
	for _, c := range []struct {
		name    string
		answers []answer
		accept  string // "rule@target rule@target"
		audit   bool
		want    string // "rule: reasons" or "rule: OPEN", one a line
		unused  string
	}{
		{name: "held by one of two", answers: []answer{{"a", "process/r", none, ""}, {"b", "process/r", exact, ""}, {"b", "process/default", exact, ""}}},
		{name: "not the same everywhere", answers: []answer{{"a", "process/r", exact, ""}, {"a", "process/r", looser, ""}, {"a", "process/default", exact, ""}}, want: "process/r: OPEN"},
		{name: "nobody answers", want: "process/default: OPEN\nprocess/r: OPEN"},
		{name: "a whole section", accept: "process/*@", want: "process/default: process/*@\nprocess/r: process/*@"},
		{name: "an entry for a target that did not answer", accept: "process/*@a", want: "process/default: OPEN\nprocess/r: OPEN", unused: "process/*@a"},
		{
			name:    "one entry for two that do not hold it",
			answers: []answer{{"a", "process/r", none, ""}, {"b", "process/r", looser, ""}, {"a", "process/default", exact, ""}},
			accept:  "process/r@a", want: "process/r: OPEN",
		},
		{
			name:    "an entry for each",
			answers: []answer{{"a", "process/r", none, ""}, {"b", "process/r", looser, ""}, {"a", "process/default", exact, ""}},
			accept:  "process/r@a process/r@b", want: "process/r: process/r@a; process/r@b",
		},
		{
			name:    "a default by the Allows beside it",
			answers: []answer{{"a", "process/default", looser, "process/x process/y"}, {"a", "process/r", exact, ""}, {"a", "process/x", looser, ""}, {"a", "process/y", looser, ""}},
			accept:  "process/x@a process/y@a", want: "process/default: process/x@a; process/y@a",
		},
		{
			name:    "one of two Allows",
			answers: []answer{{"a", "process/default", looser, "process/x process/y"}, {"a", "process/r", exact, ""}, {"a", "process/x", looser, ""}, {"a", "process/y", looser, ""}},
			accept:  "process/x@a", want: "process/default: OPEN",
		},
		{
			name:    "an entry that hides nothing",
			answers: []answer{{"a", "process/default", exact, ""}, {"a", "process/r", exact, ""}},
			accept:  "process/r@a", unused: "process/r@a",
		},
		{name: "mode Audit has no gaps", audit: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			rule := func(name string, action policy.Action) policy.PathRule {
				return policy.PathRule{Rule: policy.Rule{Section: policy.Process, Name: name, Action: action}}
			}
			p := &policy.Policy{Namespace: "n", Name: "p", Process: &policy.PathSection{
				Default: policy.Block,
				Rules:   []policy.PathRule{rule("r", policy.Block), rule("x", policy.Allow), rule("y", policy.Allow)},
			}}
			if c.audit {
				p.Mode = policy.AuditMode
			}
			for _, f := range strings.Fields(c.accept) {
				name, target, _ := strings.Cut(f, "@")
				p.Accepts = append(p.Accepts, policy.Accept{Rule: name, Target: target, Reason: f})
			}
			var lowerings []emit.Lowering
			for _, a := range c.answers {
				lowerings = append(lowerings, emit.Lowering{Policy: p, Target: a.target, Rule: a.rule, Status: a.status, Causes: strings.Fields(a.causes)})
			}
			used := map[*policy.Accept]bool{}
			var got []string
			for _, g := range gaps([]*policy.Policy{p}, lowerings, used) {
				if strings.HasPrefix(g.Rule, "system/") {
					continue // implied by process, and asked alike
				}
				why := "OPEN"
				if g.Accepted != nil {
					var reasons []string
					for _, a := range g.Accepted {
						reasons = append(reasons, a.Reason)
					}
					why = strings.Join(reasons, "; ")
				}
				got = append(got, fmt.Sprintf("%s: %s", g.Rule, why))
			}
			if d := cmp.Diff(c.want, strings.Join(got, "\n")); d != "" {
				t.Errorf("gaps (-want +got):\n%s", d)
			}
			var unused []string
			for i := range p.Accepts {
				if !used[&p.Accepts[i]] {
					unused = append(unused, p.Accepts[i].Reason)
				}
			}
			if d := cmp.Diff(c.unused, strings.Join(unused, " ")); d != "" {
				t.Errorf("unused entries (-want +got):\n%s", d)
			}
		})
	}
}

func TestStricterIsRefused(t *testing.T) {
	list := &diag.List{}
	p := &policy.Policy{Namespace: "n", Name: "p"}
	reportStricter(&platform.Pool{Name: "main"}, []emit.Lowering{{Policy: p, Rule: "file/r", Status: emit.Looser}, {Policy: p, Rule: "file/s", Status: emit.Stricter}}, list)
	if f := list.Sorted(); len(f) != 1 || f[0].Code != diag.Stricter || !strings.Contains(f[0].Message, "file/s") {
		t.Errorf("findings %v", f)
	}
}
