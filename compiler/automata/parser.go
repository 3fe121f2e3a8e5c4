// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"fmt"
	"slices"
	"strings"
)

// atom is one byte, class or run of stars of the source.
type atom struct {
	token
	off, end uint16 // where it stands in the source
	stars    uint16 // length of a run of stars, 0 for the others
}

func (a atom) slash() bool { return a.kind == tokByte && a.b == '/' }

// sequence is a pattern with braces: atoms and groups in turn.
type sequence struct {
	items []item
	// count is the number of alternatives, size the sum of their lengths; both
	// stop at limits.
	count, size int
}

// item is a run of atoms, or a group when alts is not nil.
type item struct {
	atoms []atom
	alts  []*sequence
}

func (s *sequence) addAtoms(run []atom) {
	s.items = append(s.items, item{atoms: run})
	s.size = min(s.size+s.count*len(run), maxExpansion+1)
}

func (s *sequence) addGroup(alts []*sequence) {
	s.items = append(s.items, item{alts: alts})
	count, size := 0, 0
	for _, a := range alts {
		count = min(count+a.count, MaxAlternatives+1)
		size = min(size+a.size, maxExpansion+1)
	}
	s.size = min(s.size*count+size*s.count, maxExpansion+1)
	s.count = min(s.count*count, MaxAlternatives+1)
}

// expand lists the alternatives in the order of the source.
func (s *sequence) expand() [][]atom {
	out := [][]atom{nil}
	for _, it := range s.items {
		tails := [][]atom{it.atoms}
		if it.alts != nil {
			tails = nil
			for _, a := range it.alts {
				tails = append(tails, a.expand()...)
			}
		}
		next := make([][]atom, 0, len(out)*len(tails))
		for _, head := range out {
			for _, tail := range tails {
				next = append(next, slices.Concat(head, tail))
			}
		}
		out = next
	}
	return out
}

// mergeStars joins stars that stand side by side after expansion: `{*,a}*` is
// `**` or `a*`, as if it had been written out.
func mergeStars(atoms []atom) []atom {
	out := atoms[:0]
	for _, a := range atoms {
		if n := len(out); a.stars > 0 && n > 0 && out[n-1].stars > 0 {
			out[n-1].stars += a.stars
			out[n-1].end = max(out[n-1].end, a.end)
			out[n-1].kind = tokAny
			continue
		}
		out = append(out, a)
	}
	return out
}

type parser struct {
	src   string
	pos   int
	atoms []atom // of all runs
	quiet bool   // makes no hints
}

// run parses atoms up to a brace, or up to a comma inside braces.
func (p *parser) run(depth int) ([]atom, error) {
	if p.atoms == nil {
		p.atoms = make([]atom, 0, len(p.src))
	}
	from := len(p.atoms)
	for p.pos < len(p.src) {
		if c := p.src[p.pos]; c == '{' || depth > 0 && (c == ',' || c == '}') {
			break
		}
		a, err := p.atom()
		if err != nil {
			return nil, err
		}
		p.atoms = append(p.atoms, a)
	}
	return p.atoms[from:], nil
}

// fail makes the error for src[off:end].
func (p *parser) fail(off, end int, message, hint string) error {
	return &PatternError{Pattern: p.src, Offset: off, Length: max(end-off, 0), Message: message, Hint: hint}
}

// suggest makes a hint of one or two whole patterns: of the first candidates
// that parse. If none does, more than this is wrong, and the first are offered
// as they are.
func (p *parser) suggest(candidates ...string) string { return p.suggestElse(candidates, nil) }

// suggestElse is suggest with others to take when none of the candidates parses.
func (p *parser) suggestElse(candidates, others []string) string {
	if p.quiet {
		return ""
	}
	const most = 2
	var chosen []string
	for _, list := range [][]string{candidates, others} {
		for _, c := range list {
			if len(chosen) < most && !slices.Contains(chosen, c) && (&parser{src: c, quiet: true}).valid() {
				chosen = append(chosen, c)
			}
		}
		if len(chosen) > 0 {
			break
		}
	}
	if len(chosen) == 0 {
		all := slices.Concat(others, candidates)
		chosen = slices.Compact(all[:min(most, len(all))])
	}
	for i, c := range chosen {
		chosen[i] = "`" + shorten(c) + "`"
	}
	return "write " + strings.Join(chosen, " or ")
}

func (p *parser) valid() bool {
	_, err := p.alternatives()
	return err == nil
}

