// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// cond numbers the rule's condition on the lineage.
func (b *builder) cond(r *policy.Rule) int {
	if r.From == nil {
		return ir.Always
	}
	c := ir.Cond{Exe: b.atom(r.From.Exe), Parent: b.atom(r.From.Parent), Ancestor: b.atom(r.From.Ancestor)}
	i, ok := b.conds[c]
	if !ok {
		l := &b.layer.Lineage
		i = len(l.Conds)
		b.conds[c] = i
		l.Conds = append(l.Conds, c)
		l.Parents |= c.Parent
		l.Ancestors |= c.Ancestor
		if l.Bits() > ir.MaxAtoms && b.tight == nil {
			b.tight = r
		}
	}
	return i
}

// atom returns the bit of a list of patterns. Lists of the same patterns share
// one. Beyond MaxAtoms there are none left, which cond reports.
func (b *builder) atom(patterns []policy.Pattern) uint64 {
	if len(patterns) == 0 {
		return 0
	}
	var texts []string
	for _, p := range patterns {
		texts = append(texts, p.Text)
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	key := strings.Join(texts, "\x00")
	bit, ok := b.atoms[key]
	if !ok {
		l := &b.layer.Lineage
		if len(l.Atoms) < ir.MaxAtoms {
			bit = 1 << len(l.Atoms)
		}
		l.Atoms = append(l.Atoms, texts)
		b.atoms[key] = bit
	}
	return bit
}
