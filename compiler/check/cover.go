// SPDX-License-Identifier: Apache-2.0

package check

import (
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
)

const (
	// maxUnion bounds how many patterns are compared with one as a union.
	maxUnion = 32
	// coverSteps is the budget of one such comparison, and maxComparisons
	// bounds their number for a section: beyond, only what the texts show is
	// found.
	coverSteps     = 2000
	maxComparisons = 500
)

func pathShadows(rs, blocks []policy.PathRule, report func(r, block *policy.Rule)) {
	indexes := map[string]*blockIndex{} // by the subject of the blocks
	all := make([]*policy.PathRule, 0, len(blocks))
	for i := range blocks {
		if blocks[i].Action == policy.Block {
			all = append(all, &blocks[i])
		}
	}
	if len(all) == 0 {
		return
	}
	for i := range rs {
		r := &rs[i]
		if r.Action == policy.Block {
			continue
		}
		key := fromKey(r.From)
		index := indexes[key]
		if index == nil {
			index = newBlockIndex(all, r.From)
			indexes[key] = index
		}
		if b := index.covers(r); b != nil {
			report(&r.Rule, b)
		}
	}
}

// blockIndex finds the patterns of Block rules that may cover another. Braces
// are expanded in all of them, since most patterns are plain without.
type blockIndex struct {
	anonymous []*policy.PathRule
	byText    map[string][]*policy.PathRule // patterns, and names as /**/name
	patterns  []indexed                     // all but names, sorted by prefix
	prefixes  map[string]int                // of patterns, to the first of them
	left      int                           // comparisons that may still be made
}

type indexed struct {
	prefix, text string
	simple       bool
	rule         *policy.PathRule
}

// newBlockIndex indexes the blocks that apply to all subjects of from.
func newBlockIndex(blocks []*policy.PathRule, from *policy.From) *blockIndex {
	x := &blockIndex{byText: map[string][]*policy.PathRule{}, prefixes: map[string]int{}, left: maxComparisons}
	for _, b := range blocks {
		if !sameSubject(&b.Rule, from) {
			continue
		}
		if b.Anonymous {
			x.anonymous = append(x.anonymous, b)
		}
		for _, n := range b.Names {
			text := anywhere(n.Text)
			x.byText[text] = append(x.byText[text], b)
		}
		for _, p := range b.Paths {
			for _, text := range alternatives(p.Text) {
				x.byText[text] = append(x.byText[text], b)
				x.patterns = append(x.patterns, indexed{literalPrefix(text), text, simplePath(text), b})
			}
		}
	}
	slices.SortStableFunc(x.patterns, func(a, b indexed) int { return strings.Compare(a.prefix, b.prefix) })
	for i, p := range slices.Backward(x.patterns) {
		x.prefixes[p.prefix] = i
	}
	return x
}

// anywhere is the pattern of a name.
func anywhere(name string) string { return "/**/" + automata.Escape(name) }

// literalPrefix is the part of a pattern before its first special character.
func literalPrefix(pattern string) string {
	if i := strings.IndexAny(pattern, `\*?[{`); i >= 0 {
		return pattern[:i]
	}
	return pattern
}

// covers returns one of the Block rules that together match all that r matches,
// or nil.
func (x *blockIndex) covers(r *policy.PathRule) *policy.Rule {
	var first *policy.Rule
	note := func(b *policy.PathRule) bool {
		if b != nil && first == nil {
			first = &b.Rule
		}
		return b != nil
	}
	// Most Blocks of a section are about the same accesses, so that one question
	// about all of r's does; else each access is asked about.
	for _, access := range []func(policy.Access) []policy.Access{whole, single} {
		first = nil
		if x.coversEach(r, access(r.Access), note) {
			return first
		}
	}
	return nil
}

func whole(a policy.Access) []policy.Access { return []policy.Access{a} }

