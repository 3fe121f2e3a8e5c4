// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"errors"
	"fmt"
	"slices"
)

// Rule gives a label to the paths that match a glob.
type Rule struct {
	Glob *Glob
	// Label is from 0 to MaxLabel. Rules that mean the same share one: a state
	// accepts a set of labels, and states multiply with the sets.
	Label int
}

const (
	// MaxLabel is the largest label.
	MaxLabel = 1<<16 - 1
	// MostParts is the largest Options.MaxParts.
	MostParts = 8
	// DefaultParts and DefaultBudget hold when the options say nothing.
	DefaultParts  = 4
	DefaultBudget = 500_000
)

// Options bounds a compilation. The zero value means the defaults.
type Options struct {
	// Budget is the most states that a construction may make before they are
	// minimized.
	Budget int
	// MaxParts is the most automata that share the work, at most MostParts. A
	// walk costs one step a byte and part.
	MaxParts int
}

// ErrBudget says that a lazy construction or a walk was given up.
var ErrBudget = errors.New("the state budget is used up")

// BudgetError says that rules need too many states. It wraps ErrBudget.
type BudgetError struct {
	// Limit is the number of states that was not enough.
	Limit int
	// Rules are the indices of the rules to blame, ascending.
	Rules []int
}

func (e *BudgetError) Error() string {
	if len(e.Rules) == 1 {
		return fmt.Sprintf("the wildcards of one pattern need more than %d states", e.Limit)
	}
	return fmt.Sprintf("the wildcards of %d patterns together need more than %d states", len(e.Rules), e.Limit)
}

func (e *BudgetError) Unwrap() error { return ErrBudget }

// Compile builds the automata of the rules. The result does not depend on the
// order of the rules.
//
// Anchored patterns come into the first part and unanchored ones into another,
// unless one part for all is hardly larger.
// A part that grows too large is split while MaxParts allows it. The error is a
// *BudgetError when that does not suffice.
func Compile(rules []Rule, opt Options) (*Set, error) {
	if opt.Budget <= 0 {
		opt.Budget = DefaultBudget
	}
	if opt.MaxParts <= 0 {
		opt.MaxParts = DefaultParts
	}
	if opt.MaxParts > MostParts {
		return nil, fmt.Errorf("automata: %d parts, at most %d are possible", opt.MaxParts, MostParts)
	}
	var anchored, unanchored []labelled
	for i, r := range rules {
		if r.Label < 0 || r.Label > MaxLabel {
			return nil, fmt.Errorf("automata: label %d of rule %d is not from 0 to %d", r.Label, i, MaxLabel)
		}
		for _, a := range r.Glob.alts {
			l := labelled{alternative: a, label: r.Label, rule: i}
			if a.unanchored() && opt.MaxParts > 1 {
				unanchored = append(unanchored, l)
			} else {
				anchored = append(anchored, l)
			}
		}
	}
	sortLabelled(anchored)
	sortLabelled(unanchored)
	c := &compilation{
		opt:     opt,
		labels:  newInterner(),
		classes: classesOfAlternatives(anchored, unanchored),
		left:    opt.Budget,
		work:    3 * opt.Budget,
	}
	reserved := min(len(unanchored), 1)
	if err := c.fit(anchored, opt.MaxParts-reserved); err != nil {
		return nil, err
	}
	if err := c.fit(unanchored, opt.MaxParts-len(c.parts)); err != nil {
		return nil, err
	}
	c.join(append(anchored, unanchored...))
	return newSet(c), nil
}

// join replaces the parts by one automaton of everything, which is walked faster, if
// that is not much larger than they are together.
func (c *compilation) join(alts []labelled) {
	if len(c.parts) < 2 {
		return
	}
	states := 256
	for _, p := range c.parts {
		states += len(p.rows)
	}
	sortLabelled(alts)
	if one, err := c.build(alts, 2*states); err == nil {
		c.parts = []*dfa{one}
	}
}

// compilation is the state of one Compile.
type compilation struct {
	opt     Options
	labels  *interner
	classes classMap
	parts   []*dfa
	left    int // states that the parts to come may have
	work    int // states that all attempts together may still make
}