// with returns the source with src[off:end] replaced.
func (p *parser) with(off, end int, text string) string {
	return p.src[:off] + text + p.src[end:]
}

// alternatives returns the sorted alternatives of the source.
func (p *parser) alternatives() ([]alternative, error) {
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	var alts []alternative
	for _, atoms := range root.expand() {
		alt, err := p.tokens(mergeStars(atoms))
		if err != nil {
			return nil, err
		}
		alts = append(alts, alt)
	}
	cmp := func(a, b alternative) int { return slices.CompareFunc(a, b, compareTokens) }
	slices.SortFunc(alts, cmp)
	return slices.CompactFunc(alts, func(a, b alternative) bool { return cmp(a, b) == 0 }), nil
}

func (p *parser) parse() (*sequence, error) {
	switch {
	case p.src == "":
		return nil, p.fail(0, 0, "the pattern is empty", "write an absolute path such as `/etc/hosts`, or `/**` for everything below the root")
	case len(p.src) > MaxPatternLength:
		return nil, p.fail(MaxPatternLength, len(p.src), fmt.Sprintf("the pattern has %d bytes; no path has more than %d", len(p.src), MaxPatternLength),
			"split it into several patterns")
	}
	if i := strings.IndexByte(p.src, 0); i >= 0 {
		return nil, p.fail(i, i+1, "a NUL byte can not be part of a path", p.suggest(strings.ReplaceAll(p.src, "\x00", "")))
	}
	return p.sequence(0)
}

// sequence parses up to the end, or inside braces up to `,` or `}`.
func (p *parser) sequence(depth int) (*sequence, error) {
	s := &sequence{count: 1}
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '{':
			alts, err := p.group(depth + 1)
			if err != nil {
				return nil, err
			}
			s.addGroup(alts)
		case depth > 0 && (c == ',' || c == '}'):
			return s, nil
		default:
			run, err := p.run(depth)
			if err != nil {
				return nil, err
			}
			s.addAtoms(run)
		}
		if s.count > MaxAlternatives || s.size > maxExpansion {
			return nil, p.fail(0, p.pos, fmt.Sprintf("the braces stand for too many patterns (more than %d, or very long ones)", MaxAlternatives),
				"use `*` for some of them, or split it into several patterns")
		}
	}
	return s, nil
}

func (p *parser) group(depth int) ([]*sequence, error) {
	open := p.pos
	if depth > MaxDepth {
		return nil, p.fail(open, open+1, fmt.Sprintf("braces nest deeper than %d", MaxDepth), "write the alternatives side by side, as in `{a,b,c}`")
	}
	p.pos++
	var alts []*sequence
	for {
		s, err := p.sequence(depth)
		if err != nil {
			return nil, err
		}
		alts = append(alts, s)
		if p.pos == len(p.src) {
			return nil, p.fail(open, open+1, "this brace is never closed", p.suggest(p.src+"}", p.with(open, open+1, `\{`)))
		}
		p.pos++
		if p.src[p.pos-1] == '}' {
			break
		}
	}
	if len(alts) == 1 && len(alts[0].items) == 0 {
		return nil, p.fail(open, p.pos, "empty braces", p.suggest(p.with(open, p.pos, `\{\}`), p.with(open, p.pos, "")))
	}
	return alts, nil
}

func (p *parser) atom() (atom, error) {
	off := p.pos
	p.pos++
	a := atom{off: uint16(off)}
	switch c := p.src[off]; c {
	case '\\':
		if p.pos == len(p.src) {
			return a, p.fail(off, off+1, "a backslash at the end has nothing to escape", p.suggest(p.src[:off], p.src+`\`))
		}
		a.token = token{kind: tokByte, b: p.src[p.pos]}
		p.pos++
	case '*':
		for p.pos < len(p.src) && p.src[p.pos] == '*' {
			p.pos++
		}
		a.stars = uint16(p.pos - off)
		a.kind = tokStar
		if a.stars > 1 {
			a.kind = tokAny
		}
	case '?':
		a.token = token{kind: tokSet, set: &notSlash}
	case '[':
		t, err := p.class(off)
		if err != nil {
			return a, err
		}
		a.token = t
	case ']':
		return a, p.fail(off, off+1, "this bracket closes nothing", p.suggest(p.with(off, off+1, `\]`)))
	case '}':
		return a, p.fail(off, off+1, "this brace closes nothing", p.suggest(p.with(off, off+1, `\}`)))
	default:
		a.token = token{kind: tokByte, b: c}
	}
	a.end = uint16(p.pos)
	return a, nil
}
