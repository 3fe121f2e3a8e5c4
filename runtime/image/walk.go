// SPDX-License-Identifier: Apache-2.0

package image

import "github.com/avert-dev/avert/bpf"

// walk returns the state of a part after a path: a reference.
func (t *table) walk(ref uint32, path string) uint32 {
	for i := 0; i < len(path) && ref&sinkBit == 0; i++ {
		ref = t.step(ref, path[i])
	}
	return ref
}

// cellsOf returns the references to the cells of a path.
func (t *table) cellsOf(path string) []uint32 {
	var out []uint32
	for _, start := range t.head.Starts[:t.head.Parts] {
		if ref, ok := t.accepted(t.walk(start, path)); ok {
			out = append(out, ref)
		}
	}
	return out
}

// belowOf returns what a part says to a layer about what is below a directory.
func (t *table) belowOf(part, layer int, directory string) bpf.BelowLayer {
	state := t.walk(t.head.Starts[part], directory+"/")
	if state&sinkBit == 0 {
		ref, ok := t.accepted(t.step(state, 0))
		if !ok || ref&bpf.BelowBit == 0 {
			return bpf.BelowLayer{}
		}
		return t.belowLayer(ref&^bpf.BelowBit, layer)
	}
	ref, ok := t.accepted(state)
	if !ok {
		return bpf.BelowLayer{}
	}
	if ref = t.cell(ref).Below; ref == 0 {
		return bpf.BelowLayer{}
	}
	return t.belowLayer(ref, layer)
}
