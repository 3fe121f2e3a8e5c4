// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math/bits"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
	"github.com/avert-dev/avert/runtime/image"
)

// walker decides from the bytes of an image alone, as the programs do.
type walker struct {
	t        fataler
	header   bpf.Header
	identity bpf.Identity
	head     bpf.Head
	table    []byte
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// open reads an image and checks what holds of every one.
func open(t fataler, data []byte) *walker {
	t.Helper()
	if _, err := image.Decode(data); err != nil {
		t.Fatalf("the node loader refuses the image: %v", err)
	}
	w := &walker{t: t}
	get(w, data, &w.header)
	h := w.header
	if string(h.Magic[:]) != bpf.Magic || h.Layout != bpf.Layout || h.Length != uint64(len(data)) {
		t.Fatalf("header %+v of %d bytes", h, len(data))
	}
	zero := bytes.Clone(data)
	copy(zero[sha256Offset:], make([]byte, sha256.Size))
	if sha256.Sum256(zero) != h.SHA256 {
		t.Fatalf("the hash is wrong")
	}
	if h.Identity.Offset != bpf.HeaderSize || h.Table.Offset != h.Identity.Offset+h.Identity.Length ||
		h.Rules.Offset != h.Table.Offset+h.Table.Length || h.Length != h.Rules.Offset+h.Rules.Length {
		t.Fatalf("sections do not follow one another: %+v", h)
	}
	for _, s := range []bpf.Section{h.Identity, h.Table, h.Rules} {
		if s.Offset%8 != 0 || s.Length%8 != 0 {
			t.Fatalf("section %+v is not of whole words", s)
		}
	}
	if err := json.Unmarshal(data[h.Identity.Offset:h.Table.Offset], &w.identity); err != nil {
		t.Fatalf("identity: %v", err)
	}
	rules, err := ruletable.Decode(bytes.TrimRight(data[h.Rules.Offset:], "\x00"))
	if err != nil {
		t.Fatalf("rules: %v", err)
	}
	if rules.Unit != w.identity.Unit || rules.Label != w.identity.Unit {
		t.Fatalf("rules of %q labelled %q in an image of %q", rules.Unit, rules.Label, w.identity.Unit)
	}
	w.table = data[h.Table.Offset:h.Rules.Offset]
	get(w, w.table, &w.head)
	if int(w.head.Bytes) != len(w.table) || w.head.Generation != 0 || w.head.Carried != 0 {
		t.Fatalf("head of %d bytes, generation %d, carried %d; the table has %d", w.head.Bytes, w.head.Generation, w.head.Carried, len(w.table))
	}
	return w
}

// get reads a value of package bpf.
func get(w *walker, from []byte, v any) {
	if _, err := binary.Decode(from, binary.LittleEndian, v); err != nil {
		w.t.Fatalf("%T: %v", v, err)
	}
}

// found is what one part says about a path.
type found struct {
	bpf.Cell
	layers []bpf.CellLayer
}

func (w *walker) cell(ref uint32) found {
	f := found{layers: make([]bpf.CellLayer, w.head.Layers)}
	at := w.table[8*int(ref):]
	get(w, at, &f.Cell)
	get(w, at[binary.Size(f.Cell):], f.layers)
	return f
}

func (w *walker) slot(i uint32) uint32 { return binary.LittleEndian.Uint32(w.table[4*int(i):]) }

// step follows one byte.
func (w *walker) step(state uint32, b byte) uint32 {
	if state&automata.SinkBit != 0 {
		return state
	}
	c := uint32(w.head.Classes[b])
	slot := w.slot(state + c)
	if slot>>24 != c {
		slot = w.slot(state)
	}
	return slot & (1<<24 - 1)
}

// accept returns what a state refers to.
func (w *walker) accept(state uint32) (ref uint32, ok bool) {
	slot := w.slot(state&^automata.SinkBit + 1)
	return slot & (1<<24 - 1), slot>>24 == 1
}

// walk returns the states of the parts after a path.
func (w *walker) walk(path string) []uint32 {
	states := append([]uint32(nil), w.head.Starts[:w.head.Parts]...)
	for p := range states {
		for i := range len(path) {
			states[p] = w.step(states[p], path[i])
		}
	}
	return states
}

// find returns the cells of a path, united.
func (w *walker) find(path string) found {
	out := found{layers: make([]bpf.CellLayer, w.head.Layers)}
	for _, s := range w.walk(path) {
		ref, ok := w.accept(s)
		if !ok {
			continue
		}
		if ref&bpf.BelowBit != 0 {
			w.t.Fatalf("%q leads to a Below", path)
		}
		out.unite(w.cell(ref))
	}
	return out
}

func (f *found) unite(o found) {
	f.Atoms |= o.Atoms
	f.Loader |= o.Loader
	for i := range f.layers {
		f.layers[i].LoaderAllow |= o.layers[i].LoaderAllow
		for a := range f.layers[i].Access {
			m, n := &f.layers[i].Access[a], o.layers[i].Access[a]
			m.Block |= n.Block
			m.Loud |= n.Loud
			m.Audit |= n.Audit
			m.Allow |= n.Allow
		}
	}
}

// held returns the conditions that hold after the images were executed.
func (w *walker) held(lineage []string) uint64 {
	var s bpf.State
	for _, image := range lineage {
		var atoms uint64
		if automata.IsCanonical(image) {
			atoms = w.find(image).Atoms
		}
		s = bpf.State{Current: atoms, Parent: s.Current & w.head.Parents, Seen: s.Seen | s.Current&w.head.Ancestors}
	}
	held := uint64(1) << bpf.Always
	for i, c := range w.head.Conds[:w.head.Conditions] {
		if c.Exe&^s.Current == 0 && c.Parent&^s.Parent == 0 && c.Ancestor&^s.Seen == 0 {
			held |= 1 << i
		}
	}
	return held
}

// verdict is that of one layer.
type verdict struct {
	action policy.Action
	report bool
}

// byMasks decides by rules; ok is false when none applies.
func byMasks(m bpf.Masks, held uint64) (v verdict, ok bool) {
	switch {
	case m.Block&held != 0:
		return verdict{policy.Block, m.Loud&held != 0}, true
	case m.Audit&held != 0:
		return verdict{policy.Audit, true}, true
	}
	return verdict{}, m.Allow&held != 0
}

func byConstant(d uint8) verdict {
	switch d {
	case bpf.Audit:
		return verdict{policy.Audit, true}
	case bpf.Block:
		return verdict{policy.Block, true}
	}
	return verdict{}
}

// object decides about one way of using an object.
func (w *walker) object(layer int, held uint64, access int, o policy.Object, last bool) verdict {
	l := w.head.Layer[layer]
	deflt, closed := l.File, l.Closed&bpf.ClosedFile != 0 || access == bpf.Map && l.Closed&bpf.ClosedMap != 0
	if access == bpf.Exec {
		deflt, closed = l.Process, l.Closed&bpf.ClosedProcess != 0
		if o.Class == policy.Unnamed {
			o.Class = policy.Anonymous
		}
	}
	v := w.judge(layer, held, access, o, last, deflt, closed)
	if v != (verdict{}) && l.Relevant>>access&1 == 0 {
		w.t.Fatalf("layer %d decides %+v about access %d, which is not relevant", layer, v, access)
	}
	return v
}

func (w *walker) judge(layer int, held uint64, access int, o policy.Object, last bool, deflt uint8, closed bool) verdict {
	switch {
	case o.Class == policy.Unnamed:
		return verdict{}
	case o.Class == policy.Anonymous:
		if v, ok := byMasks(w.cell(w.head.Anonymous).layers[layer].Access[access], held); ok {
			return v
		}
		if deflt == bpf.Block {
			return byConstant(deflt)
		}
		return verdict{}
	case o.Class != policy.Named || !automata.IsCanonical(o.Path):
		if closed {
			return verdict{policy.Block, true}
		}
		return byConstant(deflt)
	}
	f := w.find(o.Path)
	v, ok := byMasks(f.layers[layer].Access[access], held)
	if !ok {
		v = byConstant(deflt)
	}
	byRule := ok && v.action == policy.Block
	if access == bpf.Exec && last && !byRule && f.Loader == 1 && f.layers[layer].LoaderAllow&held == 0 {
		return verdict{policy.Block, true}
	}
	return v
}

// decide decides an operation for one layer.
func (w *walker) decide(layer int, op policy.Operation) verdict {
	held := w.held(op.Lineage)
	switch op.Kind {
	case policy.OpExec:
		var out verdict
		for i, image := range op.Images {
			if v := w.object(layer, held, bpf.Exec, image, i == len(op.Images)-1); i == 0 || v.action > out.action {
				out = v
			}
		}
		return out
	case policy.OpFile:
		return w.object(layer, held, bits.TrailingZeros64(uint64(op.Access)), op.Object, false)
	}
	l := w.head.Layer[layer]
	if v, ok := byMasks(l.Operations[op.System], held); ok {
		return v
	}
	if l.SystemCovers>>op.System&1 == 0 {
		return verdict{}
	}
	return byConstant(l.System)
}
