// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"strings"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// files writes the section `file`.
func (b *block) files() {
	t := b.layer.Paths
	allowAll := func(before string) { b.rule("%s", strings.TrimSpace(before+` /{,**} rwlkm`)) }
	if t == nil || t.File == nil {
		allowAll("")
		return
	}
	var allows []*ir.PathRule
	same := true // as in the first profile
	for _, r := range t.Rules {
		if r.Rule.Section != policy.File || r.Rule.Action == policy.Block {
			continue
		}
		if holds(b.layer, b.known, r.Cond) == never {
			same = false
		} else {
			allows = append(allows, r)
		}
	}
	switch {
	case b.audits && !b.complain:
		allowAll("")
	case t.File.Action == policy.Block && b.inner() && same:
		allowAll("")
		allows = nil
	case t.File.Action == policy.Block && b.inner():
		b.ownImages()
	case t.File.Action == policy.Audit && !b.inner():
		allowAll("audit")
	case t.File.Action != policy.Block:
		allowAll("")
	}
	for _, r := range allows {
		permissions := granted(r.Access)
		switch audit := r.Rule.Action == policy.Audit; {
		case permissions == "" || !audit && t.File.Action != policy.Block:
		case audit:
			b.paths("audit", r.Globs, permissions)
		default:
			b.paths("", r.Globs, permissions)
		}
	}
	for _, r := range b.blocks(policy.File) {
		if permissions := denied(r.Access); permissions != "" {
			b.paths(verb(r.Rule.Quiet), r.Globs, permissions)
		}
		if r.Access&policy.AccessLink != 0 {
			b.paths(verb(r.Rule.Quiet)+" link /** ->", r.Globs, "")
		}
	}
}

// ownImages lets a program that changed domain be mapped: the kernel asks the
// new profile for the image, the dynamic loader and the interpreter of a script
// (common_mmap). The first profile still says who may read them otherwise.
func (b *block) ownImages() {
	for c, cell := range b.domains.cells {
		if b.domains.all[0].next[c] != refused {
			for _, p := range b.patterns(cell.glob, formFiles) {
				b.rule("%s mr", p)
			}
		}
	}
	for _, p := range b.patterns(loader, formFiles) {
		b.rule("%s mr", p)
	}
}

var loader = parseGlob(ir.LoaderPattern)