// classesOfAlternatives returns the classes that the tokens tell apart.
func classesOfAlternatives(lists ...[]labelled) classMap {
	var p partition
	var literal byteSet
	literal.add('/')
	seen := map[byteSet]bool{}
	for _, list := range lists {
		for _, a := range list {
			for _, t := range a.alternative {
				switch t.kind {
				case tokByte:
					literal.add(t.b)
				case tokSet:
					if !seen[*t.set] {
						seen[*t.set] = true
						p.split(*t.set)
					}
				}
			}
		}
	}
	p.isolate(literal)
	return p.classMap()
}

// build makes one automaton of alts with at most limit states.
func (c *compilation) build(alts []labelled, limit int) (*dfa, error) {
	a := newNFA(alts, c.labels)
	d := newDeterminizer(a, c.classes, limitsFor(min(limit, c.work)))
	err := d.all()
	c.work -= len(d.rows)
	return &d.dfa, err
}

// fit adds at most maxParts parts that together hold alts. Small parts are
// better than few: only when splitting does not help may a part become large.
func (c *compilation) fit(alts []labelled, maxParts int) error {
	if len(alts) == 0 {
		return nil
	}
	limit := 1 << 14
	for _, a := range alts {
		limit += 4 * len(a.alternative)
	}
	for ; ; limit *= 4 {
		limit = min(limit, c.left)
		parts, failed := c.trySplit(alts, maxParts, limit)
		if failed == nil {
			c.parts = append(c.parts, parts...)
			for _, p := range parts {
				c.left -= len(p.rows)
			}
			return nil
		}
		// A single alternative may not need more than an eighth of the budget: no
		// splitting helps those.
		most := c.opt.Budget / 8
		if limit >= most {
			if blame := c.explosive(failed, most); len(blame) > 0 {
				return &BudgetError{Limit: most, Rules: blame}
			}
		}
		if limit == c.left || c.work <= 0 {
			c.work = c.opt.Budget / 2
			return &BudgetError{Limit: c.opt.Budget, Rules: rulesOf(c.worst(failed, most))}
		}
	}
}

// trySplit builds parts of at most limit states each. If that is not possible,
// it returns the alternatives that did not fit.
func (c *compilation) trySplit(alts []labelled, maxParts, limit int) (parts []*dfa, failed []labelled) {
	queue := [][]labelled{alts}
	left := c.left
	for len(queue) > 0 {
		group := queue[0]
		queue = queue[1:]
		part, err := c.build(group, min(limit, left))
		if err == nil {
			parts = append(parts, part)
			left -= len(part.rows)
			continue
		}
		a, b := halves(group)
		if len(b) == 0 || len(parts)+len(queue)+2 > maxParts || c.work <= 0 {
			return nil, group
		}
		queue = append(queue, a, b)
	}
	return parts, nil
}

// halves splits a group: the tame alternatives from the others, or else down
// the middle.
func halves(group []labelled) (a, b []labelled) {
	for _, x := range group {
		if x.tame() {
			a = append(a, x)
		} else {
			b = append(b, x)
		}
	}
	if len(a) > 0 && len(b) > 0 {
		return a, b
	}
	return group[:(len(group)+1)/2], group[(len(group)+1)/2:]
}

// explosive returns the rules of which a single alternative needs more than most
// states.
func (c *compilation) explosive(alts []labelled, most int) []int {
	var blame []labelled
	for i := range alts {
		if c.work < most {
			break
		}
		if alts[i].tame() {
			continue
		}
		if _, err := c.build(alts[i:i+1], most); err != nil {
			blame = append(blame, alts[i])
		}
	}
	return rulesOf(blame)
}

// worst narrows alternatives that do not fit down to some that need more than
// most states together.
func (c *compilation) worst(alts []labelled, most int) []labelled {
	for c.work >= 2*most {
		a, b := halves(alts)
		if len(b) == 0 {
			break
		}
		if _, err := c.build(b, most); err != nil {
			alts = b
		} else if _, err := c.build(a, most); err != nil {
			alts = a
		} else {
			break
		}
	}
	return alts
}

func rulesOf(alts []labelled) []int {
	var out []int
	for _, a := range alts {
		out = append(out, a.rule)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
