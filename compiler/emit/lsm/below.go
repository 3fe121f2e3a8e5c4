// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// uses is all that decides which uses of a path a layer blocks: nothing else can
// be carried out of reach. Allows count where the default is Block.
type uses struct {
	block, allow [bpf.Accesses]uint64
	loader       bool
	loaderAllow  uint64
}

// usesOf reduces what a layer says about labels.
func (j *joint) usesOf(layer int, labels automata.Labels) uses {
	cell, layers := j.cell(labels.All())
	l := j.layers[layer]
	var out uses
	for access, m := range layers[layer].Access {
		out.block[access] = m.Block
		if section := sectionOf(l, access); section != nil && section.Action == policy.Block {
			out.allow[access] = m.Allow | m.Audit
		}
	}
	if cell.Loader == 1 && blocksExec(l) {
		out.loader, out.loaderAllow = true, layers[layer].LoaderAllow
	}
	return out
}

// sectionOf returns what governs an access, or nil.
func sectionOf(l *ir.Layer, access int) *ir.Default {
	switch {
	case l.Paths == nil:
		return nil
	case access == bpf.Exec:
		return l.Paths.Process
	}
	return l.Paths.File
}

// views returns one view of each layer: it tells labels apart by their uses.
func (j *joint) views() []automata.View {
	var out []automata.View
	for i := range j.layers {
		numbers := map[uses]int{{}: 0}
		out = append(out, func(labels automata.Labels) int {
			u := j.usesOf(i, labels)
			n, ok := numbers[u]
			if !ok {
				n = len(numbers)
				numbers[u] = n
			}
			return n
		})
	}
	return out
}

// below returns what each layer says below a directory. Whether a loader below is
// allowed depends on its name, so that all loaders count as blocked.
func (j *joint) below(b automata.Below) []bpf.BelowLayer {
	out := make([]bpf.BelowLayer, len(j.layers))
	for i := range out {
		u, to := j.usesOf(i, b.Labels), &out[i]
		to.Class = uint64(b.Classes[i])
		for access := range bpf.Accesses {
			if access == bpf.Exec {
				to.BlockProcess |= u.block[access]
				to.AllowProcess |= u.allow[access]
			} else {
				to.BlockFile |= u.block[access]
				to.AllowFile |= u.allow[access]
			}
		}
		if u.loader {
			to.BlockProcess |= always
		}
	}
	return out
}
