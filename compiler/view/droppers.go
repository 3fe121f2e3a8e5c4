// SPDX-License-Identifier: Apache-2.0

package view

import (
	"sync"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// dropperBudget bounds the automata of one question, in states. Patterns beyond
// it are passed over.
const dropperBudget = 20_000

// linked are folders that are symbolic links into /usr on most images: what is
// written there has another path. Patterns without the twin are AV0306's.
var linked = sync.OnceValue(func() automata.Lang {
	g, err := automata.Parse("/{bin,sbin,lib,lib32,lib64,libx32}/**")
	if err != nil {
		panic(err) // it is valid
	}
	lang, err := automata.FromGlobs(dropperBudget, g)
	if err != nil {
		panic(err) // it is small
	}
	return lang
})

// droppers finds, for each Allow of process, a file that it lets be executed and
// that file lets be written or created. A process default that blocks nothing
// needs no such rule, and is another guardrail's subject.
func (b *builder) droppers(l *ir.Layer) []Dropper {
	out := []Dropper{}
	if l.Paths == nil || l.Paths.Process == nil || l.Paths.Process.Action != policy.Block {
		return out
	}
	for _, r := range l.Paths.Rules {
		if r.Rule.Section != policy.Process || r.Rule.Action != policy.Allow {
			continue
		}
		if path, write := dropped(l, r); write != nil {
			out = append(out, Dropper{b.at(r.Rule.Span), path, r.Rule.ID(), write.Rule.Rule, b.at(write.Rule.Span).At})
		}
	}
	return out
}

// dropped returns a path that a rule lets be executed and that may be written,
// and what lets it be written; nil when there is none.
func dropped(l *ir.Layer, r *ir.PathRule) (string, *ir.Most) {
	if l.Paths.File == nil {
		return "", nil
	}
	var wild []*automata.Glob
	for _, g := range r.Globs {
		path, exact := g.Exact()
		if !exact {
			wild = append(wild, g)
		} else if m := writable(l, path); m != nil {
			return path, m
		}
	}
	if len(wild) == 0 {
		return "", nil
	}
	// Usually the first path that comes to mind will do.
	if first, err := automata.FromGlobs(dropperBudget, wild...); err == nil {
		if path, ok := first.Witness(); ok && !linked().Has(path) {
			if m := writable(l, path); m != nil {
				return path, m
			}
		}
	}
	path, ok := writableOf(l, wild)
	if !ok {
		return "", nil
	}
	return path, writable(l, path)
}

// writable returns what lets a path be written that may be executed.
func writable(l *ir.Layer, path string) *ir.Most {
	if m, ok := l.Anyone(policy.Process, policy.AccessExec, path); !ok || m.Action == policy.Block {
		return nil
	}
	for _, access := range []policy.Access{policy.AccessWrite, policy.AccessCreate} {
		if m, ok := l.Anyone(policy.File, access, path); ok && m.Action != policy.Block {
			return &m
		}
	}
	return nil
}

// writableOf looks for a path of the globs that may be executed and written.
func writableOf(l *ir.Layer, globs []*automata.Glob) (string, bool) {
	var execBlocks, writeBlocks, writeAllows []*automata.Glob
	for _, r := range l.Paths.Rules {
		process := r.Rule.Section == policy.Process
		switch {
		case r.Rule.Action == policy.Block && r.Cond != ir.Always:
		case process && r.Rule.Action == policy.Block:
			execBlocks = append(execBlocks, r.Globs...)
		case process || r.Access&policy.AccessWrite == 0:
		case r.Rule.Action == policy.Block:
			writeBlocks = append(writeBlocks, r.Globs...)
		default:
			writeAllows = append(writeAllows, r.Globs...)
		}
	}
	files, err := automata.FromGlobs(dropperBudget, globs...)
	if err == nil {
		files, err = files.Difference(linked(), dropperBudget)
	}
	without := func(globs []*automata.Glob) {
		if err == nil && len(globs) > 0 {
			var other automata.Lang
			if other, err = automata.FromGlobs(dropperBudget, globs...); err == nil {
				files, err = files.Difference(other, dropperBudget)
			}
		}
	}
	without(execBlocks)
	without(writeBlocks)
	if err == nil && l.Paths.File.Action == policy.Block {
		var allowed automata.Lang
		if allowed, err = automata.FromGlobs(dropperBudget, writeAllows...); err == nil {
			files, err = files.Intersect(allowed, dropperBudget)
		}
	}
	if err != nil {
		return "", false
	}
	return files.Witness()
}
