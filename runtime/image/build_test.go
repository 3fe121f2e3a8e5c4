// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ruletable"
	"github.com/avert-dev/avert/runtime/image"
)

// built is an image in parts, which a test changes before it encodes it.
type built struct {
	identity bpf.Identity
	head     bpf.Head
	slots    []uint32
	after    []byte // cells and belows
	rules    []byte
}

var (
	headSize = binary.Size(bpf.Head{})
	always   = uint64(1) << bpf.Always
)

// build returns an image by hand: one layer and one part. Everything is allowed
// but to read /secret, and to write below /etc unless the program is /bin/cat.
func build(t testing.TB) *built {
	t.Helper()
	var rules []automata.Rule
	for label, pattern := range []string{"/secret", "/etc/**", "/bin/cat"} {
		g, err := automata.Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, automata.Rule{Glob: g, Label: label})
	}
	set, err := automata.Compile(rules, automata.Options{MaxParts: 1})
	if err != nil {
		t.Fatal(err)
	}
	packed, err := set.Pack(automata.PackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := &built{slots: packed.Slots}
	b.identity = bpf.Identity{Unit: "shop-web", Namespace: "shop", Policies: []string{"shop/web"}, Revision: "sha256:00", Atoms: [][]string{{"/bin/cat"}}}
	b.rules = []byte(fmt.Sprintf(`{"version":%d,"unit":"shop-web","namespace":"shop","label":"shop-web","lineage":[["/bin/cat"]],"policies":[`+
		`{"namespace":"shop","name":"web","mode":"Enforce","file":"web.yaml","line":1,"revision":"sha256:00"}]}`, ruletable.Version))
	h := &b.head
	h.Layers, h.Parts, h.Conditions, h.Atoms = 1, 1, 1, 1
	h.Conds[0] = bpf.Condition{Exe: 1}
	h.Layer[0] = bpf.Layer{File: bpf.Allow, Closed: bpf.ClosedFile, Relevant: 1<<bpf.Accesses - 1}
	first := uint32(headSize / 4)
	for i, s := range b.slots {
		b.slots[i] = s&^0x7fffff | s&0x7fffff + first
	}
	h.Starts[0] = packed.Starts[0] + first
	h.Classes = packed.Classes
	if len(b.slots)%2 != 0 {
		b.slots = append(b.slots, 0)
	}
	cell := uint32(headSize+4*len(b.slots)) / 8
	for i, labels := range packed.Labels {
		if i == 0 {
			continue
		}
		var c bpf.Cell
		var l bpf.CellLayer
		if labels.Has(0) {
			l.Access[0] = bpf.Masks{Block: always, Loud: always}
		}
		if labels.Has(1) {
			l.Access[1] = bpf.Masks{Block: 1, Loud: 1}
		}
		if labels.Has(2) {
			c.Atoms = 1
		}
		for at, s := range packed.Slots {
			if s>>24 == 1 && int(s&0x7fffff-first) == i {
				b.slots[at] = 1<<24 | cell
			}
		}
		cell += uint32(len(raw(c))+len(raw(l))) / 8
		b.after = append(append(b.after, raw(c)...), raw(l)...)
	}
	h.Nothing, h.Relevant = cell, h.Layer[0].Relevant
	b.after = append(append(b.after, raw(bpf.Cell{})...), raw(bpf.CellLayer{})...)
	h.Bytes = uint32(headSize + 4*len(b.slots) + len(b.after))
	return b
}

// raw returns a value as images have it.
func raw(v any) []byte {
	out, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		panic(err)
	}
	return out
}

// encode returns the image.
func (b *built) encode() []byte {
	identity, err := json.Marshal(b.identity)
	if err != nil {
		panic(err)
	}
	table := append(append(raw(b.head), raw(b.slots)...), b.after...)
	return join(identity, table, b.rules)
}

// join returns an image of three sections.
func join(identity, table, rules []byte) []byte {
	pad := func(s []byte, with string) []byte {
		return append(bytes.Clone(s), bytes.Repeat([]byte(with), -len(s)&7)...)
	}
	identity, table, rules = pad(identity, " "), pad(table, "\x00"), pad(rules, "\x00")
	h := bpf.Header{Magic: [8]byte([]byte(bpf.Magic)), Layout: bpf.Layout}
	at := uint64(bpf.HeaderSize)
	for _, s := range []struct {
		section *bpf.Section
		data    []byte
	}{{&h.Identity, identity}, {&h.Table, table}, {&h.Rules, rules}} {
		*s.section = bpf.Section{Offset: at, Length: uint64(len(s.data))}
		at += uint64(len(s.data))
	}
	h.Length = at
	return rehash(bytes.Join([][]byte{raw(h), identity, table, rules}, nil))
}

// rehash mends the hash of an image that is long enough to have one.
func rehash(data []byte) []byte {
	if len(data) < bpf.HeaderSize {
		return data
	}
	clear(data[24:56])
	sum := sha256.Sum256(data)
	copy(data[24:], sum[:])
	return data
}

func decode(t testing.TB, data []byte) *image.Image {
	t.Helper()
	m, err := image.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
