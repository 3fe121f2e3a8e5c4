// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
)

// SearchBudget is how many states the search below a directory visits at most.
const SearchBudget = 1 << 15

// findCarryOut looks for a path below a directory that the move from source to
// target would carry out of a rule's reach. It returns the shortest such
// suffix, and of the shortest the first by the bytes tried. It is not decided
// when the search would visit more than SearchBudget states.
//
// All suffixes are tried at once: two that leave every glob equally far, below
// source and below target, are not told apart by anything that follows, and
// neither are two bytes that every token takes or refuses alike.
func (s *pathSections) findCarryOut(source, target string) (suffix string, found, decided bool) {
	if source == "/" || target == "/" {
		return "", false, true // nothing is canonical after their slash
	}
	globs := s.globs()
	begin := below{source: walk(globs, source), target: walk(globs, target)}
	globs, begin = begin.dropDead(globs)
	bytes := representatives(globs)

	visited := map[string]bool{begin.key(): true}
	for queue := []below{begin}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at.complete() && s.carryOut(at.source.object(globs), at.target.object(globs)).Action == policy.Block {
			return at.suffix, true, true
		}
		for _, b := range bytes {
			next, ok := at.step(globs, b)
			if !ok || visited[next.key()] {
				continue
			}
			if len(visited) == SearchBudget {
				return "", false, false
			}
			visited[next.key()] = true
			queue = append(queue, next)
		}
	}
	return "", false, true
}

// globs returns all globs that decide about paths.
func (s *pathSections) globs() []*glob {
	var out []*glob
	for _, section := range []pathSection{s.process, s.file} {
		for _, r := range section.rules {
			out = append(append(out, r.paths...), r.names...)
		}
	}
	if s.process.blocker != nil {
		out = append(out, loaderGlobs...)
	}
	return out
}

// representatives returns one byte of each class of bytes that the globs and
// the form of a path tell apart: the least.
func representatives(globs []*glob) []byte {
	seen := map[string]bool{}
	var out []byte
	for n := 1; n < 256; n++ {
		b := byte(n)
		var told strings.Builder
		told.WriteString(bits([]bool{b == '/', b == '.'}))
		for _, g := range globs {
			for _, t := range g.tokens {
				told.WriteString(bits([]bool{t.takes(b)}))
			}
		}
		if !seen[told.String()] {
			seen[told.String()] = true
			out = append(out, b)
		}
	}
	return out
}

// progress says of each glob which numbers of its tokens match the whole path
// read so far.
type progress [][]bool

// walk reads a path.
func walk(globs []*glob, path string) progress {
	p := make(progress, len(globs))
	for i, g := range globs {
		p[i] = make([]bool, len(g.tokens)+1)
		p[i][0] = true
		g.vanish(p[i])
	}
	for i := range len(path) {
		p = p.step(globs, path[i])
	}
	return p
}

// step reads one more byte.
func (p progress) step(globs []*glob, b byte) progress {
	next := make(progress, len(globs))
	for i, g := range globs {
		next[i] = make([]bool, len(g.tokens)+1)
		for n, t := range g.tokens {
			if !p[i][n] || !t.takes(b) {
				continue
			}
			if t.run() {
				next[i][n] = true
			} else {
				next[i][n+1] = true
			}
		}
		g.vanish(next[i])
	}
	return next
}

// vanish adds what also matches because tokens may match nothing.
func (g *glob) vanish(matched []bool) {
	for n, t := range g.tokens {
		if matched[n] && t.run() {
			matched[n+1] = true
		}
		if matched[n] && g.mayVanish(n) {
			matched[n+2] = true
		}
	}
}

// object is the object at the path read so far.
func (p progress) object(globs []*glob) object {
	matched := map[*glob]bool{}
	for i, g := range globs {
		matched[g] = p[i][len(g.tokens)]
	}
	return object{policy.Named, func(g *glob) bool { return matched[g] }}
}

// below is a state of the search: a suffix and what reading it after source
// and after target came to.
type below struct {
	source, target progress
	suffix         string
}

// component is what the suffix has after its last slash, as far as it matters
// to being canonical: any component that is not empty, "." or ".." is like "x".
func (s below) component() string {
	last := s.suffix[strings.LastIndexByte(s.suffix, '/')+1:]
	if last == "" || last == "." || last == ".." {
		return last
	}
	return "x"
}

// complete says whether the suffix makes a canonical path.
func (s below) complete() bool { return s.suffix != "" && s.component() == "x" }

// step reads one more byte of the suffix. It is not ok when no canonical path
// goes on so: a slash begins the suffix or ends a component.
func (s below) step(globs []*glob, b byte) (next below, ok bool) {
	if b == '/' {
		ok = s.suffix == "" || s.complete()
	} else {
		ok = s.suffix != ""
	}
	if !ok {
		return below{}, false
	}
	return below{s.source.step(globs, b), s.target.step(globs, b), s.suffix + string([]byte{b})}, true
}

// key tells states apart.
func (s below) key() string {
	var key strings.Builder
	for _, p := range []progress{s.source, s.target} {
		for _, matched := range p {
			key.WriteString(bits(matched))
		}
	}
	if s.suffix == "" {
		return key.String()
	}
	return key.String() + "/" + s.component()
}

// dropDead drops globs that match nothing below source or target.
func (s below) dropDead(globs []*glob) ([]*glob, below) {
	var alive []*glob
	out := below{suffix: s.suffix}
	for i, g := range globs {
		if strings.Contains(bits(s.source[i])+bits(s.target[i]), "1") {
			alive = append(alive, g)
			out.source = append(out.source, s.source[i])
			out.target = append(out.target, s.target[i])
		}
	}
	return alive, out
}

// bits writes truth values as ones and zeros.
func bits(values []bool) string {
	out := make([]byte, len(values))
	for i, v := range values {
		out[i] = '0'
		if v {
			out[i] = '1'
		}
	}
	return string(out)
}
