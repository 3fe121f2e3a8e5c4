// SPDX-License-Identifier: Apache-2.0

package ruletable

import (
	"sync"

	"github.com/avert-dev/avert/compiler/automata"
)

// patterns is a list of path patterns, of which any may match. It is compiled
// when it is first asked: most rules of a table never are.
type patterns struct {
	texts []string
	// loader restricts the patterns to alternatives that name a dynamic loader.
	loader bool

	once sync.Once
	set  *automata.Set
}

// patternBudget bounds the states of one rule, so that a hostile table costs
// little. Beyond it a rule may match anything.
const patternBudget = 1 << 17

func (p *patterns) compile() {
	var rules []automata.Rule
	for _, text := range p.texts {
		g, err := automata.Parse(text)
		if err != nil {
			continue // newPatterns found none
		}
		if p.loader {
			if g = g.LastComponentPrefix("ld"); g == nil {
				continue
			}
		}
		rules = append(rules, automata.Rule{Glob: g})
	}
	p.set, _ = automata.Compile(rules, automata.Options{Budget: patternBudget})
}

// match says whether a canonical path matches.
func (p *patterns) match(path string) truth {
	p.once.Do(p.compile)
	switch {
	case p.set == nil:
		return maybe
	case p.set.Match(path).Empty():
		return no
	}
	return yes
}

// loadersOf returns the patterns that name dynamic loaders by path: such a rule
// lets one be started directly.
func loadersOf(texts []string) *patterns { return &patterns{texts: texts, loader: true} }

// truth is how sure it is that something holds. The order is that of certainty.
type truth uint8

const (
	no truth = iota
	maybe
	yes
)

func holds(b bool) truth {
	if b {
		return yes
	}
	return no
}
