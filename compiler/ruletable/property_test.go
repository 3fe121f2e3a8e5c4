// SPDX-License-Identifier: Apache-2.0

package ruletable_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference/sample"
	"github.com/avert-dev/avert/compiler/ruletable"
)

func unitOf(t *rapid.T) *ir.Unit {
	var all []*policy.Policy
	for _, p := range sample.Policies().Draw(t, "policies") {
		q := *p
		q.Selector, q.Containers = policy.Selector{}, nil
		all = append(all, &q)
	}
	w := &policy.Workload{Kind: "Pod", Namespace: all[0].Namespace, Name: "w", Containers: []policy.Container{{Name: "c"}}}
	list := &diag.List{}
	program := lower.Program(&policy.Set{Policies: all, Workloads: []*policy.Workload{w}}, list)
	if list.HasErrors() || len(program.Units) != 1 {
		t.Fatalf("%d units, %v", len(program.Units), list.Sorted())
	}
	return program.Units[0]
}

// decoded is the table as a node reads it.
func decoded(t *rapid.T, u *ir.Unit, domains ...ruletable.Domain) *ruletable.Table {
	name, data, err := ruletable.File(u, "avert.u", domains...)
	if err != nil {
		t.Fatal(err)
	}
	table, err := ruletable.Decode(data)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, data)
	}
	if again := table.Encode(); !bytes.Equal(again, data) {
		t.Fatalf("%s is read as\n%s", data, again)
	}
	return table
}

// reported is what a kernel that enforces the language would say about an
// operation; ok is false for those that kernels report in another form.
func reported(op policy.Operation, action policy.Action) (out ruletable.Operation, ok bool) {
	out = ruletable.Operation{Denied: action == policy.Block, Lineage: ruletable.Lineage{Images: op.Lineage, Complete: true}}
	switch op.Kind {
	case policy.OpExec:
		out.Section, out.Object = policy.Process, op.Images[0]
	case policy.OpFile:
		out.Section, out.Access, out.Object = policy.File, op.Access, op.Object
	case policy.OpNetwork:
		f := op.Flow
		if f.Family == "" {
			f.Family = "inet"
		}
		out.Section = policy.Network
		out.Flow = ruletable.Flow{Direction: f.Direction, Family: f.Family, Type: f.Type, Protocol: f.Protocol, Port: f.Port}
		if f.Peer.Pod == nil {
			out.Flow.Peer = f.Peer.Addr
		}
	case policy.OpSyscall:
		out.Section, out.Syscall = policy.Syscalls, op.Syscall.Name
	case policy.OpCapability:
		out.Section, out.Capability = policy.Capabilities, op.Capability
	case policy.OpSystem:
		out.Section, out.System = policy.System, op.System
	default:
		return out, false // rename and link are reported as uses of files
	}
	return out, true
}

// named says whether a match is what the language reports.
func named(m ruletable.Match, v policy.Verdict) bool {
	return m.Policy.ID() == v.Rule.Policy && m.Rule == v.Rule.Rule && m.Action == v.Action
}

// TestAgreesWithDecide: the rule that a table finds is the one that the language
// reports, for random policies and operations. With an unknown lineage it is
// among the possible ones, and what is certain is right.
func TestAgreesWithDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := unitOf(t)
		table := decoded(t, unit)
		for range 20 {
			op := sample.Operation(unit.Policies).Draw(t, "operation")
			if op.Kind == policy.OpExec {
				op.Images = op.Images[:1] // kernels report one of them
			}
			want, err := unit.Decide(op, nil)
			if err != nil {
				t.Skip("beyond a search budget")
			}
			report, ok := reported(op, want.Verdict.Action)
			if !ok {
				continue
			}
			// A kernel tells neither peers nor arguments in full.
			whole := op.Kind != policy.OpNetwork && op.Kind != policy.OpSyscall
			check := func(report ruletable.Operation, whole bool) {
				if want.Verdict.Report {
					got, ok := table.Attribute(report)
					if right := ok && named(got, want.Verdict); !right && (whole || got.Certain) || whole && !got.Certain || got.Quiet {
						t.Fatalf("enforced: got %+v, want %+v\n%+v\n%s", got, want.Verdict, report, unit.Dump())
					}
					if !table.Explains(report, want.Verdict.Action, want.Verdict.Rule.Policy, want.Verdict.Rule.Rule) {
						t.Fatalf("enforced: %+v is not among the explanations of %+v\n%s", want.Verdict, report, unit.Dump())
					}
				} else if got, ok := table.Attribute(report); ok && whole && want.Verdict.Action == policy.Block && !got.Quiet {
					t.Fatalf("quiet: got %+v, want %+v\n%+v\n%s", got, want.Verdict, report, unit.Dump())
				}
				would := table.Would(report)
				for _, v := range want.Would {
					i := 0
					for i < len(would) && !named(would[i], v) {
						i++
					}
					switch {
					case v.Report && i == len(would) && whole:
						t.Fatalf("would: %+v is not among %+v\n%+v\n%s", v, would, report, unit.Dump())
					case v.Report && i < len(would) && whole && (!would[i].Certain || would[i].Quiet):
						t.Fatalf("would: %+v of a known operation\n%+v\n%s", would[i], report, unit.Dump())
					}
				}
				for _, m := range would {
					right := false
					for _, v := range want.Would {
						// Which of several quiet rules it is does not matter: none is reported.
						right = right || named(m, v) && v.Report || m.Quiet && v.Action == policy.Block && !v.Report
					}
					if !right && (whole || m.Certain) {
						t.Fatalf("would: %+v, want one of %+v\n%+v\n%s", m, want.Would, report, unit.Dump())
					}
				}
			}
			if op.Kind == policy.OpNetwork && (op.Flow.Loopback || op.Flow.Reply) {
				continue // passes silently, which no kernel reports
			}
			if op.Kind == policy.OpSyscall && !want.Verdict.Report {
				continue
			}
			check(report, whole)
			known := report.Lineage
			for n := range len(known.Images) + 1 {
				report.Lineage = ruletable.Lineage{Images: known.Images[n:]}
				check(report, false)
			}
		}
	})
}

// TestDomains: a profile that stands for one state tells as much as the lineage.
func TestDomains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := unitOf(t)
		op := sample.Operation(unit.Policies).Draw(t, "operation")
		if op.Kind == policy.OpExec {
			op.Images = op.Images[:1]
		}
		want, err := unit.Decide(op, nil)
		report, ok := reported(op, want.Verdict.Action)
		if err != nil || !ok || !want.Verdict.Report {
			return
		}
		table := decoded(t, unit, ruletable.DomainOf("d1", unit.Enforced.StateOf(op.Lineage), ir.State{}))
		known, _ := table.Attribute(report)
		report.Lineage = ruletable.Lineage{Domain: "d1"}
		if got, _ := table.Attribute(report); got != known {
			t.Fatalf("got %+v by the domain, %+v by the lineage", got, known)
		}
	})
}
