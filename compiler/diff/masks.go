// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"fmt"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lineages"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// masks compares capabilities and system.
func (c *comparison) masks() error {
	old, new := c.layers[0], c.layers[1]
	for _, capability := range linux.Capabilities() {
		op := policy.Operation{Kind: policy.OpCapability, Capability: capability.Name}
		if err := c.number(policy.Capabilities, old.Capabilities, new.Capabilities, 1<<capability.Number, op, capability.Name); err != nil {
			return err
		}
	}
	for _, system := range policy.SystemOperations {
		op := policy.Operation{Kind: policy.OpSystem, System: system}
		if err := c.number(policy.System, old.System, new.System, 1<<system, op, system.String()); err != nil {
			return err
		}
	}
	return nil
}

// number compares one capability or operation. Those that change alike by the
// same rules become one change.
func (c *comparison) number(section policy.Section, old, new *ir.MaskTable, bit uint64, op policy.Operation, name string) error {
	relevant := c.Relevant(conditions(old, bit), conditions(new, bit))
	all, err := c.Moments(relevant)
	if err != nil {
		return err
	}
	for _, t := range c.transitions(all, func(side int, m lineages.Moment) policy.Verdict {
		op.Lineage = m.Lineage
		v, _ := c.layers[side].Decide(op, nil) // only moves of directories fail
		return v
	}) {
		from, _ := c.From(relevant, t.moments, all)
		op.Lineage = t.moments[0].Lineage
		ch := Change{Section: section, Witness: op, From: from}
		ch.Before, ch.After = c.decide(op, nil)
		ch.Kind, _ = kindOf(ch.Before, ch.After)
		c.add(ch, name)
	}
	return nil
}

// add adds a change, or its name to another that only differs in it.
func (c *comparison) add(ch Change, name string) {
	for i := range c.changes {
		o := &c.changes[i]
		if o.Section == ch.Section && o.Before == ch.Before && o.After == ch.After && fmt.Sprint(o.From) == fmt.Sprint(ch.From) {
			o.Others = append(o.Others, name)
			return
		}
	}
	c.changes = append(c.changes, ch)
}

// conditions lists those of the rules about a number.
func conditions(t *ir.MaskTable, bit uint64) []int {
	if t == nil {
		return nil
	}
	var out []int
	for _, g := range t.Groups {
		if g.Mask&bit != 0 {
			out = append(out, g.Cond)
		}
	}
	return out
}
