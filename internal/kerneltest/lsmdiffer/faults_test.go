// SPDX-License-Identifier: Apache-2.0

package lsmdiffer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/runtime/image"
)

// fault is a defect that is planted into what one container's policy is enforced by. The comparison must find it.
type fault struct {
	name string
	// shows says whether the defect may change what comes of a unit's attempts.
	shows func(*unit) bool
	plant func(*unit)
}

// several attempts are to show a defect.
const several = 3

// faults are the defects. The last one concerns all containers of a node.
var faults = []fault{
	{"an inverted verdict", func(u *unit) bool {
		m, err := image.Decode(inverted(u.now.data))
		return err == nil && u.differs(&revision{image: m}, u.now) >= several
	}, func(u *unit) {
		u.now = &revision{source: u.now.source, policies: u.now.policies, data: inverted(u.now.data)}
	}},
	{"a stale table after a swap", func(u *unit) bool { return u.next != nil && u.differs(u.now, u.next) >= several }, func(u *unit) {
		for i := range u.plan.steps {
			if u.plan.steps[i].Do == Swap {
				u.plan.steps[i].Do = SwapBack
			}
		}
	}},
	{"a label that is lost on fork", func(u *unit) bool {
		n := 0
		for i, s := range u.plan.steps[1:] {
			if u.plan.steps[i].Do == Fork && s.revision != nil && s.expected.refused {
				n++
			}
		}
		return n >= several
	}, func(u *unit) { u.plan.steps = append([]planned{{Step: Step{Do: LoseForks}}}, u.plan.steps...) }},
}

// differs counts the attempts under a revision about which another one decides otherwise.
func (u *unit) differs(other, under *revision) int {
	n := 0
	for _, s := range u.plan.steps {
		if s.revision != under {
			continue
		}
		for _, op := range slices.Concat(operations(s.lineage, &s.Step)...) {
			if under.image.Decide(op)[0].Action != other.image.Decide(op)[0].Action {
				n++
				break
			}
		}
	}
	return n
}

// drawFaulty draws a unit for each fault, from a seed on.
func drawFaulty(seed, attempts int) ([]*unit, error) {
	var out []*unit
	for i := seed*1000 + 500; len(out) < len(faults); i++ {
		u, err := newUnit(i, attempts)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", i, err)
		}
		if f := faults[len(out)]; u != nil && f.shows(u) {
			f.plant(u)
			u.fault = f.name
			out = append(out, u)
		}
	}
	return out, nil
}

// inverted returns an image with the rules that block exchanged with those that allow.
func inverted(data []byte) []byte {
	out := bytes.Clone(data)
	var header bpf.Header
	var head bpf.Head
	var cell bpf.Cell
	var layer bpf.CellLayer
	decode := func(from []byte, v any) {
		if _, err := binary.Decode(from, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	decode(out, &header)
	table := out[header.Table.Offset:][:header.Table.Length]
	decode(table, &head)
	// The slots end where the first cell begins.
	cells, end := map[int]bool{int(8 * head.Anonymous): head.Anonymous != 0}, len(table)
	for at := binary.Size(head); at < end; at += 4 {
		slot := binary.LittleEndian.Uint32(table[at:])
		if slot>>24 != 1 || slot&(1<<24-1) == 0 {
			continue
		}
		to := 8 * int(slot&(bpf.BelowBit-1))
		cells[to] = cells[to] || slot&bpf.BelowBit == 0
		end = min(end, to)
	}
	for at, isCell := range cells {
		for n := range int(head.Layers) {
			if !isCell {
				break
			}
			place := table[at+binary.Size(cell)+n*binary.Size(layer):]
			decode(place, &layer)
			for a := range layer.Access {
				m := &layer.Access[a]
				m.Block, m.Loud, m.Allow = m.Allow, m.Allow, m.Block
			}
			if _, err := binary.Encode(place, binary.LittleEndian, &layer); err != nil {
				panic(err)
			}
		}
	}
	const hash = 24 // where Header.SHA256 is
	clear(out[hash : hash+sha256.Size])
	sum := sha256.Sum256(out)
	copy(out[hash:], sum[:])
	return out
}
