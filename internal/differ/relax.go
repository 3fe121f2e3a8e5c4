// SPDX-License-Identifier: Apache-2.0

package differ

import (
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/apparmor"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// announced says whether the lowering of a rule gives a reason.
func (c *Compiled) announced(p *policy.Policy, rule, reason string) bool {
	return slices.ContainsFunc(c.Lowerings, func(l emit.Lowering) bool {
		return l.Policy == p && l.Rule == rule && l.Status != emit.Exact && strings.Contains(l.Reason, reason)
	})
}

// status returns the status of a rule.
func (c *Compiled) status(p *policy.Policy, rule string) emit.Status {
	for _, l := range c.Lowerings {
		if l.Policy == p && l.Rule == rule {
			return l.Status
		}
	}
	return emit.Exact
}

// What AppArmor's `w` is in the words of the language.
const bundle = policy.AccessWrite | policy.AccessCreate | policy.AccessDelete | policy.AccessChmod | policy.AccessChown

const unmediated = policy.AccessTimes | policy.AccessXattr

// relax returns the policy that is left when what the lowerings give up is given
// up, but for the lineage (see fit): what it blocks must be blocked.
func (c *Compiled) relax(p *policy.Policy) *policy.Policy {
	out := *p
	for _, s := range []policy.Section{policy.Process, policy.File} {
		from := p.Paths(s)
		if from == nil {
			continue
		}
		section := *from
		section.Rules = nil
		for _, r := range from.Rules {
			if c.status(p, r.ID()) == emit.None {
				continue
			}
			if c.announced(p, r.ID(), apparmor.ReasonBundle) {
				r.Access = bundled(r.Access, r.Action == policy.Block)
			}
			if r.Action == policy.Block && c.announced(p, r.ID(), apparmor.ReasonUnmediated) {
				r.Access &^= unmediated
			}
			section.Rules = append(section.Rules, r)
		}
		for reason, access := range map[string]policy.Access{apparmor.ReasonUnmediated: unmediated, apparmor.ReasonLink: policy.AccessLink} {
			if s == policy.File && c.announced(p, "file/default", reason) {
				section.Rules = append(section.Rules, policy.PathRule{
					Rule:   policy.Rule{Section: policy.File, Name: "relaxed", Action: policy.Allow},
					Access: access, Paths: []policy.Pattern{{Text: "/**"}, {Text: "/"}},
				})
			}
		}
		if s == policy.Process && c.any(apparmor.ReasonLoader) {
			section.Rules = append(section.Rules, policy.PathRule{
				Rule:   policy.Rule{Section: policy.Process, Name: "loader", Action: policy.Allow},
				Access: policy.AccessExec, Paths: []policy.Pattern{{Text: ir.LoaderPattern}},
			})
		}
		if s == policy.Process {
			out.Process = &section
		} else {
			out.File = &section
		}
	}
	return &out
}

// bundled returns the accesses that fewer permissions block or allow.
func bundled(a policy.Access, block bool) policy.Access {
	if block {
		if a&bundle != bundle {
			a &^= bundle
			if a&policy.AccessRead == 0 {
				a &^= policy.AccessRename
			}
		}
		return a
	}
	if a&(bundle|policy.AccessRename) != 0 {
		a |= bundle | policy.AccessRename
	}
	if a&policy.AccessRename != 0 {
		a |= policy.AccessRead
	}
	return a
}

// held returns the relaxed policies for a process of which the first image is
// not known, nor any after a script: what depends on those is given up.
func (c *Compiled) held(images []string, scripts bool) []*policy.Policy {
	var out []*policy.Policy
	for i, p := range c.relaxed {
		original := c.trial.Policies[i]
		q := *p
		if p.Process != nil {
			section := *p.Process
			section.Rules = paths(c, original, section.Rules, images, scripts)
			q.Process = &section
		}
		if p.File != nil {
			section := *p.File
			section.Rules = paths(c, original, section.Rules, images, scripts)
			q.File = &section
		}
		if p.Capabilities != nil {
			section := *p.Capabilities
			section.Rules = nil
			for _, r := range p.Capabilities.Rules {
				if c.lineage(original, &r.Rule, images, scripts) {
					section.Rules = append(section.Rules, r)
				}
			}
			q.Capabilities = &section
		}
		out = append(out, &q)
	}
	return out
}

func paths(c *Compiled, p *policy.Policy, rules []policy.PathRule, images []string, scripts bool) []policy.PathRule {
	var out []policy.PathRule
	for _, r := range rules {
		if r.From != nil && c.announced(p, r.ID(), apparmor.ReasonImage) {
			image := r
			image.Access &= policy.AccessRead | policy.AccessMap
			image.From = nil
			out = append(out, image)
		}
		if c.lineage(p, &r.Rule, images, scripts) {
			out = append(out, r)
		}
	}
	return out
}

// lineage drops from a rule what is not known of the process. It returns false
// for a Block whose condition is not known at all.
func (c *Compiled) lineage(p *policy.Policy, r *policy.Rule, images []string, scripts bool) bool {
	if r.From == nil || p.Mode == policy.Enforce && !c.announced(p, r.ID(), apparmor.ReasonLineage) {
		return true
	}
	wild := slices.ContainsFunc(slices.Concat(r.From.Exe, r.From.Parent, r.From.Ancestor), func(p policy.Pattern) bool { return strings.Contains(p.Text, "*") })
	if wild || scripts && c.announced(p, r.ID(), apparmor.ReasonInterpreter) || c.announced(p, r.ID(), apparmor.ReasonLimit) {
		if r.Action == policy.Block {
			return false
		}
		r.From = nil
		return true
	}
	if r.Action == policy.Block {
		return true // decided with an unknown first image
	}
	from := *r.From
	if n := len(images); n == 1 || !c.named(images[n-1]) {
		from.Exe = nil
	}
	if n := len(images); n <= 2 || !c.named(images[n-2]) {
		from.Parent = nil
	}
	from.Ancestor = nil
	r.From = &from
	if len(from.Exe) == 0 && len(from.Parent) == 0 {
		r.From = nil
	}
	return true
}

// named says whether a condition names the program, so that it is known when it
// runs: others may be scripts.
func (c *Compiled) named(image string) bool {
	for _, p := range c.trial.Policies {
		for _, s := range policy.Sections {
			for _, r := range p.Rules(s) {
				if r.From == nil {
					continue
				}
				for _, pattern := range slices.Concat(r.From.Exe, r.From.Parent, r.From.Ancestor) {
					if !strings.Contains(pattern.Text, "*") && matches(pattern.Text, image) {
						return true
					}
				}
			}
		}
	}
	return false
}

func matches(pattern, path string) bool {
	g, err := automata.Parse(pattern)
	if err != nil {
		return false
	}
	l, err := automata.FromGlobs(automata.DefaultBudget, g)
	return err == nil && l.Has(path)
}
