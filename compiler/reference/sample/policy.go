// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"strconv"

	"github.com/avert-dev/avert/compiler/policy"
	"pgregory.net/rapid"
)

// namespace is that of all policies: they govern one container.
const namespace = "shop"

// Policies draws one to three policies that govern one container, in either
// mode, each with at least half of the sections.
func Policies() *rapid.Generator[[]*policy.Policy] {
	return rapid.Custom(func(t *rapid.T) []*policy.Policy {
		var out []*policy.Policy
		for n := range rapid.IntRange(1, 3).Draw(t, "policies") {
			out = append(out, onePolicy(t, "p"+strconv.Itoa(n)))
		}
		return out
	})
}

func onePolicy(t *rapid.T, name string) *policy.Policy {
	p := &policy.Policy{
		Namespace: namespace,
		Name:      name,
		Mode:      pick(t, "mode", policy.Enforce, policy.Enforce, policy.Enforce, policy.AuditMode),
	}
	sections := rapid.SliceOfNDistinct(rapid.SampledFrom(policy.Sections[:]), 3, len(policy.Sections), rapid.ID)
	for _, section := range sections.Draw(t, "sections") {
		govern(t, p, section)
	}
	number(p)
	return p
}

// govern gives the policy a section.
func govern(t *rapid.T, p *policy.Policy, section policy.Section) {
	switch section {
	case policy.Process:
		p.Process = &policy.PathSection{Default: action(t, "default")}
		for _, r := range rules(t, section, 3) {
			p.Process.Rules = append(p.Process.Rules, pathRule(t, r, policy.AccessExec))
		}
	case policy.File:
		p.File = &policy.PathSection{Default: action(t, "default")}
		for _, r := range rules(t, section, 4) {
			p.File.Rules = append(p.File.Rules, pathRule(t, r, access(t)))
		}
	case policy.Network:
		p.Network = &policy.NetworkSection{Ingress: action(t, "ingress"), Egress: action(t, "egress")}
		for _, r := range rules(t, section, 4) {
			p.Network.Rules = append(p.Network.Rules, networkRule(t, r))
		}
	case policy.Syscalls:
		p.Syscalls = &policy.SyscallSection{Default: action(t, "default"), BaseNone: rapid.Bool().Draw(t, "base: None")}
		for _, r := range rules(t, section, 4) {
			p.Syscalls.Rules = append(p.Syscalls.Rules, syscallRule(t, r))
		}
	case policy.Capabilities:
		p.Capabilities = &policy.CapabilitySection{Default: action(t, "default")}
		for _, r := range rules(t, section, 3) {
			p.Capabilities.Rules = append(p.Capabilities.Rules,
				policy.CapabilityRule{Rule: r, Names: texts(some(t, "capabilities", 2, capabilities...))})
		}
	case policy.System:
		p.System = &policy.SystemSection{}
		for _, r := range rules(t, section, 3) {
			p.System.Rules = append(p.System.Rules,
				policy.SystemRule{Rule: r, Operations: some(t, "operations", 3, policy.SystemOperations[:]...)})
		}
	}
}

func action(t *rapid.T, label string) policy.Action {
	return pick(t, label, policy.Allow, policy.Audit, policy.Block)
}

// rules draws what the rules of a section have in common. Lineages matter to
// process and file most; elsewhere a condition on them is rare.
func rules(t *rapid.T, section policy.Section, most int) []policy.Rule {
	oneIn := 8
	if section == policy.Process || section == policy.File {
		oneIn = 3
	}
	var out []policy.Rule
	for n := range rapid.IntRange(0, most).Draw(t, section.String()+" rules") {
		r := policy.Rule{Section: section, Name: "r" + strconv.Itoa(n), Action: action(t, "action")}
		r.Quiet = r.Action == policy.Block && chance(t, "quiet", 3)
		// A system call filter knows no lineage: the language has no from there.
		if section != policy.Syscalls && chance(t, "has from", oneIn) {
			r.From = from(t)
		}
		out = append(out, r)
	}
	return out
}

// from draws a condition on the lineage with at least one field.
func from(t *rapid.T) *policy.From {
	var f policy.From
	for _, field := range some(t, "from", 2, "exe", "parent", "ancestor") {
		switch field {
		case "exe":
			f.Exe = patterns(t, field, 2)
		case "parent":
			f.Parent = patterns(t, field, 2)
		case "ancestor":
			f.Ancestor = patterns(t, field, 2)
		}
	}
	return &f
}

// pathRule draws the objects of a rule of process or file.
func pathRule(t *rapid.T, r policy.Rule, access policy.Access) policy.PathRule {
	out := policy.PathRule{Rule: r, Access: access}
	for _, field := range some(t, "objects", 2, "paths", "paths and more", "names", "anonymous") {
		switch field {
		case "paths", "paths and more":
			out.Paths = patterns(t, field, 2)
		case "names":
			out.Names = texts(some(t, field, 2, names...))
		case "anonymous":
			out.Anonymous = true
		}
	}
	return out
}

// access draws a set of accesses of `file`.
func access(t *rapid.T) policy.Access {
	var out policy.Access
	for _, a := range some(t, "access", 4, policy.AccessRead, policy.AccessWrite, policy.AccessCreate, policy.AccessDelete,
		policy.AccessRename, policy.AccessLink, policy.AccessMap, policy.AccessSetattr, policy.AccessFile) {
		out |= a
	}
	return out
}

// number gives every place of the policy that a verdict may name a span of its
// own.
func number(p *policy.Policy) {
	n := 0
	next := func() int { n++; return n }
	p.Span.Start = next()
	for _, s := range []*policy.PathSection{p.Process, p.File} {
		if s != nil {
			s.DefaultSpan.Start = next()
			for i := range s.Rules {
				s.Rules[i].Span.Start = next()
			}
		}
	}
	if s := p.Network; s != nil {
		s.DefaultSpan.Start = next()
		for i := range s.Rules {
			s.Rules[i].Span.Start = next()
		}
	}
	if s := p.Syscalls; s != nil {
		s.DefaultSpan.Start = next()
		for i := range s.Rules {
			s.Rules[i].Span.Start = next()
		}
	}
	if s := p.Capabilities; s != nil {
		s.DefaultSpan.Start = next()
		for i := range s.Rules {
			s.Rules[i].Span.Start = next()
		}
	}
	if s := p.System; s != nil {
		for i := range s.Rules {
			s.Rules[i].Span.Start = next()
		}
	}
}
