// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/runtime/process"
)

// Explainer names the rules behind denials.
type Explainer struct {
	tables map[string]*ruletable.Table // by label
	// Node is written into every event.
	Node string
	// Processes finds out who it was; nil when nobody can be asked, as when a log
	// is read later.
	Processes *process.Processes
}

// NewExplainer makes one of the tables of a node. Two tables of one label must
// be the same: a profile cannot be that of two units.
func NewExplainer(tables []*ruletable.Table) (*Explainer, error) {
	x := &Explainer{tables: map[string]*ruletable.Table{}}
	for _, t := range tables {
		if other := x.tables[t.Label]; other != nil && !bytes.Equal(other.Encode(), t.Encode()) {
			return nil, fmt.Errorf("two different rule tables, of %q and %q, have the label %q", other.Unit, t.Unit, t.Label)
		}
		x.tables[t.Label] = t
	}
	return x, nil
}

// Look reads what is known of the process that a record is about, at once: soon
// it may be gone, or run another program.
func (x *Explainer) Look(d *Record) {
	if x.Processes == nil || d.Type != typeAVC {
		return
	}
	r, ok := parseReport(d.Body)
	if !ok || r.pid == 0 {
		return
	}
	for _, l := range r.labels {
		if x.tables[l.unit] != nil {
			d.Process = x.Processes.Read(r.pid, d.Time, func(current string) bool {
				return confined(current, l.unit) // nobody leaves the profiles or the type of a unit
			})
			return
		}
	}
}

// Events returns the alerts of a group. It has none for denials of labels that
// no table has, for those that only quiet rules explain, and for what was let
// pass and no rule is about.
func (x *Explainer) Events(g *Group) []event.Event {
	var found []finding
	for _, d := range g.Denials {
		r, ok := parseReport(d.Body)
		if !ok {
			continue
		}
		f := finding{report: r, seen: d.Process}
		f.record, _ = withoutProfile(d.Body)
		for _, l := range r.labels {
			if t := x.tables[l.unit]; t != nil && (f.table == nil || f.table == t && t.HasDomain(l.domain)) {
				f.table, f.label = t, l
			}
		}
		if f.table != nil {
			found = merge(found, f)
		}
	}
	var out []event.Event
	for _, f := range found {
		out = append(out, x.explain(g, &f)...)
	}
	return out
}

// finding is a denial of a unit.
type finding struct {
	report
	record string // without the profile
	seen   *event.Process
	table  *ruletable.Table
	label  label
}

// merge adds a finding. Of several about one operation that stacked profiles
// report, that of the domain stays: it says more about the process than the first
// profile, in which all are.
func merge(found []finding, f finding) []finding {
	for i, other := range found {
		if other.record == f.record && other.table == f.table && other.profile != f.profile {
			if f.label.domain != f.label.unit && f.table.HasDomain(f.label.domain) {
				found[i] = f
			}
			return found
		}
	}
	return append(found, f)
}

// explain returns the alerts about one denial: that of the enforced policies,
// and one for each policy in mode Audit that would refuse or report it.
func (x *Explainer) explain(g *Group, f *finding) []event.Event {
	r, t, l := &f.report, f.table, f.label
	who := f.process(g)
	var out []event.Event
	add := func(m *ruletable.Match, op *ruletable.Operation, verdict event.Verdict) {
		e := event.Event{
			Time: event.Stamp(g.Time), Source: r.source, Node: event.Text(x.Node), Verdict: verdict, Unit: event.Text(t.Unit),
			Operation: event.Text(r.operation), Object: &r.object, Process: who, Profile: event.Text(r.profile), Info: event.Text(r.info),
		}
		if op != nil {
			e.Section, e.Access = event.Text(op.Section.String()), accessNames(op)
		}
		if m != nil {
			e.Policy = &event.Policy{Namespace: event.Text(m.Policy.Namespace), Name: event.Text(m.Policy.Name), Revision: event.Text(m.Policy.Revision), Mode: m.Policy.Mode}
			e.Rule, e.Position, e.Certain = event.Text(m.Rule), &event.Position{File: event.Text(m.Policy.File), Line: m.Line}, m.Certain
		}
		out = append(out, e)
	}
	for i := range r.readings {
		r.readings[i].Denied, r.readings[i].Lineage = r.denied || r.complain, ruletable.Lineage{Domain: l.domain}
	}
	silenced := false
	for i := range r.readings {
		if m, ok := t.Attribute(r.readings[i]); ok {
			if silenced = m.Quiet; !m.Quiet {
				add(&m, &r.readings[i], r.verdict())
			}
			break
		}
	}
	for i := range r.readings {
		would := t.Would(r.readings[i])
		for _, m := range would {
			switch {
			case m.Quiet:
				silenced = true
			case m.Action == policy.Block:
				add(&m, &r.readings[i], event.WouldBlock)
			default:
				add(&m, &r.readings[i], event.Audit)
			}
		}
		if len(would) > 0 {
			break
		}
	}
	// What was let pass, and no rule is about, is a report of more than the policies ask for.
	if len(out) == 0 && !silenced && r.denied {
		var op *ruletable.Operation
		if len(r.readings) > 0 {
			op = &r.readings[0]
		}
		add(nil, op, r.verdict())
	}
	return out
}

// verdict is what became of the operation by the profile that reported it.
func (r *report) verdict() event.Verdict {
	switch {
	case r.denied:
		return event.Block
	case r.complain:
		return event.WouldBlock
	}
	return event.Audit
}

func accessNames(op *ruletable.Operation) []string {
	if op.Section != policy.File {
		return nil
	}
	return strings.Split(op.Access.String(), ",")
}
