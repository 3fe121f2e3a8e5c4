// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/runtime/image"
	"github.com/avert-dev/avert/runtime/process"
)

// Explainer names the rules behind reports. It is not safe for concurrent use.
type Explainer struct {
	// Node is written into every event.
	Node string
	// Image returns the image of a unit's revision, or fs.ErrNotExist when the node
	// no longer has it.
	Image func(policy uint64, generation uint32) ([]byte, error)
	// Time returns when something happened that many nanoseconds after boot.
	Time func(sinceBoot uint64) time.Time
	// Processes finds out who it was, and Cgroup where the cgroup of an id is, or "";
	// nil when nobody can be asked.
	Processes *process.Processes
	Cgroup    func(id uint64) string

	units map[revision]*unit
}

// revision is that of a unit on this node.
type revision struct {
	policy     uint64
	generation uint32
}

// unit is what alerts need of an image.
type unit struct {
	rules  *ruletable.Table
	audits []*ruletable.Policy
	atoms  [][]string
	// lacking says why there is nothing of the image.
	lacking string
}

// maxUnits bounds the memory for images: more than are in use at once, in two
// revisions.
const maxUnits = 2 * bpf.MaxPolicies

// unit returns what is known of a record's revision.
func (x *Explainer) unit(r *Record) *unit {
	key := revision{r.Policy, r.Generation}
	if u := x.units[key]; u != nil {
		return u
	}
	u := &unit{}
	raw, err := x.Image(r.Policy, r.Generation)
	if err == nil {
		var m *image.Image
		if m, err = image.Decode(raw); err == nil {
			u.rules, u.audits, u.atoms = m.Rules, m.Audits(), m.Identity.Atoms
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		u.lacking = "the revision that decided is no longer on the node"
	case err != nil:
		u.lacking = "the revision that decided cannot be read: " + err.Error()
		return u
	}
	if x.units == nil || len(x.units) >= maxUnits {
		x.units = map[revision]*unit{}
	}
	x.units[key] = u
	return u
}

// Events returns the alerts about a report: one for each layer that has anything to
// say.
func (x *Explainer) Events(r *Record) []event.Event {
	u := x.unit(r)
	when := x.Time(r.Time)
	whole := event.Event{
		Time: event.Stamp(when), Source: event.LSM, Node: event.Text(x.Node),
		Section: event.Text(r.section().String()), Operation: event.Text(r.operation()),
		Object: r.object(), Process: x.process(r, u, when), Info: event.Text(r.info(u)),
	}
	if u.rules != nil {
		whole.Unit = event.Text(u.rules.Unit)
	}
	if whole.Section == event.Text(policy.File.String()) {
		whole.Access = strings.Split(policy.Access(r.Access).String(), ",")
	}
	var out []event.Event
	for layer := range bpf.MaxLayers {
		e := whole
		bit := uint8(1) << layer
		block := r.Blocks&bit != 0
		switch {
		case block && layer == 0:
			e.Verdict = event.Block
		case block:
			e.Verdict = event.WouldBlock
		case r.Audits&bit == 0:
			continue
		default:
			e.Verdict = event.Audit
		}
		if m, ok := u.match(r, layer, block); ok {
			e.Policy = &event.Policy{Namespace: event.Text(m.Policy.Namespace), Name: event.Text(m.Policy.Name), Revision: event.Text(m.Policy.Revision), Mode: m.Policy.Mode}
			e.Rule, e.Position, e.Certain = event.Text(m.Rule), &event.Position{File: event.Text(m.Policy.File), Line: m.Line}, m.Certain
		}
		out = append(out, e)
	}
	return out
}

func (r *Record) section() policy.Section {
	switch r.Kind {
	case bpf.KindExec:
		return policy.Process
	case bpf.KindSystem:
		return policy.System
	}
	return policy.File
}

func (r *Record) operation() string {
	if r.Kind == bpf.KindSystem {
		return policy.SystemOperations[r.Operation].String()
	}
	return [...]string{bpf.KindFile: "file", bpf.KindExec: "exec", bpf.KindRename: "rename", bpf.KindLink: "link"}[r.Kind]
}

// moves says whether a record has a target.
func (r *Record) moves() bool { return r.Kind == bpf.KindRename || r.Kind == bpf.KindLink }

func (r *Record) object() *event.Object {
	o := event.Object{Path: event.Text(r.Objects[0].Path)}
	if r.moves() {
		o.Target = event.Text(r.Objects[1].Path)
	}
	if o == (event.Object{}) {
		return nil
	}
	return &o
}

// info says what an alert lacks, and why.
func (r *Record) info(u *unit) string {
	var out []string
	if r.Kind != bpf.KindSystem {
		out = describe(out, "the object", r.Class[0])
	}
	if r.moves() {
		out = describe(out, "the target", r.Class[1])
	}
	if r.Lost != 0 {
		out = append(out, "the lineage is not known, since the process did nothing while many revisions passed")
	}
	if u.lacking != "" {
		out = append(out, u.lacking)
	}
	return strings.Join(out, "; ")
}

func describe(out []string, what string, class bpf.Class) []string {
	switch class {
	case bpf.Anonymous, bpf.Unnamed:
		return append(out, what+" has no path")
	case bpf.Unresolved:
		return append(out, "the path of "+what+" cannot be known")
	}
	return out
}

// process says who it was.
func (x *Explainer) process(r *Record, u *unit, when time.Time) *event.Process {
	p := &event.Process{PID: int(r.TGID)}
	if x.Processes != nil {
		p = x.Processes.Read(int(r.TGID), when, nil)
	}
	uid, gid := r.UID, r.GID
	p.Comm, p.PPID, p.UID, p.GID = event.Text(r.comm()), int(r.PPID), &uid, &gid
	if r.Lost == 0 {
		p.Lineage = u.lineage(r.State)
	}
	if x.Cgroup != nil {
		if path := x.Cgroup(r.Cgroup); path != "" {
			p.Cgroup = event.Text(path)
		}
	}
	return p
}

// lineage writes the atoms that hold in a state; nil when none does.
func (u *unit) lineage(s bpf.State) *event.Lineage {
	l := event.Lineage{Exe: u.patterns(s.Current), Parent: u.patterns(s.Parent), Ancestor: u.patterns(s.Seen)}
	if l.Exe == nil && l.Parent == nil && l.Ancestor == nil {
		return nil
	}
	return &l
}

func (u *unit) patterns(atoms uint64) (out [][]event.Text) {
	for i, patterns := range u.atoms {
		if atoms>>i&1 == 0 {
			continue
		}
		var list []event.Text
		for _, p := range patterns {
			list = append(list, event.Text(p))
		}
		out = append(out, list)
	}
	return out
}
