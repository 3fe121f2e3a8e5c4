// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"fmt"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// builder makes one layer.
type builder struct {
	layer *ir.Layer
	list  *diag.List
	atoms map[string]uint64 // joined patterns -> bit
	conds map[ir.Cond]int
	tight *policy.Rule // the first rule whose condition no longer fits a State
}

func layer(ps []*policy.Policy, list *diag.List) *ir.Layer {
	b := &builder{layer: &ir.Layer{Policies: ps}, list: list, atoms: map[string]uint64{}, conds: map[ir.Cond]int{}}
	b.network()
	b.syscalls()
	b.capabilities()
	b.system()
	b.paths() // last: its automaton has the atoms of all sections
	if b.tight != nil {
		list.Report(diag.LineageBudget, b.tight.Span, fmt.Sprintf("the conditions on lineages up to this rule need more than %d bits", ir.MaxAtoms),
			diag.Hint("use the same list of patterns in several rules, or exe in place of parent and ancestor"))
	}
	return b.layer
}

// deflt returns the strictest default among policies, of the first that has it.
// section yields whether a policy has the section, its default and its place.
func deflt(ps []*policy.Policy, s policy.Section, section func(*policy.Policy) (has bool, action policy.Action, span diag.Span)) *ir.Default {
	var d *ir.Default
	for _, p := range ps {
		has, action, span := section(p)
		if has && (d == nil || action > d.Action) {
			d = &ir.Default{Action: action, Rule: policy.RuleRef{Policy: p.ID(), Rule: s.String() + "/" + policy.BuiltinDefault, Span: span}}
		}
	}
	return d
}

func (b *builder) network() {
	ps := b.layer.Policies
	side := func(d policy.Direction) *ir.Default {
		return deflt(ps, policy.Network, func(p *policy.Policy) (bool, policy.Action, diag.Span) {
			if p.Network == nil {
				return false, 0, diag.Span{}
			}
			return true, p.Network.Default(d), p.Network.DefaultSpan
		})
	}
	ingress := side(policy.Ingress)
	if ingress == nil {
		return
	}
	t := &ir.NetworkTable{Ingress: *ingress, Egress: *side(policy.Egress)}
	for _, p := range ps {
		if p.Network == nil {
			continue
		}
		for i := range p.Network.Rules {
			r := &p.Network.Rules[i]
			t.Rules = append(t.Rules, networkRule(p, r, b.cond(&r.Rule)))
		}
	}
	b.layer.Network = t
}

func (b *builder) syscalls() {
	d := deflt(b.layer.Policies, policy.Syscalls, func(p *policy.Policy) (bool, policy.Action, diag.Span) {
		if p.Syscalls == nil {
			return false, 0, diag.Span{}
		}
		return true, p.Syscalls.Default, p.Syscalls.DefaultSpan
	})
	if d == nil {
		return
	}
	t := &ir.SyscallTable{Default: *d, Calls: map[string]*ir.Call{}}
	for _, p := range b.layer.Policies {
		if p.Syscalls == nil {
			continue
		}
		t.RuntimeDefault = t.RuntimeDefault || !p.Syscalls.BaseNone
		for i := range p.Syscalls.Rules {
			r := &p.Syscalls.Rules[i]
			for _, name := range r.Names {
				if t.Calls[name.Text] == nil {
					t.Calls[name.Text] = &ir.Call{}
				}
				c := t.Calls[name.Text]
				c.Cases = append(c.Cases, ir.CallCase{Source: ir.Source{Policy: p, Rule: &r.Rule}, Args: r.Args, Errno: r.Errno})
			}
		}
	}
	b.layer.Syscalls = t
}

func (b *builder) capabilities() {
	d := deflt(b.layer.Policies, policy.Capabilities, func(p *policy.Policy) (bool, policy.Action, diag.Span) {
		if p.Capabilities == nil {
			return false, 0, diag.Span{}
		}
		return true, p.Capabilities.Default, p.Capabilities.DefaultSpan
	})
	if d == nil {
		return
	}
	t := &ir.MaskTable{Default: *d}
	for _, c := range linux.Capabilities() {
		t.Covers |= 1 << c.Number
	}
	for _, p := range b.layer.Policies {
		if p.Capabilities == nil {
			continue
		}
		for i := range p.Capabilities.Rules {
			r := &p.Capabilities.Rules[i]
			g := ir.MaskGroup{Source: ir.Source{Policy: p, Rule: &r.Rule}, Cond: b.cond(&r.Rule)}
			for _, name := range r.Names {
				g.Mask |= ir.CapabilityBit(name.Text)
			}
			t.Groups = append(t.Groups, g)
		}
	}
	b.layer.Capabilities = t
}

// system is governed by itself as soon as process or file rules block anything:
// paths mean little to who may mount over them.
func (b *builder) system() {
	t := &ir.MaskTable{}
	governed := false
	for _, p := range b.layer.Policies {
		if t.Default.Action != policy.Block && (p.Process.BlocksAnything() || p.File.BlocksAnything()) {
			t.Default = ir.Default{Action: policy.Block, Rule: policy.RuleRef{Policy: p.ID(), Rule: policy.System.String() + "/" + policy.BuiltinDefault}}
			governed = true
		}
		if p.System == nil {
			continue
		}
		governed = true
		for i := range p.System.Rules {
			r := &p.System.Rules[i]
			g := ir.MaskGroup{Source: ir.Source{Policy: p, Rule: &r.Rule}, Cond: b.cond(&r.Rule)}
			for _, o := range r.Operations {
				g.Mask |= 1 << o
			}
			t.Groups = append(t.Groups, g)
		}
	}
	if !governed {
		return
	}
	if t.Default.Action == policy.Block {
		for _, o := range policy.SystemOperations {
			if o != policy.IOUring {
				t.Covers |= 1 << o
			}
		}
	}
	b.layer.System = t
}
