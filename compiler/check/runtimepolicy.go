// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/suggest"
	"github.com/avert-dev/avert/compiler/syntax"
)

// runtimePolicy reads a RuntimePolicy. It returns nil when not even the name
// and the selector are valid: nothing could be said about its rules then.
func runtimePolicy(doc *syntax.Node, list *diag.List) *policy.Policy {
	var d syntax.RuntimePolicy
	syntax.Decode(doc, &d, list)
	c := &checker{list: list}
	p := &policy.Policy{Namespace: "default", Span: d.Metadata.Name.Span}
	if d.Metadata.Name.Given() {
		p.Name = c.label("the name of a policy", d.Metadata.Name)
	}
	if d.Metadata.Namespace.Given() {
		p.Namespace = c.label("the namespace", d.Metadata.Namespace)
	}
	spec := &d.Spec
	if spec.Selector != nil {
		p.Selector = c.selector(spec.Selector)
	}
	usable := !c.failed && p.Name != "" && spec.Selector != nil && !spec.Selector.Flawed

	seen := map[string]diag.Span{}
	for _, t := range spec.Containers {
		if t.Value != "" {
			if name := c.label("the name of a container", t); name != "" && !c.repeated(seen, name, t) {
				p.Containers = append(p.Containers, name)
			}
		}
	}
	if spec.Mode.Value == "Audit" {
		p.Mode = policy.AuditMode
	}
	known := map[string]diag.Span{}
	if s := spec.Process; s != nil {
		p.Process = c.process(s, known)
	}
	if s := spec.File; s != nil {
		p.File = c.file(s, known)
	}
	if s := spec.Network; s != nil {
		p.Network = c.network(s, known)
	}
	if s := spec.Syscalls; s != nil {
		p.Syscalls = c.syscalls(s, known)
	}
	if s := spec.Capabilities; s != nil {
		p.Capabilities = c.capabilities(s, known)
	}
	if s := spec.System; s != nil {
		p.System = c.system(s, known)
	}
	p.Accepts = c.accepts(spec, known)
	if len(governed(p)) == 0 && usable && !spec.Flawed {
		c.report(diag.DeadRule, p.Span, fmt.Sprintf("policy %s has no section, so it governs nothing", p.Name), diag.Hint("sections are %s", strings.Join(sectionKeys(), ", ")))
	}
	if !usable {
		return nil
	}
	return p
}

// governed lists the sections that a policy has.
func governed(p *policy.Policy) []policy.Section {
	var out []policy.Section
	for _, s := range policy.Sections {
		if [...]bool{p.Process != nil, p.File != nil, p.Network != nil, p.Syscalls != nil, p.Capabilities != nil, p.System != nil}[s] {
			out = append(out, s)
		}
	}
	return out
}

func sectionKeys() []string {
	var out []string
	for _, s := range policy.Sections {
		out = append(out, s.String())
	}
	return out
}

var actions = map[string]policy.Action{"Allow": policy.Allow, "Audit": policy.Audit, "Block": policy.Block}

// rule checks what the rules of all sections have in common, and begins anew to
// remember errors: those from here on are the rule's. known collects the rules
// by "section/name".
func (c *checker) rule(section policy.Section, h *syntax.RuleHead, from *syntax.From, known map[string]diag.Span) policy.Rule {
	c.failed = h.Flawed
	r := policy.Rule{Section: section, Action: actions[h.Action.Value], Quiet: h.Quiet.Value, Span: h.Place, NameSpan: h.Name.Span}
	if h.Name.Value != "" || !h.Flawed {
		r.Name = c.label("the name of a rule", h.Name)
	}
	if r.Name != "" {
		first, taken := known[r.ID()]
		switch {
		case taken:
			c.report(diag.DuplicateName, h.Name.Span, fmt.Sprintf("%s has two rules of the name %s", section, r.Name), diag.See(first, "the first one"))
		case r.Name == "default" || r.Name == "base":
			c.report(diag.InvalidName, h.Name.Span, fmt.Sprintf("%s is not a rule's name: %s/%s means the key", r.Name, section, r.Name))
		default:
			known[r.ID()] = h.Name.Span
		}
	}
	if h.Quiet.Value && h.Action.Value != "" && r.Action != policy.Block {
		c.report(diag.ConflictingKeys, h.Quiet.Span, fmt.Sprintf("quiet silences the report of a Block, and the rule says %s", r.Action), diag.Hint("%s", map[policy.Action]string{policy.Allow: "Allow is silent anyway", policy.Audit: "write action: Allow to allow silently"}[r.Action]))
	}
	if from != nil {
		r.From = c.from(from)
	}
	return r
}

func (c *checker) from(f *syntax.From) *policy.From {
	out := &policy.From{Exe: c.patterns(f.Exe), Parent: c.patterns(f.Parent), Ancestor: c.patterns(f.Ancestor)}
	c.failed = c.failed || f.Flawed
	if len(f.Exe)+len(f.Parent)+len(f.Ancestor) == 0 && !f.Flawed {
		c.report(diag.MissingKey, f.Place, "from has no condition", diag.Hint("give exe, parent or ancestor; without from the rule is about every process"))
	}
	return out
}

// accepts checks the accepted gaps against the rules that there are.
func (c *checker) accepts(spec *syntax.Spec, known map[string]diag.Span) []policy.Accept {
	present := map[string]bool{}
	for i, has := range []bool{spec.Process != nil, spec.File != nil, spec.Network != nil, spec.Syscalls != nil, spec.Capabilities != nil, spec.System != nil} {
		present[policy.Section(i).String()] = has
	}
	// Blocks of process and file imply a default of system.
	implied := spec.Process != nil || spec.File != nil
	present[policy.System.String()] = spec.System != nil || implied
	exists := func(rule string) bool {
		section, name, _ := strings.Cut(rule, "/")
		_, isRule := known[rule]
		switch {
		case !present[section]:
			return false
		case name == "default":
			return section != policy.System.String() || implied
		case rule == "syscalls/base":
			return spec.Syscalls.Base.Value == "None"
		}
		return isRule || name == "*"
	}
	var out []policy.Accept
	for _, a := range spec.Accept {
		if a.Flawed {
			continue
		}
		c.failed = false
		if strings.TrimSpace(a.Reason.Value) == "" {
			c.report(diag.MissingKey, a.Reason.Span, "the reason is empty", diag.Hint("say why the gap is acceptable"))
		}
		if rule := a.Rule.Value; !exists(rule) {
			var options []diag.Option
			if meant := suggest.Words(rule, acceptable(present, known, exists)); len(meant) > 0 {
				options = []diag.Option{diag.Hint("did you mean %q?", meant[0]), replace(a.Rule, meant[0])}
			}
			message := fmt.Sprintf("the policy has no rule %s", quote(rule))
			if rule == "syscalls/base" && present["syscalls"] {
				message, options = "the base is RuntimeDefault, which needs no accepting", nil
			}
			c.report(diag.UnusedAccept, a.Rule.Span, message, options...)
			continue
		}
		if !c.failed {
			out = append(out, policy.Accept{Rule: a.Rule.Value, Target: a.Target.Value, Reason: a.Reason.Value, Span: a.Place})
		}
	}
	return out
}

func acceptable(present map[string]bool, known map[string]diag.Span, exists func(string) bool) []string {
	var out []string
	for rule := range known {
		out = append(out, rule)
	}
	for section := range present {
		for _, name := range []string{"/default", "/base", "/*"} {
			if exists(section + name) {
				out = append(out, section+name)
			}
		}
	}
	return out
}