func single(a policy.Access) []policy.Access {
	var out []policy.Access
	for _, n := range policy.AccessNames {
		if a&n.Access != 0 {
			out = append(out, n.Access)
		}
	}
	return out
}

func (x *blockIndex) coversEach(r *policy.PathRule, accesses []policy.Access, note func(*policy.PathRule) bool) bool {
	for _, access := range accesses {
		if r.Anonymous && !note(holding(x.anonymous, access)) {
			return false
		}
		for _, p := range r.Paths {
			if !note(x.coversPattern(p.Text, access)) {
				return false
			}
		}
		for _, n := range r.Names {
			if !note(x.coversPattern(anywhere(n.Text), access)) {
				return false
			}
		}
	}
	return true
}

func holding(rules []*policy.PathRule, access policy.Access) *policy.PathRule {
	for _, b := range rules {
		if b.Access&access == access {
			return b
		}
	}
	return nil
}

// coversPattern returns one of the rules that together cover a pattern, or nil.
func (x *blockIndex) coversPattern(pattern string, access policy.Access) *policy.PathRule {
	var first *policy.PathRule
	for _, text := range alternatives(pattern) {
		b := x.coversPlain(text, access)
		if b == nil {
			return nil
		}
		if first == nil {
			first = b
		}
	}
	return first
}

func (x *blockIndex) coversPlain(text string, access policy.Access) *policy.PathRule {
	if b := holding(x.byText[text], access); b != nil {
		return b
	}
	prefix := literalPrefix(text)
	if braced := len(prefix) < len(text) && text[len(prefix)] == '{'; text != "/" && !braced {
		for i := range len(prefix) {
			if prefix[i] == '/' { // everything below a directory that the pattern is below
				if b := holding(x.byText[text[:i]+"/**"], access); b != nil {
					return b
				}
			}
		}
	}
	if last := text[strings.LastIndexByte(text, '/')+1:]; last != "" && !strings.ContainsAny(last, `\*?[]{},`) {
		if b := holding(x.byText["/**/"+last], access); b != nil {
			return b
		}
	}
	return x.compare(text, prefix, access)
}

// compare asks the automata whether patterns that may overlap cover one.
func (x *blockIndex) compare(text, prefix string, access policy.Access) *policy.PathRule {
	near := x.near(prefix, simplePath(text), access)
	if len(near) == 0 || len(near) > maxUnion || x.left == 0 {
		return nil
	}
	x.left--
	union := make([]*automata.Glob, len(near))
	for i, p := range near {
		union[i] = parsed(p.text)
	}
	if covered, _, err := automata.Covers(union, parsed(text), coverSteps); err != nil || !covered {
		return nil
	}
	return near[0].rule
}

// near lists the patterns that agree with a prefix as far as both are literal;
// of those that are plain paths none covers another. It stops beyond maxUnion.
func (x *blockIndex) near(prefix string, simple bool, access policy.Access) []indexed {
	var out []indexed
	take := func(from int, within func(string) bool) {
		for _, p := range x.patterns[from:] {
			if !within(p.prefix) || len(out) > maxUnion {
				return
			}
			if p.rule.Access&access == access && !(simple && p.simple) {
				out = append(out, p)
			}
		}
	}
	for i := 1; i < len(prefix); i++ {
		shorter := prefix[:i]
		if first, ok := x.prefixes[shorter]; ok {
			take(first, func(s string) bool { return s == shorter })
		}
	}
	longer, _ := slices.BinarySearchFunc(x.patterns, prefix, func(p indexed, prefix string) int { return strings.Compare(p.prefix, prefix) })
	take(longer, func(s string) bool { return strings.HasPrefix(s, prefix) })
	return out
}

// parsed parses an alternative of a pattern that was found valid.
func parsed(pattern string) *automata.Glob {
	glob, err := automata.Parse(pattern)
	if err != nil {
		panic("check: " + err.Error())
	}
	return glob
}
