// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
)

func hasRequest(e *element) bool { return e.http != nil }

// methods settles whether the traffic is HTTP, and the method.
func methods(alive []*element, f policy.Flow) ([]cell, error) {
	out := []cell{{set: func(*policy.Flow) {}, has: func(e *element) bool { return e.http == nil }}}
	if !slices.ContainsFunc(alive, hasRequest) {
		return out, nil
	}
	out[0].text = "not HTTP"
	var known []string
	for _, e := range alive {
		if hasRequest(e) && e.http.Method != "" {
			known = append(known, e.http.Method)
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	other := "OTHER"
	for _, m := range []string{"GET", "POST", "PUT", "DELETE"} {
		if !slices.Contains(known, m) {
			other = m
			break
		}
	}
	for _, m := range append(known, other) {
		text := "method " + m
		if m == other {
			text = "any other method"
			if len(known) == 0 {
				text = "HTTP"
			}
		}
		out = append(out, cell{
			text: text, apart: "HTTP",
			set: func(f *policy.Flow) { f.HTTP = &policy.HTTPRequest{Method: m, Path: "/"} },
			has: func(e *element) bool { return e.http == nil || e.http.Method == "" || e.http.Method == m },
		})
	}
	return out, nil
}

// requests settles the path of a request.
func requests(alive []*element, f policy.Flow) ([]cell, error) {
	if f.HTTP == nil {
		return settled(), nil
	}
	var patterns []policy.HTTPMatch
	number := func(m policy.HTTPMatch) int { return slices.Index(patterns, onlyPath(m)) }
	for _, e := range alive {
		if hasRequest(e) && onlyPath(*e.http) != (policy.HTTPMatch{}) && number(*e.http) < 0 {
			patterns = append(patterns, onlyPath(*e.http))
		}
	}
	found, err := pathsOf(patterns)
	if err != nil {
		return nil, err
	}
	var out []cell
	for _, p := range found {
		text := "paths such as " + p.path
		if len(found) == 1 {
			text = ""
		}
		out = append(out, cell{
			text: text,
			set:  func(f *policy.Flow) { f.HTTP = &policy.HTTPRequest{Method: f.HTTP.Method, Path: p.path} },
			has: func(e *element) bool {
				return e.http == nil || number(*e.http) < 0 || p.matches[number(*e.http)]
			},
		})
	}
	return out, nil
}

// onlyPath drops the method of a match, and its place.
func onlyPath(m policy.HTTPMatch) policy.HTTPMatch {
	return policy.HTTPMatch{Path: m.Path, PathPrefix: m.PathPrefix, PathRegex: m.PathRegex}
}

// requestPath is a path, and which patterns it matches.
type requestPath struct {
	path    string
	matches []bool
}

// pathsOf returns a shortest path for each set of patterns that some path
// matches. A path begins with a slash and has no question mark.
func pathsOf(patterns []policy.HTTPMatch) ([]requestPath, error) {
	s := &pathSearch{}
	for _, m := range patterns {
		expr := "(?:" + m.PathRegex + ")$"
		switch {
		case m.Path != "":
			expr = quote(m.Path) + "$"
		case m.PathPrefix != "":
			expr = quote(m.PathPrefix)
		}
		re, err := syntax.Parse("^"+expr, syntax.Perl)
		if err != nil {
			return nil, fmt.Errorf("path of a request: %w", err) // check compiled it
		}
		prog, err := syntax.Compile(re.Simplify())
		if err != nil {
			return nil, fmt.Errorf("path of a request: %w", err)
		}
		s.progs = append(s.progs, prog)
	}
	return s.run()
}

// quote writes a text as a regular expression that matches it alone.
func quote(text string) string {
	var b strings.Builder
	for _, r := range text {
		fmt.Fprintf(&b, `\x{%x}`, r)
	}
	return b.String()
}

// pathSearch runs programs of package regexp side by side over all texts.
type pathSearch struct{ progs []*syntax.Prog }

// matching is where the programs are after some text.
type matching struct {
	pcs  [][]uint32 // of each program, before empty matches are followed
	done []bool     // programs that have matched, whatever comes
	last rune       // the rune before, or -1
	text string
}

func (m *matching) key(last int) string { return fmt.Sprint(m.pcs, m.done, last) }

func (s *pathSearch) run() ([]requestPath, error) {
	alphabet := s.alphabet()
	begin := &matching{last: -1, done: make([]bool, len(s.progs))}
	for _, p := range s.progs {
		begin.pcs = append(begin.pcs, []uint32{uint32(p.Start)})
	}
	queue := []*matching{s.step(begin, '/')}
	seen, found := map[string]bool{}, map[string]bool{}
	var out []requestPath
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		matches := make([]bool, len(s.progs))
		for i := range s.progs {
			_, end := s.follow(i, at, -1)
			matches[i] = at.done[i] || end
		}
		if key := fmt.Sprint(matches); !found[key] {
			found[key] = true
			out = append(out, requestPath{at.text, matches})
		}
		for _, r := range alphabet {
			next := s.step(at, r)
			context := 0 // what an empty match can tell of the rune before
			if syntax.IsWordChar(r) {
				context = 1
			}
			if key := next.key(context); !seen[key] {
				seen[key] = true
				queue = append(queue, next)
			}
		}
		if len(seen) > maxCells {
			return nil, fmt.Errorf("paths of requests: %w", automata.ErrBudget)
		}
	}
	return out, nil
}

// step returns where the programs are after one more rune.
func (s *pathSearch) step(at *matching, r rune) *matching {
	next := &matching{last: r, text: at.text + string(r), done: slices.Clone(at.done)}
	for i, p := range s.progs {
		waiting, matched := s.follow(i, at, r)
		next.done[i] = next.done[i] || matched
		var pcs []uint32
		for _, pc := range waiting {
			if in := &p.Inst[pc]; !next.done[i] && in.MatchRune(r) && !slices.Contains(pcs, in.Out) {
				pcs = append(pcs, in.Out)
			}
		}
		slices.Sort(pcs)
		next.pcs = append(next.pcs, pcs)
	}
	return next
}

// follow takes all empty steps of a program before a rune, or before the end
// for -1. It returns the instructions that wait for a rune, and whether the
// program matches.
func (s *pathSearch) follow(program int, at *matching, r rune) (waiting []uint32, matched bool) {
	p := s.progs[program]
	flags := syntax.EmptyOpContext(at.last, r)
	seen := make([]bool, len(p.Inst))
	stack := slices.Clone(at.pcs[program])
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &p.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^flags == 0 {
				stack = append(stack, in.Out)
			}
		case syntax.InstMatch:
			matched = true
		case syntax.InstFail:
		default:
			waiting = append(waiting, pc)
		}
	}
	return waiting, matched
}

