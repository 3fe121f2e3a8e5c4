// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// programs writes the section `process`.
func (b *block) programs() {
	for c, cell := range b.domains.cells {
		target := b.domains.all[b.at].next[c]
		if target == refused {
			continue
		}
		f := formFiles
		if cell.glob == everything {
			f = formBoth // the kernel names a program in a memfd "/"
		}
		for _, p := range b.patterns(cell.glob, f) {
			b.rule("%s", strings.TrimSpace(b.audited(cell)+" "+p+" "+b.mode(target)))
		}
	}
	t := b.layer.Paths
	if t == nil || t.Process == nil {
		return
	}
	for _, r := range b.blocks(policy.Process) {
		permissions := "x"
		if r.Cond == ir.Always {
			permissions = "mx"
		}
		for _, g := range r.Globs {
			for _, p := range b.patterns(g, formFiles) {
				b.rule("%s %s %s", verb(r.Rule.Quiet), p, permissions)
			}
		}
	}
	if b.audits {
		// Everything may start. What a profile in complain form does not allow leads to
		// one that the kernel makes up, without the floor.
		if t.Process.Action == policy.Block {
			b.rule("audit /{,**} ix")
		}
	} else if b.deniesLoader(b.known) && !(b.inner() && b.deniesLoader(b.domains.all[0].known)) {
		for _, p := range b.patterns(loader, formFiles) {
			b.rule("audit deny %s x", p)
		}
	}
}

// mode is how a program starts that leads to a domain. For the parser `ix` implies
// `m`, which would let be mapped what may only be executed; a transition to the
// same profile does not.
func (b *block) mode(target int) string {
	if b.audits || target == b.at && !b.blocksFiles() {
		return "ix"
	}
	return "px -> " + b.label(target)
}

// audited returns "audit" for programs whose start is reported.
func (b *block) audited(c cell) string {
	t := b.layer.Paths
	if t == nil || t.Process == nil || b.inner() {
		return ""
	}
	audit := c.all && t.Process.Action == policy.Audit
	for _, r := range c.rules {
		audit = audit || r.Rule.Action == policy.Audit && holds(b.layer, b.known, r.Cond) != never
	}
	if audit {
		return "audit"
	}
	return ""
}

// deniesLoader says whether dynamic loaders may not be started directly. A rule
// that names one lets all be: a profile has no exceptions from a denial.
func (b *builder) deniesLoader(k knowledge) bool {
	t := b.layer.Paths
	if !t.BlocksAnything(policy.Process) {
		return false
	}
	return !slices.ContainsFunc(t.Groups, func(g ir.PathGroup) bool {
		return g.Loader && holds(b.layer, k, g.Cond) != never
	})
}
