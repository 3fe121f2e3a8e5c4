// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"slices"
	"strings"
	"sync"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
)

// PathTable decides about paths for `process` and `file` at once: one walk of
// Set gives the groups that an object belongs to.
type PathTable struct {
	// Set maps a path to labels: group i is label i, atom i of the lineage is
	// label len(Groups)+i, and LoaderLabel marks dynamic loaders.
	Set    *automata.Set
	Groups []PathGroup
	// Atoms is the number of atoms of the lineage.
	Atoms int
	// Process and File are nil when the section is not governed.
	Process, File *Default
	// Rules are all rules of both sections in order, to name what decided.
	Rules []*PathRule
}

// PathGroup is what rules have in common that decide alike.
type PathGroup struct {
	Section policy.Section // Process or File
	Action  policy.Action
	Access  policy.Access
	Cond    int
	Quiet   bool
	// Loader marks patterns that name a dynamic loader by path.
	Loader bool
	// Anonymous says that some rule of the group matches anonymous objects.
	Anonymous bool
}

// blocksMap says whether the group also blocks mapping a file as executable.
func (g PathGroup) blocksMap() bool {
	return g.Section == policy.Process && g.Action == policy.Block && g.Cond == Always
}

// PathRule is a rule with its patterns.
type PathRule struct {
	Source
	Globs     []*automata.Glob
	Access    policy.Access
	Cond      int
	Anonymous bool
	// Group is the index of the rule's group: a path that it matches is in it.
	Group int

	looked   sync.Once
	prefixes []string // of the globs
	compiled sync.Once
	set      *automata.Set
}

// Matches says whether a pattern of the rule matches a path. The automaton of
// the one rule is built when a path is first asked that begins as a pattern
// does: of many rules, few are like that.
func (r *PathRule) Matches(path string) bool {
	r.looked.Do(func() {
		for _, g := range r.Globs {
			r.prefixes = append(r.prefixes, g.Prefix())
		}
	})
	if !slices.ContainsFunc(r.prefixes, func(p string) bool { return strings.HasPrefix(path, p) }) {
		return false
	}
	r.compiled.Do(func() {
		rules := make([]automata.Rule, len(r.Globs))
		for i, g := range r.Globs {
			rules[i] = automata.Rule{Glob: g}
		}
		// The rule's patterns are a subset of those of the layer, which was
		// compiled within the same budget.
		r.set, _ = automata.Compile(rules, automata.Options{})
	})
	return r.set != nil && !r.set.Match(path).Empty()
}

// LoaderPattern matches dynamic loaders.
const LoaderPattern = "/{usr/,}{lib,lib32,lib64,libx32}/{**/,}{ld-*.so*,ld.so*,ld64.so*}"

// LoaderLabel is the label of LoaderPattern. Paths have it only where process
// blocks anything.
func (t *PathTable) LoaderLabel() int { return len(t.Groups) + t.Atoms }

// of returns the default of a section, or nil.
func (t *PathTable) of(s policy.Section) *Default {
	if s == policy.Process {
		return t.Process
	}
	return t.File
}

// BlocksAnything says whether the effective section has a Block rule or a default of Block.
func (t *PathTable) BlocksAnything(s policy.Section) bool {
	d := t.of(s)
	if d == nil {
		return false
	}
	if d.Action == policy.Block {
		return true
	}
	for _, g := range t.Groups {
		if g.Section == s && g.Action == policy.Block {
			return true
		}
	}
	return false
}
