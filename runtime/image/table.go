// SPDX-License-Identifier: Apache-2.0

package image

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/avert-dev/avert/bpf"
)

// Sizes in bytes.
var (
	headSize       = binary.Size(bpf.Head{})
	cellSize       = binary.Size(bpf.Cell{})
	cellLayerSize  = binary.Size(bpf.CellLayer{})
	belowLayerSize = binary.Size(bpf.BelowLayer{})
)

// Of slots: see package automata.
const (
	sinkBit    = 1 << 23
	nextMask   = 1<<24 - 1
	rowSpan    = 256
	firstClass = 2
)

// maxTable is the size of the largest table that a kernel takes.
var maxTable = bpf.TableSizes[len(bpf.TableSizes)-1]

// table is a table whose references have been verified.
type table struct {
	head   bpf.Head
	data   []byte
	counts Counts
}

// Counts is what a table holds.
type Counts struct {
	// Rows are the states of the automata; Slots what they take, gaps included.
	Rows, Slots int
	// Cells and Belows are those that are referred to.
	Cells, Belows int
}

// decodeTable reads and verifies the section of the table.
func decodeTable(section []byte) (*table, error) {
	if len(section) < headSize {
		return nil, errors.New("cut off in its head")
	}
	t := &table{}
	if err := decodeStruct(section[:headSize], &t.head); err != nil {
		return nil, err
	}
	n := int(t.head.Bytes)
	switch {
	case n < headSize || n > len(section):
		return nil, fmt.Errorf("says that it has %d bytes, and the section has %d", n, len(section))
	case n > maxTable:
		return nil, fmt.Errorf("has %d bytes; kernels take at most %d", n, maxTable)
	case len(section)-n >= 8:
		return nil, fmt.Errorf("%d bytes of padding, at most 7 are needed", len(section)-n)
	}
	for _, b := range section[n:] {
		if b != 0 {
			return nil, errors.New("padding is not zero")
		}
	}
	t.data = section[:n:n]
	return t, t.verify()
}

func (t *table) slot(i uint32) uint32 { return binary.LittleEndian.Uint32(t.data[4*int(i):]) }

// step returns the reference to the next state.
func (t *table) step(ref uint32, b byte) uint32 {
	c := uint32(t.head.Classes[b])
	slot := t.slot(ref + c)
	if slot>>24 != c {
		slot = t.slot(ref)
	}
	return slot & nextMask
}

// accepted returns what a state accepts: a reference to a Cell, or with
// bpf.BelowBit to a Below. ok is false when it accepts nothing.
func (t *table) accepted(ref uint32) (value uint32, ok bool) {
	slot := t.slot(ref&^sinkBit + 1)
	return slot & nextMask, slot>>24 == 1
}

// words reads one number after the other.
type words []byte

func (t *table) words(ref uint32, skip int) words { return words(t.data[8*int(ref)+skip:]) }

func (w *words) next() uint64 {
	v := binary.LittleEndian.Uint64(*w)
	*w = (*w)[8:]
	return v
}

func (w *words) masks() bpf.Masks {
	return bpf.Masks{Block: w.next(), Loud: w.next(), Audit: w.next(), Allow: w.next()}
}

// cell returns the part of a Cell about all layers.
func (t *table) cell(ref uint32) bpf.Cell {
	w := t.words(ref, 0)
	c := bpf.Cell{Atoms: w.next()}
	both := w.next()
	c.Below, c.Loader = uint32(both), uint32(both>>32)
	return c
}

// cellLayer returns the part of a Cell about one layer.
func (t *table) cellLayer(ref uint32, layer int) bpf.CellLayer {
	w := t.words(ref, cellSize+layer*cellLayerSize)
	l := bpf.CellLayer{LoaderAllow: w.next()}
	for i := range l.Access {
		l.Access[i] = w.masks()
	}
	return l
}

// belowLayer returns the part of a Below about one layer.
func (t *table) belowLayer(ref uint32, layer int) bpf.BelowLayer {
	w := t.words(ref, layer*belowLayerSize)
	return bpf.BelowLayer{Class: w.next(), BlockProcess: w.next(), BlockFile: w.next(), AllowProcess: w.next(), AllowFile: w.next()}
}