// alphabet returns a rune for each set of runes that no program tells apart,
// those that read well first. The path of a request has neither a question mark
// nor spaces nor control characters (RFC 9112, section 3.2).
func (s *pathSearch) alphabet() []rune {
	starts := []rune{'!', '/', '/' + 1, '0', '9' + 1, '?', '?' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1, 0x7f, 0x80, 0xd800, 0xe000}
	for _, p := range s.progs {
		for i := range p.Inst {
			in := &p.Inst[i]
			for j := 0; j+1 < len(in.Rune); j += 2 {
				starts = append(starts, in.Rune[j], in.Rune[j+1]+1)
			}
			if len(in.Rune) == 1 {
				starts = append(starts, in.Rune[0], in.Rune[0]+1)
				for r := unicode.SimpleFold(in.Rune[0]); r != in.Rune[0]; r = unicode.SimpleFold(r) {
					starts = append(starts, r, r+1)
				}
			}
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	var out []rune
	for _, r := range starts {
		if r > ' ' && r != 0x7f && r != '?' && r <= unicode.MaxRune && (r < 0xd800 || r >= 0xe000) {
			out = append(out, r)
		}
	}
	rank := func(r rune) int {
		switch {
		case 'a' <= r && r <= 'z':
			return 0
		case '0' <= r && r <= '9':
			return 1
		case 'A' <= r && r <= 'Z':
			return 2
		case r > ' ' && r < 0x7f:
			return 3
		}
		return 4
	}
	slices.SortStableFunc(out, func(a, b rune) int { return rank(a) - rank(b) })
	return out
}
