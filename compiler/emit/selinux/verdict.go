// SPDX-License-Identifier: Apache-2.0

package selinux

import (
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// verdict is what holds for every process of the container.
type verdict struct {
	blocked bool
	// quiet is a Block that no rule wants reported.
	quiet bool
	// audited is set when some process's doing it has to be reported.
	audited bool
}

// ruleOf is a rule about a thing, and whether it is about every process.
type ruleOf struct {
	*policy.Rule
	always bool
}

// judge weighs the rules about one thing. Conditions on the lineage are not seen:
// a conditional Block is left out, and other conditional rules hold for all.
func judge(about []ruleOf, otherwise policy.Action) verdict {
	v := verdict{quiet: true}
	allowed, blocked := false, false
	for _, r := range about {
		switch {
		case r.Action != policy.Block:
			allowed = true
			v.audited = v.audited || r.Action == policy.Audit
		case r.always:
			blocked = true
			v.quiet = v.quiet && r.Quiet
		}
	}
	switch {
	case blocked:
		return verdict{blocked: true, quiet: v.quiet}
	case allowed:
		return verdict{audited: v.audited}
	}
	return verdict{blocked: otherwise == policy.Block, audited: otherwise == policy.Audit}
}

// maskVerdict judges the number of a bit.
func maskVerdict(t *ir.MaskTable, bit uint64) verdict {
	var about []ruleOf
	for _, g := range t.Groups {
		if g.Mask&bit != 0 {
			about = append(about, ruleOf{g.Rule, g.Cond == ir.Always})
		}
	}
	otherwise := policy.Allow
	if t.Covers&bit != 0 {
		otherwise = t.Default.Action
	}
	return judge(about, otherwise)
}
