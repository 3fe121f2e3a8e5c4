// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/policy"
)

func labels(kv ...string) policy.Selector {
	var s policy.Selector
	for i := 0; i < len(kv); i += 2 {
		s.Requirements = append(s.Requirements, policy.Requirement{Key: kv[i], Operator: policy.In, Values: []string{kv[i+1]}})
	}
	return s
}

func named(name string) *policy.Policy {
	return &policy.Policy{Namespace: "n", Name: name, Process: &policy.PathSection{Default: policy.Block}}
}

// TestUnits: which containers make a unit, under which policies and names.
func TestUnits(t *testing.T) {
	web, narrow, other, audit := named("web"), named("narrow"), named("other"), named("audit")
	web.Selector = labels("app", "web")
	narrow.Selector, narrow.Containers = labels("app", "web"), []string{"app"}
	narrow.Network = &policy.NetworkSection{}
	other.Selector = labels("app", "other")
	audit.Selector, audit.Mode = labels("app", "web"), policy.AuditMode
	foreign := named("foreign")
	foreign.Namespace = "m"
	w := &policy.Workload{Kind: "Deployment", Namespace: "n", Name: "web", Labels: map[string]string{"app": "web"}, Containers: []policy.Container{{Name: "app"}, {Name: "init", Kind: policy.InitContainer}}}
	program := lower.Program(&policy.Set{Policies: []*policy.Policy{web, narrow, other, audit, foreign}, Workloads: []*policy.Workload{w}}, &diag.List{})
	if err := program.Verify(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range program.Units {
		line := u.Name + ":"
		for _, p := range u.Enforced.Policies {
			line += fmt.Sprintf(" %s(process %v)", p.Name, p.Process != nil)
		}
		for _, l := range u.Audits {
			line += " audit " + l.Policies[0].Name
		}
		got = append(got, line)
	}
	want := []string{
		"m-foreign: foreign(process true)",
		"n-audit+narrow+web_deployment-web_app: web(process true) narrow(process true) audit audit",
		"n-audit+narrow+web_deployment-web_init: web(process true) narrow(process false) audit audit",
		"n-other: other(process true)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("units (-want +got):\n%s", d)
	}
}

func TestPods(t *testing.T) {
	a, b, c, d := named("a"), named("b"), named("c"), named("d")
	for _, p := range []*policy.Policy{a, b, c, d} {
		p.Network = &policy.NetworkSection{}
	}
	a.Selector, b.Selector, c.Selector = labels("app", "x"), labels("tier", "y"), labels("app", "z")
	d.Mode = policy.AuditMode
	program := lower.Program(&policy.Set{Policies: []*policy.Policy{a, b, c, d}}, &diag.List{})
	got := map[string]string{}
	for _, p := range program.Pods {
		var others []string
		for _, o := range p.Others {
			others = append(others, o.Name)
		}
		got[p.Name] = strings.Join(others, " ")
	}
	if d := cmp.Diff(map[string]string{"n-a": "b", "n-b": "a c", "n-c": "b"}, got); d != "" {
		t.Errorf("others (-want +got):\n%s", d)
	}
}

func TestNameCollision(t *testing.T) {
	a, b := named("b-c"), named("c")
	a.Namespace, b.Namespace = "a", "a-b"
	list := &diag.List{}
	lower.Program(&policy.Set{Policies: []*policy.Policy{a, b}}, list)
	if f := list.Sorted(); len(f) != 1 || f[0].Code != diag.NameCollision {
		t.Errorf("findings %v", f)
	}
	// Files of network policies have the policy's name whatever the workloads.
	a.Network, b.Network = &policy.NetworkSection{}, &policy.NetworkSection{}
	w := &policy.Workload{Kind: "Pod", Namespace: "a", Name: "w", Containers: []policy.Container{{Name: "c"}}}
	list = &diag.List{}
	lower.Program(&policy.Set{Policies: []*policy.Policy{a, b}, Workloads: []*policy.Workload{w}}, list)
	if f := list.Sorted(); len(f) != 1 || f[0].Code != diag.NameCollision {
		t.Errorf("findings %v", f)
	}
}

// TestLineageBudget: conditions that do not fit 64 bits are refused, those that
// do are kept apart.
func TestLineageBudget(t *testing.T) {
	with := func(n int, from func(int) *policy.From) *policy.Policy {
		p := named("p")
		for i := range n {
			p.Process.Rules = append(p.Process.Rules, policy.PathRule{
				Rule:   policy.Rule{Section: policy.Process, Name: fmt.Sprint("r", i), Action: policy.Allow, From: from(i)},
				Access: policy.AccessExec, Paths: []policy.Pattern{{Text: "/bin/x"}},
			})
		}
		return p
	}
	ancestors := func(i int) *policy.From {
		return &policy.From{Ancestor: []policy.Pattern{{Text: fmt.Sprintf("/bin/a%d", i)}}}
	}
	for _, c := range []struct {
		n    int
		fits bool
	}{{8, true}, {32, true}, {33, false}, {200, false}} {
		list := &diag.List{}
		program := lower.Program(&policy.Set{Policies: []*policy.Policy{with(c.n, ancestors)}}, list)
		codes := []diag.Code{}
		for _, f := range list.Sorted() {
			codes = append(codes, f.Code)
		}
		if c.fits != (len(codes) == 0) || !c.fits && !slices.Equal(codes, []diag.Code{diag.LineageBudget}) {
			t.Errorf("%d ancestors: %v", c.n, codes)
		}
		if c.fits {
			layer := program.Units[0].Enforced
			state := layer.StateOf([]string{"/bin/a0", "/bin/a7", "/bin/sh"})
			held := 0
			for i := range layer.Lineage.Conds {
				if layer.Lineage.Holds(i, state) {
					held++
				}
			}
			if held != 2 {
				t.Errorf("%d ancestors: %d conditions hold", c.n, held)
			}
		}
	}
}

// TestStateBudget: patterns that would explode are named.
func TestStateBudget(t *testing.T) {
	p := named("p")
	p.Process.Rules = []policy.PathRule{
		{Rule: policy.Rule{Section: policy.Process, Name: "fine", Action: policy.Allow}, Access: policy.AccessExec, Paths: []policy.Pattern{{Text: "/bin/x"}}},
		{Rule: policy.Rule{Section: policy.Process, Name: "wild", Action: policy.Allow}, Access: policy.AccessExec, Paths: []policy.Pattern{{Text: "/**/*a??????????????????????????", Span: diag.Span{File: diag.NewFile("f", []byte("wild"))}}}},
	}
	list := &diag.List{}
	program := lower.Program(&policy.Set{Policies: []*policy.Policy{p}}, list)
	f := list.Sorted()
	if len(f) != 1 || f[0].Code != diag.StateBudget || f[0].Span.File == nil || f[0].Span.File.Name != "f" {
		t.Errorf("findings %v", f)
	}
	if program.Units[0].Enforced.Paths.Set == nil {
		t.Error("no automaton is left")
	}
}

// TestVerifyFindsDefects: invariants that back-ends rely on are checked.
func TestVerifyFindsDefects(t *testing.T) {
	make := func() *ir.Program {
		p := named("p")
		p.Process.Rules = []policy.PathRule{{
			Rule:   policy.Rule{Section: policy.Process, Name: "r", Action: policy.Allow, From: &policy.From{Parent: []policy.Pattern{{Text: "/a"}}}},
			Access: policy.AccessExec, Paths: []policy.Pattern{{Text: "/bin/x"}},
		}}
		p.Network = &policy.NetworkSection{Rules: []policy.NetworkRule{{Rule: policy.Rule{Section: policy.Network, Name: "n"}, Ports: []policy.Port{{Protocol: "TCP", Port: 1, EndPort: 9}}}}}
		return lower.Program(&policy.Set{Policies: []*policy.Policy{p}}, &diag.List{})
	}
	if err := make().Verify(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*ir.Program){
		"two of a name":      func(p *ir.Program) { p.Units = append(p.Units, p.Units[0]) },
		"no layer":           func(p *ir.Program) { p.Units[0].Enforced = nil },
		"audit decides":      func(p *ir.Program) { p.Units[0].Policies[0].Mode = policy.AuditMode },
		"condition":          func(p *ir.Program) { p.Units[0].Enforced.Paths.Groups[0].Cond = 7 },
		"parent not kept":    func(p *ir.Program) { p.Units[0].Enforced.Lineage.Parents = 0 },
		"no automaton":       func(p *ir.Program) { p.Units[0].Enforced.Paths.Set = nil },
		"access of file":     func(p *ir.Program) { p.Units[0].Enforced.Paths.Groups[0].Access = policy.AccessRead },
		"ports out of order": func(p *ir.Program) { p.Units[0].Enforced.Network.Rules[0].Ports["TCP"][0].Last = 0 },
		"no family":          func(p *ir.Program) { p.Units[0].Enforced.Network.Rules[0].Families = nil },
	} {
		p := make()
		spoil(p)
		if p.Verify() == nil {
			t.Errorf("%s: nothing found", name)
		}
	}
}

// TestLongNames: names of files stay below what file systems take, and apart.
func TestLongNames(t *testing.T) {
	var ps []*policy.Policy
	for i := range 6 {
		ps = append(ps, named(strings.Repeat("a", 60)+fmt.Sprint(i)))
	}
	containers := []policy.Container{{Name: "a"}, {Name: "b"}}
	w := &policy.Workload{Kind: "Pod", Namespace: "n", Name: strings.Repeat("w", 253), Containers: containers}
	program := lower.Program(&policy.Set{Policies: ps, Workloads: []*policy.Workload{w}}, &diag.List{})
	if err := program.Verify(); err != nil || len(program.Units) != 2 {
		t.Fatalf("%v, %d units", err, len(program.Units))
	}
	for _, u := range program.Units {
		if len(u.Name) > 240 {
			t.Errorf("%d bytes: %s", len(u.Name), u.Name)
		}
	}
}
