// SPDX-License-Identifier: Apache-2.0

package differ

import (
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// Smaller returns trials that are one step smaller and may still show a
// difference at the attempt with the given index, the most promising first.
func Smaller(t *Trial, index int) []*Trial {
	var out []*Trial
	add := func(change func(*Trial)) {
		c := clone(t)
		change(c)
		out = append(out, c)
	}
	// What comes after does not matter; of what comes before, only execs may.
	if len(t.Attempts) > index+1 {
		add(func(c *Trial) { c.Attempts = c.Attempts[:index+1] })
	}
	if slices.ContainsFunc(t.Attempts[:index], func(a Attempt) bool { return !a.Exec }) {
		add(func(c *Trial) {
			last := c.Attempts[index:]
			c.Attempts = append(slices.DeleteFunc(slices.Clone(c.Attempts[:index]), func(a Attempt) bool { return !a.Exec }), last...)
		})
	}
	for i := range t.Attempts[:index] {
		add(func(c *Trial) { c.Attempts = slices.Delete(c.Attempts, i, i+1) })
	}
	for i, p := range t.Policies {
		if len(t.Policies) > 1 {
			add(func(c *Trial) { c.Policies = slices.Delete(c.Policies, i, i+1) })
		}
		if p.Capabilities != nil {
			add(func(c *Trial) { c.Policies[i].Capabilities = nil })
		}
		for _, s := range []policy.Section{policy.Process, policy.File} {
			section := p.Paths(s)
			if section == nil {
				continue
			}
			add(func(c *Trial) { setPaths(c.Policies[i], s, nil) })
			for r := range section.Rules {
				add(func(c *Trial) { c.Policies[i].Paths(s).Rules = slices.Delete(c.Policies[i].Paths(s).Rules, r, r+1) })
				rule := func(c *Trial) *policy.PathRule { return &c.Policies[i].Paths(s).Rules[r] }
				if section.Rules[r].From != nil {
					add(func(c *Trial) { rule(c).From = nil })
				}
				if n := len(section.Rules[r].Paths) + len(section.Rules[r].Names); n > 1 {
					for k := range section.Rules[r].Paths {
						add(func(c *Trial) { rule(c).Paths = slices.Delete(rule(c).Paths, k, k+1) })
					}
					for k := range section.Rules[r].Names {
						add(func(c *Trial) { rule(c).Names = slices.Delete(rule(c).Names, k, k+1) })
					}
				}
			}
		}
	}
	return slices.DeleteFunc(out, func(c *Trial) bool {
		return !slices.ContainsFunc(c.Policies, func(p *policy.Policy) bool { return p.Process != nil || p.File != nil || p.Capabilities != nil })
	})
}

func setPaths(p *policy.Policy, s policy.Section, to *policy.PathSection) {
	if s == policy.Process {
		p.Process = to
	} else {
		p.File = to
	}
}

// clone copies what Smaller changes.
func clone(t *Trial) *Trial {
	c := *t
	c.Attempts = slices.Clone(t.Attempts)
	c.Policies = nil
	for _, p := range t.Policies {
		q := *p
		for _, s := range []policy.Section{policy.Process, policy.File} {
			if section := p.Paths(s); section != nil {
				copied := *section
				copied.Rules = slices.Clone(section.Rules)
				for i := range copied.Rules {
					copied.Rules[i].Paths = slices.Clone(copied.Rules[i].Paths)
					copied.Rules[i].Names = slices.Clone(copied.Rules[i].Names)
				}
				setPaths(&q, s, &copied)
			}
		}
		c.Policies = append(c.Policies, &q)
	}
	return &c
}
