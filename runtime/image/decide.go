// SPDX-License-Identifier: Apache-2.0

package image

import (
	"math/bits"
	"strings"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
)

// Verdict is what one layer decides about an operation.
type Verdict struct {
	Action policy.Action
	// Report says whether it is reported; never when it is allowed.
	Report bool
}

// Decide decides an operation as the programs do: one verdict for each layer,
// first the one that is enforced. It returns nil for what images say nothing of:
// connections, system calls and capabilities.
func (m *Image) Decide(op policy.Operation) []Verdict {
	d := &decider{table: m.table, held: m.table.held(m.table.lineage(op.Lineage))}
	var decide func(layer int) Verdict
	switch op.Kind {
	case policy.OpExec:
		decide = d.exec(op.Images)
	case policy.OpFile:
		if bits.OnesCount16(uint16(op.Access)) != 1 || op.Access&policy.AccessFile == 0 {
			return nil
		}
		o := d.object(op.Object)
		decide = func(layer int) Verdict { return d.file(layer, op.Access, o) }
	case policy.OpRename, policy.OpLink:
		decide = d.move(op)
	case policy.OpSystem:
		if int(op.System) >= len(policy.SystemOperations) {
			return nil
		}
		decide = func(layer int) Verdict { return d.system(layer, op.System) }
	default:
		return nil
	}
	out := make([]Verdict, m.table.head.Layers)
	for layer := range out {
		out[layer] = decide(layer)
	}
	return out
}

// lineage returns the state of a process that went through images.
func (t *table) lineage(images []string) bpf.State {
	var s bpf.State
	for _, image := range images {
		var atoms uint64
		if readable(image) {
			for _, ref := range t.cellsOf(image) {
				atoms |= t.cell(ref).Atoms
			}
		}
		s = bpf.State{Current: atoms, Parent: s.Current & t.head.Parents, Seen: s.Seen | s.Current&t.head.Ancestors}
	}
	return s
}

// held returns the conditions that hold in a state.
func (t *table) held(s bpf.State) uint64 {
	held := uint64(1) << bpf.Always
	for i, c := range t.head.Conds[:t.head.Conditions] {
		if c.Exe&^s.Current == 0 && c.Parent&^s.Parent == 0 && c.Ancestor&^s.Seen == 0 {
			held |= 1 << i
		}
	}
	return held
}

// readable says whether the programs can find a path out.
func readable(path string) bool {
	return len(path) <= bpf.PathMax && strings.Count(path, "/") <= bpf.Components && automata.IsCanonical(path)
}

// decider decides for a process for which the conditions of held hold.
type decider struct {
	*table
	held uint64
}

// object is what the table says of an object.
type object struct {
	policy.Object
	cells []uint32
}

func (d *decider) object(o policy.Object) object {
	out := object{Object: o}
	switch {
	case o.Class == policy.Named && readable(o.Path):
		out.cells = d.cellsOf(o.Path)
	case o.Class == policy.Named:
		out.Class = policy.Unresolved
	case o.Class == policy.Anonymous && d.head.Anonymous != 0:
		out.cells = []uint32{d.head.Anonymous}
	}
	return out
}

// masks returns what the rules of a layer say about an access.
func (d *decider) masks(layer int, access policy.Access, o object) bpf.Masks {
	var m bpf.Masks
	i := bits.TrailingZeros16(uint16(access))
	for _, ref := range o.cells {
		a := d.cellLayer(ref, layer).Access[i]
		m = bpf.Masks{Block: m.Block | a.Block, Loud: m.Loud | a.Loud, Audit: m.Audit | a.Audit, Allow: m.Allow | a.Allow}
	}
	return m
}

// weigh decides by rules, else by a default of the layout.
func (d *decider) weigh(m bpf.Masks, otherwise uint8) Verdict {
	switch {
	case m.Block&d.held != 0:
		return Verdict{policy.Block, m.Loud&d.held != 0}
	case m.Audit&d.held != 0:
		return Verdict{policy.Audit, true}
	case m.Allow&d.held != 0:
		return Verdict{}
	}
	return byDefault(otherwise)
}

func byDefault(d uint8) Verdict {
	switch d {
	case bpf.Block:
		return Verdict{policy.Block, true}
	case bpf.Audit:
		return Verdict{policy.Audit, true}
	}
	return Verdict{}
}

// combine returns the stricter verdict: of Blocks one that is reported.
func combine(a, b Verdict) Verdict {
	if b.Action > a.Action || b.Action == a.Action && b.Report {
		return b
	}
	return a
}

// relevant says whether a layer says anything about an access.
func (d *decider) relevant(layer int, access policy.Access) bool {
	return d.head.Layer[layer].Relevant&uint32(access) != 0
}

// use decides one access by the rules, the section's default, and the flags of
// paths that cannot be known.
func (d *decider) use(layer int, access policy.Access, o object, otherwise, closed uint8) Verdict {
	l := &d.head.Layer[layer]
	switch {
	case o.Class == policy.Unnamed || !d.relevant(layer, access):
		return Verdict{}
	case o.Class == policy.Unresolved && l.Closed&closed != 0:
		return Verdict{policy.Block, true}
	case o.Class == policy.Anonymous && otherwise != bpf.Block:
		otherwise = bpf.Ungoverned
	}
	return d.weigh(d.masks(layer, access, o), otherwise)
}

func (d *decider) file(layer int, access policy.Access, o object) Verdict {
	closed := uint8(bpf.ClosedFile)
	if access == policy.AccessMap {
		closed |= bpf.ClosedMap
	}
	return d.use(layer, access, o, d.head.Layer[layer].File, closed)
}

// exec decides about every image that one exec checks: the first of the
// strictest verdicts counts.
func (d *decider) exec(images []policy.Object) func(layer int) Verdict {
	objects := make([]object, len(images))
	for i, image := range images {
		if image.Class == policy.Unnamed { // pipes cannot be executed
			image.Class = policy.Anonymous
		}
		objects[i] = d.object(image)
	}
	return func(layer int) Verdict {
		var out Verdict
		for i, o := range objects {
			if v := d.image(layer, o, i == len(objects)-1); v.Action > out.Action {
				out = v
			}
		}
		return out
	}
}

// image decides about one image of an exec. The last one runs, and must not be
// a dynamic loader unless a rule allows that by path.
func (d *decider) image(layer int, o object, runs bool) Verdict {
	v := d.use(layer, policy.AccessExec, o, d.head.Layer[layer].Process, bpf.ClosedProcess)
	byRule := d.masks(layer, policy.AccessExec, o).Block&d.held != 0
	if runs && !byRule && d.relevant(layer, policy.AccessExec) && d.loader(layer, o) {
		return Verdict{policy.Block, true}
	}
	return v
}

// loader says whether the object is a dynamic loader that must not be started.
func (d *decider) loader(layer int, o object) bool {
	if d.head.Layer[layer].Closed&bpf.ClosedProcess == 0 {
		return false
	}
	loader, allow := false, uint64(0)
	for _, ref := range o.cells {
		loader = loader || d.cell(ref).Loader == 1
		allow |= d.cellLayer(ref, layer).LoaderAllow
	}
	return loader && allow&d.held == 0
}

func (d *decider) system(layer int, operation policy.SystemOperation) Verdict {
	l := &d.head.Layer[layer]
	otherwise := uint8(bpf.Ungoverned)
	if l.SystemCovers>>operation&1 != 0 {
		otherwise = l.System
	}
	return d.weigh(l.Operations[operation], otherwise)
}
