// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/policy"
)

// verify holds everything in a table against the layout.
func (t *table) verify() error {
	if err := t.verifyHead(); err != nil {
		return err
	}
	v := newVerifier(t)
	if err := v.automata(); err != nil {
		return err
	}
	if err := v.nothing(); err != nil {
		return fmt.Errorf("a path without rules: %w", err)
	}
	if ref := t.head.Anonymous; ref != 0 {
		if err := v.cell(ref); err != nil {
			return fmt.Errorf("objects without a path: %w", err)
		}
	}
	if s, r := v.slots, v.records; s.begin < r.end && r.begin < s.end {
		return fmt.Errorf("slots at bytes %d to %d, and cells among them at %d to %d", s.begin, s.end, r.begin, r.end)
	}
	t.counts = Counts{Rows: v.rows.count(), Slots: (v.slots.end - v.slots.begin) / 4, Cells: v.cells.count(), Belows: v.belows.count()}
	return nil
}

// conditions returns the bits that masks may have.
func (t *table) conditions() uint64 { return 1<<t.head.Conditions - 1 | 1<<bpf.Always }

// verifyHead holds the head against the limits of the layout. What an image does
// not use of it is zero.
func (t *table) verifyHead() error {
	h := &t.head
	switch {
	case h.Generation != 0 || h.Carried != 0 || h.Carry != [bpf.Carries][bpf.MaxAtoms]uint8{}:
		return errors.New("fields that belong to the loader are not zero")
	case h.Layers < 1 || h.Layers > bpf.MaxLayers:
		return fmt.Errorf("%d layers, not 1 to %d", h.Layers, bpf.MaxLayers)
	case h.Parts > bpf.MaxParts:
		return fmt.Errorf("%d parts, at most %d are possible", h.Parts, bpf.MaxParts)
	case h.Conditions > bpf.MaxConditions:
		return fmt.Errorf("%d conditions, at most %d are possible", h.Conditions, bpf.MaxConditions)
	case h.Atoms > bpf.MaxAtoms:
		return fmt.Errorf("%d atoms, at most %d are possible", h.Atoms, bpf.MaxAtoms)
	case h.Parents&^t.atoms() != 0 || h.Ancestors&^t.atoms() != 0:
		return fmt.Errorf("conditions on parents or ancestors use an atom that is not among the %d", h.Atoms)
	}
	for i, s := range h.Starts[h.Parts:] {
		if s != 0 {
			return fmt.Errorf("part %d has a start, and there are %d parts", int(h.Parts)+i, h.Parts)
		}
	}
	for i, c := range h.Conds {
		switch {
		case i >= int(h.Conditions) && c != bpf.Condition{}:
			return fmt.Errorf("condition %d is set, and there are %d", i, h.Conditions)
		case bits.OnesCount64(c.Exe) > 1 || bits.OnesCount64(c.Parent) > 1 || bits.OnesCount64(c.Ancestor) > 1:
			return fmt.Errorf("condition %d has several atoms in one field", i)
		case c.Exe&^t.atoms() != 0 || c.Parent&^h.Parents != 0 || c.Ancestor&^h.Ancestors != 0:
			return fmt.Errorf("condition %d uses an atom that is not kept", i)
		}
	}
	var relevant uint32
	for i := range h.Layer {
		l := &h.Layer[i]
		relevant |= l.Relevant
		if i >= int(h.Layers) {
			if *l != (bpf.Layer{}) {
				return fmt.Errorf("layer %d is set, and there are %d", i, h.Layers)
			}
			continue
		}
		if err := t.verifyLayer(l); err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
	}
	if h.Relevant != relevant {
		return fmt.Errorf("accesses %#x are relevant, and to the layers %#x", h.Relevant, relevant)
	}
	for b, c := range h.Classes {
		if c < firstClass {
			return fmt.Errorf("byte %d has class %d, the smallest is %d", b, c, firstClass)
		}
	}
	return nil
}

// atoms returns the bits that sets of atoms may have.
func (t *table) atoms() uint64 { return 1<<t.head.Atoms - 1 }

func (t *table) verifyLayer(l *bpf.Layer) error {
	for _, d := range []uint8{l.Process, l.File, l.System} {
		if d > bpf.Block {
			return fmt.Errorf("%d is no default", d)
		}
	}
	switch {
	case l.Closed > bpf.ClosedProcess|bpf.ClosedFile|bpf.ClosedMap:
		return fmt.Errorf("unknown flags %#x about paths that cannot be known", l.Closed)
	case l.SystemCovers >= 1<<len(policy.SystemOperations):
		return fmt.Errorf("its default of system covers unknown operations: %#x", l.SystemCovers)
	case l.Relevant >= 1<<bpf.Accesses:
		return fmt.Errorf("unknown accesses are relevant: %#x", l.Relevant)
	}
	for i, m := range l.Operations {
		if i >= len(policy.SystemOperations) && m != (bpf.Masks{}) {
			return fmt.Errorf("operation %d of system does not exist", i)
		}
		if err := verifyMasks(m, t.conditions()); err != nil {
			return fmt.Errorf("operation %d of system: %w", i, err)
		}
	}
	return nil
}

func verifyMasks(m bpf.Masks, conditions uint64) error {
	if err := verifyMask(m.Block|m.Loud|m.Audit|m.Allow, conditions); err != nil {
		return err
	}
	if m.Loud&^m.Block != 0 {
		return errors.New("what does not block reports blocks")
	}
	return nil
}

func verifyMask(mask, conditions uint64) error {
	if unknown := mask &^ conditions; unknown != 0 {
		return fmt.Errorf("condition %d does not exist", bits.TrailingZeros64(unknown))
	}
	return nil
}
