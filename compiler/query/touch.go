// SPDX-License-Identifier: Apache-2.0

// Package query answers questions about one effective policy: which rules touch
// a path, and what can be written and then run. Answers are exact and come with
// a smallest path that shows them.
package query

import (
	"fmt"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
)

// maxStates bounds the automata of one question.
const maxStates = 4_000_000

// Touch is a rule of process or file and its patterns that match something that
// the asked pattern also matches.
type Touch struct {
	ir.Source
	Patterns []PatternTouch
}

// PatternTouch is one pattern of a rule.
type PatternTouch struct {
	Text string
	// Path is a shortest path that both patterns match.
	Path string
	// Within says that everything the asked pattern matches is matched.
	Within bool
}

// Touching returns the rules of process and file of a layer that touch a
// pattern, in file and document order.
func Touching(l *ir.Layer, asked *automata.Glob) ([]Touch, error) {
	if l.Paths == nil {
		return nil, nil
	}
	var out []Touch
	for _, r := range l.Paths.Rules {
		t := Touch{Source: r.Source}
		for _, g := range r.Globs {
			path, some, err := automata.Overlaps(asked, g, maxStates)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.Rule.ID(), err)
			}
			if !some {
				continue
			}
			within, _, err := automata.Covers([]*automata.Glob{g}, asked, maxStates)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.Rule.ID(), err)
			}
			t.Patterns = append(t.Patterns, PatternTouch{g.String(), path, within})
		}
		if len(t.Patterns) > 0 {
			out = append(out, t)
		}
	}
	return out, nil
}
