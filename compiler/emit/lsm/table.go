// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"encoding/binary"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/automata"
)

// table lays out what the programs read: a Head, Belows, Cells and slots.
func (j *joint) table() ([]byte, error) {
	most := bpf.TableSizes[len(bpf.TableSizes)-1]
	packed, err := j.set.Pack(automata.PackOptions{MaxBytes: most, Views: j.views()})
	if err != nil {
		return nil, err
	}
	h := bpf.Head{
		Layers: uint32(len(j.layers)), Parts: uint32(len(packed.Starts)),
		Conditions: uint32(len(j.conds)), Atoms: uint32(len(j.atoms)), Classes: packed.Classes,
	}
	copy(h.Conds[:], j.conds)
	for _, c := range j.conds {
		h.Parents |= c.Parent
		h.Ancestors |= c.Ancestor
	}
	for i, l := range j.layers {
		h.Layer[i] = j.layer(l)
		h.Relevant |= h.Layer[i].Relevant
	}
	w := writer{out: make([]byte, binary.Size(h)), at: map[string]uint32{}}
	h.Nothing = w.put(bpf.Cell{}, make([]bpf.CellLayer, len(j.layers)))
	cell, layers := j.cell(j.anonymous())
	h.Anonymous = w.put(cell, layers)
	belows := make([]uint32, len(packed.Belows)) // 0 for nothing below
	for i, b := range packed.Belows[1:] {
		belows[i+1] = w.put(j.below(b))
	}
	cells := make([]uint32, len(packed.Labels))
	for i, labels := range packed.Labels[1:] {
		cell, layers := j.cell(labels.All())
		cell.Below = belows[packed.SinkBelows[i+1]]
		cells[i+1] = w.put(cell, layers)
		if len(w.out) > most { // each may be large, and there may be many
			break
		}
	}
	if n := len(w.out) + packed.Bytes(); n > most {
		return nil, &automata.SizeError{Bytes: n, MaxBytes: most}
	}
	first := uint32(len(w.out) / 4) // of the slots
	for i, start := range packed.Starts {
		h.Starts[i] = start + first
	}
	for _, slot := range packed.Slots {
		switch next := slot & (1<<24 - 1); {
		case slot>>24 != 1:
			slot += first
		case next&automata.BelowBit != 0:
			slot = 1<<24 | bpf.BelowBit | belows[next&^automata.BelowBit]
		default:
			slot = 1<<24 | cells[next]
		}
		w.out = binary.LittleEndian.AppendUint32(w.out, slot)
	}
	for len(w.out)%8 != 0 {
		w.out = append(w.out, 0)
	}
	h.Bytes = uint32(len(w.out))
	put(w.out, h)
	return w.out, nil
}

// writer appends records, equal ones once.
type writer struct {
	out []byte
	at  map[string]uint32
}

// put returns the reference to a record: a word of 8 bytes.
func (w *writer) put(parts ...any) uint32 {
	var record []byte
	for _, p := range parts {
		var err error
		if record, err = binary.Append(record, binary.LittleEndian, p); err != nil {
			panic(err) // records have fixed sizes
		}
	}
	at, ok := w.at[string(record)]
	if !ok {
		at = uint32(len(w.out) / 8)
		w.at[string(record)] = at
		w.out = append(w.out, record...)
	}
	return at
}
