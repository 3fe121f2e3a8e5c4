// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/avert-dev/avert/compiler/diag"

// Rules returns the rules that the policy has in a section, in order.
func (p *Policy) Rules(s Section) []*Rule {
	var out []*Rule
	switch s {
	case Process, File:
		if section := p.Paths(s); section != nil {
			for i := range section.Rules {
				out = append(out, &section.Rules[i].Rule)
			}
		}
	case Network:
		if p.Network != nil {
			for i := range p.Network.Rules {
				out = append(out, &p.Network.Rules[i].Rule)
			}
		}
	case Syscalls:
		if p.Syscalls != nil {
			for i := range p.Syscalls.Rules {
				out = append(out, &p.Syscalls.Rules[i].Rule)
			}
		}
	case Capabilities:
		if p.Capabilities != nil {
			for i := range p.Capabilities.Rules {
				out = append(out, &p.Capabilities.Rules[i].Rule)
			}
		}
	case System:
		if p.System != nil {
			for i := range p.System.Rules {
				out = append(out, &p.System.Rules[i].Rule)
			}
		}
	}
	return out
}

// Default returns the default of a section, the strictest of both directions
// for Network, and the one that is implied for System. ok is false when the
// policy has no such section, or implies nothing.
func (p *Policy) Default(s Section) (action Action, span diag.Span, ok bool) {
	switch s {
	case Process, File:
		if section := p.Paths(s); section != nil {
			return section.Default, section.DefaultSpan, true
		}
	case Network:
		if p.Network != nil {
			return max(p.Network.Ingress, p.Network.Egress), p.Network.DefaultSpan, true
		}
	case Syscalls:
		if p.Syscalls != nil {
			return p.Syscalls.Default, p.Syscalls.DefaultSpan, true
		}
	case Capabilities:
		if p.Capabilities != nil {
			return p.Capabilities.Default, p.Capabilities.DefaultSpan, true
		}
	case System:
		if p.Process.BlocksAnything() || p.File.BlocksAnything() {
			return Block, p.Span, true
		}
	}
	return Allow, diag.Span{}, false
}

// Governs says whether the policy says anything about a section.
func (p *Policy) Governs(s Section) bool {
	_, _, ok := p.Default(s)
	return ok || s == System && p.System != nil
}

// Covers says whether the entry is about a rule of a target. Rule is
// "section/name" or, with a star, a whole section.
func (a *Accept) Covers(rule, target string) bool {
	if a.Target != "" && a.Target != target {
		return false
	}
	prefix, star := cutStar(a.Rule)
	return a.Rule == rule || star && len(rule) > len(prefix) && rule[:len(prefix)] == prefix
}

// cutStar splits "section/*" into "section/" and true.
func cutStar(rule string) (prefix string, star bool) {
	if n := len(rule); n > 1 && rule[n-1] == '*' {
		return rule[:n-1], true
	}
	return "", false
}
