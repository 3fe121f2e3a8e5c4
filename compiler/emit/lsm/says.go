// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"iter"
	"math/bits"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// cell returns what the rules say about objects with these labels.
func (j *joint) cell(labels iter.Seq[int]) (bpf.Cell, []bpf.CellLayer) {
	var cell bpf.Cell
	layers := make([]bpf.CellLayer, len(j.layers))
	maps := make([]bpf.Masks, len(j.layers)) // blocked by process
	for label := range labels {
		switch {
		case label < len(j.groups):
			g := j.groups[label]
			l := &layers[g.layer]
			for access := uint64(g.Access); access != 0; access &= access - 1 {
				say(&l.Access[bits.TrailingZeros64(access)], g)
			}
			if blocksMap(g.PathGroup) {
				say(&maps[g.layer], g)
			}
			if g.Loader {
				l.LoaderAllow |= g.cond
			}
		case label == j.loader():
			cell.Loader = 1
		default:
			cell.Atoms |= j.atomOf[label-len(j.groups)]
		}
	}
	for i, l := range j.layers {
		if cell.Loader == 1 && !blocksExec(l) {
			layers[i].LoaderAllow = always
		}
		m := &layers[i].Access[bpf.Map]
		// A quiet Block of process does not silence the default of file.
		if maps[i].Block != 0 && *m == (bpf.Masks{}) && l.Paths.File != nil && l.Paths.File.Action == policy.Block {
			m.Loud = always
		}
		m.Block |= maps[i].Block
		m.Loud |= maps[i].Loud
	}
	return cell, layers
}

// say adds a group to what is said about one way of using a file.
func say(m *bpf.Masks, g group) { sayIf(m, g.Action, g.Quiet, g.cond) }

// sayIf adds a rule that applies under a condition.
func sayIf(m *bpf.Masks, action policy.Action, quiet bool, cond uint64) {
	switch action {
	case policy.Block:
		m.Block |= cond
		if !quiet {
			m.Loud |= cond
		}
	case policy.Audit:
		m.Audit |= cond
	default:
		m.Allow |= cond
	}
}

// blocksMap says whether a group of process also blocks mapping a file as
// executable.
func blocksMap(g ir.PathGroup) bool {
	return g.Section == policy.Process && g.Action == policy.Block && g.Cond == ir.Always
}

// anonymous lists the labels of objects without a path.
func (j *joint) anonymous() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, g := range j.groups {
			if g.Anonymous && !yield(i) {
				return
			}
		}
	}
}

// layer returns what a layer says apart from paths.
func (j *joint) layer(l *ir.Layer) bpf.Layer {
	var out bpf.Layer
	if t := l.Paths; t != nil {
		out.Process, out.File = byDefault(t.Process), byDefault(t.File)
		out.Closed, out.Relevant = pathFlags(t)
	}
	if t := l.System; t != nil {
		out.System, out.SystemCovers = byDefault(&t.Default), uint32(t.Covers)
		for _, g := range t.Groups {
			for mask := g.Mask; mask != 0; mask &= mask - 1 {
				sayIf(&out.Operations[bits.TrailingZeros64(mask)], g.Rule.Action, g.Rule.Quiet, j.condition(l, g.Cond))
			}
		}
	}
	return out
}

// byDefault translates the default of a section.
func byDefault(d *ir.Default) uint8 {
	if d == nil {
		return bpf.Ungoverned
	}
	return map[policy.Action]uint8{policy.Allow: bpf.Allow, policy.Audit: bpf.Audit, policy.Block: bpf.Block}[d.Action]
}

// pathFlags returns the Closed flags of a layer and the accesses that it does not
// allow silently whatever the path is.
func pathFlags(t *ir.PathTable) (closed uint8, relevant uint32) {
	process, file := t.BlocksAnything(policy.Process), t.BlocksAnything(policy.File)
	if process {
		closed |= bpf.ClosedProcess
		relevant |= uint32(policy.AccessExec)
	}
	if file {
		closed |= bpf.ClosedFile
		relevant |= uint32(policy.AccessFile)
	}
	if process || file { // carrying things out of reach
		relevant |= uint32(policy.AccessRename | policy.AccessLink)
	}
	if t.Process != nil && t.Process.Action != policy.Allow {
		relevant |= uint32(policy.AccessExec)
	}
	if t.File != nil && t.File.Action != policy.Allow {
		relevant |= uint32(policy.AccessFile)
	}
	for _, g := range t.Groups {
		if g.Action != policy.Allow {
			relevant |= uint32(g.Access)
		}
		if blocksMap(g) {
			closed |= bpf.ClosedMap
			relevant |= uint32(policy.AccessMap)
		}
	}
	return closed, relevant
}
