// SPDX-License-Identifier: Apache-2.0

package automata

// DefaultSteps is a budget for walks that suits the questions of a compiler.
const DefaultSteps = 200_000

// Search follows common suffixes from several states of s at once: "/x", "/x/y"
// and so on, what leads from a directory other than the root to everything below
// it; shortest first, then those that read well. It returns the first suffix at
// whose states visit says stop, and false when there is none. Each tuple of
// states is visited once.
//
// After budget different tuples it gives up with ErrBudget.
func (s *Set) Search(starts []State, budget int, visit func(states []State) (stop bool)) (suffix []byte, found bool, err error) {
	parts := len(s.dfa.starts)
	var runners []runner
	for _, st := range starts {
		for p := range parts {
			runners = append(runners, runner{&s.dfa, st[p]})
		}
	}
	states := make([]State, len(starts))
	return walk(runners, true, budget, func(at []int32) verdict {
		for i := range states {
			copy(states[i][:parts], at[i*parts:])
		}
		return stopIf(visit(states))
	})
}

func stopIf(stop bool) verdict {
	if stop {
		return found
	}
	return goOn
}

// Find returns the shortest path that matches g and whose labels in s are
// wanted, and false when there is none. After budget different states it gives
// up with ErrBudget.
//
// "g lies within the rules of label 3" is that nothing is found for labels
// without 3.
func (s *Set) Find(g *Glob, budget int, want func(Labels) bool) (path string, found bool, err error) {
	lazy := lazyAutomaton([]*Glob{g}, budget)
	runners := []runner{{lazy, lazy.starts[0]}}
	for _, st := range s.dfa.starts {
		runners = append(runners, runner{&s.dfa, st})
	}
	var st State
	return pathOf(walk(runners, false, budget, func(at []int32) verdict {
		if lazy.dead(at[0]) {
			return prune
		}
		copy(st[:], at[1:])
		return stopIf(lazy.rows[at[0]].accept != 0 && want(s.Accept(st)))
	}))
}

// Overlaps reports whether a path matches both globs, and a shortest one. After
// budget different states it gives up with ErrBudget.
func Overlaps(a, b *Glob, budget int) (path string, ok bool, err error) {
	x, y := lazyAutomaton([]*Glob{a}, budget), lazyAutomaton([]*Glob{b}, budget)
	return pathOf(walk([]runner{{x, x.starts[0]}, {y, y.starts[0]}}, false, budget, func(at []int32) verdict {
		if x.dead(at[0]) || y.dead(at[1]) {
			return prune
		}
		return stopIf(x.rows[at[0]].accept != 0 && y.rows[at[1]].accept != 0)
	}))
}

// Covers reports whether every path of g matches a glob of set; if not, with a
// shortest path that does not. After budget different states it gives up with
// ErrBudget.
func Covers(set []*Glob, g *Glob, budget int) (covered bool, witness string, err error) {
	x, y := lazyAutomaton([]*Glob{g}, budget), lazyAutomaton(set, budget)
	witness, uncovered, err := pathOf(walk([]runner{{x, x.starts[0]}, {y, y.starts[0]}}, false, budget, func(at []int32) verdict {
		if x.dead(at[0]) || y.full(at[1]) {
			return prune
		}
		return stopIf(x.rows[at[0]].accept != 0 && y.rows[at[1]].accept == 0)
	}))
	return err == nil && !uncovered, witness, err
}

func pathOf(path []byte, ok bool, err error) (string, bool, error) { return string(path), ok, err }

// lazyAutomaton accepts the paths of globs with label 0.
func lazyAutomaton(globs []*Glob, budget int) *determinizer {
	var alts []labelled
	for _, g := range globs {
		for _, a := range g.alts {
			alts = append(alts, labelled{alternative: a})
		}
	}
	sortLabelled(alts)
	return newDeterminizer(newNFA(alts, newInterner()), classesOfAlternatives(alts), limitsFor(budget))
}

// dead reports whether no continuation is accepted from s.
func (d *determinizer) dead(s int32) bool { return len(d.stateKey(s)) == 1 && d.stateKey(s)[0] == 0 }

// full reports whether everything is accepted from s on.
func (d *determinizer) full(s int32) bool { return d.stateKey(s)[0] != 0 }
