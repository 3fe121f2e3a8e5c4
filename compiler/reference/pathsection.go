// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// object is what rules of process and file are held against.
type object struct {
	class policy.ObjectClass
	// matches says whether a glob matches the path of a Named object.
	matches func(*glob) bool
}

// objectOf looks at an object of an operation.
//
// Rule: paths are canonical; a walk that ends elsewhere is unresolved.
func objectOf(o policy.Object) object {
	if o.Class == policy.Named && !Canonical(o.Path) {
		return object{class: policy.Unresolved}
	}
	return object{o.Class, func(g *glob) bool { return g.match(o.Path) }}
}

// pathRule is a rule of process or file with its patterns expanded.
type pathRule struct {
	match
	*policy.PathRule
	paths, names []*glob
}

// coversObject says whether the object matches.
//
// Rule: any of the paths or names matches a named object, `anonymous` an
// anonymous one. Anonymous objects match no pattern.
func (r *pathRule) coversObject(o object) bool {
	switch o.class {
	case policy.Named:
		return slices.ContainsFunc(r.paths, o.matches) || slices.ContainsFunc(r.names, o.matches)
	case policy.Anonymous:
		return r.Anonymous
	}
	return false
}

// allowsByPath says whether the rule, which matches a loader, does so by a path
// that spells out a last component beginning with "ld".
func (r *pathRule) allowsByPath(loader object) bool {
	return slices.ContainsFunc(r.paths, func(g *glob) bool { return g.lastStartsWith("ld") && loader.matches(g) })
}

// pathSection is process or file of an effective policy, as it governs
// processes of one lineage. One that no policy has is empty and allows.
type pathSection struct {
	section policy.Section
	// otherwise holds when no rule matches.
	otherwise policy.Verdict
	// rules are those whose `from` holds, in file and document order.
	rules []pathRule
	// blocker is the first policy that blocks anything here, or nil.
	blocker *policy.Policy
}

// sectionOf returns a policy's own process or file section, or nil.
func sectionOf(p *policy.Policy, section policy.Section) *policy.PathSection {
	if section == policy.Process {
		return p.Process
	}
	return p.File
}

// blocksAnything says whether the section has a Block rule or default.
func blocksAnything(s *policy.PathSection) bool {
	return s != nil && (s.Default == policy.Block ||
		slices.ContainsFunc(s.Rules, func(r policy.PathRule) bool { return r.Action == policy.Block }))
}

// pathSectionOf unites one section of all policies.
func pathSectionOf(ps Policies, section policy.Section, lineage []string) pathSection {
	out := pathSection{section: section}
	var defaults []stated
	for _, p := range ps {
		s := sectionOf(p, section)
		if s == nil {
			continue
		}
		defaults = append(defaults, stated{p, s.Default, s.DefaultSpan})
		if out.blocker == nil && blocksAnything(s) {
			out.blocker = p
		}
		for i := range s.Rules {
			if r := &s.Rules[i]; comesFrom(r.From, lineage) {
				out.rules = append(out.rules, expandRule(p, r))
			}
		}
	}
	out.otherwise = strictest(section, defaults)
	return out
}

func expandRule(p *policy.Policy, r *policy.PathRule) pathRule {
	out := pathRule{match: match{policy: p, rule: &r.Rule}, PathRule: r}
	for _, pattern := range r.Paths {
		out.paths = append(out.paths, parse(pattern.Text)...)
	}
	for _, name := range r.Names {
		out.names = append(out.names, lastComponent(name.Text))
	}
	return out
}

// matching returns the rules that match.
//
// Rule: subject, object and access must all match. The subject was looked at
// when the section was put together.
func (s *pathSection) matching(access policy.Access, o object) []pathRule {
	var out []pathRule
	for _, r := range s.rules {
		if r.Access&access != 0 && r.coversObject(o) {
			out = append(out, r)
		}
	}
	return out
}

// decide decides about an object, given the rules that match.
//
// Rule: what is unnamed is outside of the section. What is unresolved is
// blocked wherever the section blocks anything. What is anonymous gets the
// section's default when that is Block, else it is allowed.
func (s *pathSection) decide(o object, matching []pathRule) policy.Verdict {
	otherwise := s.otherwise
	switch o.class {
	case policy.Unnamed:
		return policy.Verdict{}
	case policy.Unresolved:
		if s.blocker != nil {
			return s.builtin(policy.BuiltinUnresolved)
		}
		return otherwise
	case policy.Anonymous:
		if otherwise.Action != policy.Block {
			otherwise = policy.Verdict{}
		}
	}
	return weigh(matches(matching), otherwise)
}

// builtin is a Block that the language puts into every section that blocks
// anything.
func (s *pathSection) builtin(name string) policy.Verdict {
	return builtin(s.blocker, s.section, name, policy.Block, s.blocker.Span)
}

func matches(rules []pathRule) []match {
	var out []match
	for _, r := range rules {
		out = append(out, r.match)
	}
	return out
}
