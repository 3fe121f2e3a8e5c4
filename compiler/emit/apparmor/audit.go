// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// wouldBlock reports what policies in mode Audit would block. Where the profile
// allows a path at all, `audit` reports its use.
func (b *block) wouldBlock() {
	if b.inner() {
		return
	}
	open := func(d *ir.Default) bool { return d == nil || d.Action != policy.Block }
	enforced := b.unit.Enforced.Paths
	for _, l := range b.unit.Audits {
		if l.Paths == nil {
			continue
		}
		for _, r := range l.Paths.Rules {
			if r.Rule.Action != policy.Block || r.Rule.Quiet {
				continue
			}
			switch {
			case r.Rule.Section == policy.File && (enforced == nil || open(enforced.File)):
				if permissions := granted(r.Access); permissions != "" {
					b.paths("audit", r.Globs, permissions)
				}
			case r.Rule.Section == policy.Process && (enforced == nil || open(enforced.Process)) && len(b.domains.all) == 1:
				for _, g := range r.Globs {
					for _, p := range b.patterns(g, formFiles) {
						b.rule("audit %s %s", p, b.mode(b.at))
					}
				}
			}
		}
	}
}
