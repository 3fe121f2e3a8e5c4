// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"strings"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// capabilities writes the section `capabilities`.
func (b *block) capabilities() {
	t := b.layer.Capabilities
	if t == nil {
		b.rule("capability")
		return
	}
	var allowed, audited, quiet []string
	full := true
	for _, name := range linux.CapabilityNames() {
		switch action, silent := b.mask(t, ir.CapabilityBit(name)); {
		case action == policy.Block && b.audits && !b.complain:
			allowed = append(allowed, name)
			if !silent {
				audited = append(audited, name)
			}
		case action == policy.Block:
			full = false
			if silent {
				quiet = append(quiet, name)
			}
		case action == policy.Audit:
			audited = append(audited, name)
			allowed = append(allowed, name)
		default:
			allowed = append(allowed, name)
		}
	}
	switch {
	case full:
		b.rule("capability")
	case len(allowed) > 0:
		b.rule("capability %s", words(allowed))
	}
	if len(audited) > 0 && !b.inner() {
		b.rule("audit capability %s", words(audited))
	}
	if len(quiet) > 0 && !b.audits {
		b.rule("deny capability %s", words(quiet))
	}
}

// mask decides about a number: a Block that surely holds, else an Allow or Audit
// that may, else the default. quiet says that no such Block is reported.
func (b *block) mask(t *ir.MaskTable, bit uint64) (action policy.Action, quiet bool) {
	found := false
	quiet = true
	for _, g := range t.Groups {
		how := holds(b.layer, b.known, g.Cond)
		if g.Mask&bit == 0 || how == never || g.Rule.Action == policy.Block && how != surely {
			continue
		}
		if !found || g.Rule.Action > action {
			action = g.Rule.Action
		}
		found = true
		quiet = quiet && (g.Rule.Action != policy.Block || g.Rule.Quiet)
	}
	if !found {
		if t.Covers&bit == 0 {
			return policy.Allow, false
		}
		return t.Default.Action, false
	}
	return action, action == policy.Block && quiet
}

func words(names []string) string { return strings.ToLower(strings.Join(names, " ")) }
