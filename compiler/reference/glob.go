// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"strings"
)

// Limits of a pattern; one beyond them is invalid.
const (
	maxPatternBytes = 4096
	maxAlternatives = 1024
	maxNesting      = 16
)

// Canonical says whether path is one that a file can have: "/", or components
// that each follow a slash, none of them empty, "." or "..". No byte is NUL.
func Canonical(path string) bool {
	if path == "/" {
		return true
	}
	rest, absolute := strings.CutPrefix(path, "/")
	if !absolute || strings.Contains(rest, "\x00") {
		return false
	}
	for component := range strings.SplitSeq(rest, "/") {
		if component == "" || component == "." || component == ".." {
			return false
		}
	}
	return true
}

// MatchPath says whether the pattern matches the path. A path that is not
// canonical is matched by nothing, and an invalid pattern matches nothing.
func MatchPath(pattern, path string) bool {
	return Canonical(path) && slices.ContainsFunc(parse(pattern), func(g *glob) bool { return g.match(path) })
}

// glob is a pattern without braces.
type glob struct{ tokens []token }

// kind says what a token matches.
type kind uint8

const (
	literal    kind = iota // the byte itself
	oneOf                  // one byte of a set
	star                   // any run of bytes without "/"
	doubleStar             // any run of bytes
)

// token is one element of a glob.
type token struct {
	kind kind
	byte byte
	set  *[256]bool
}

// takes says whether the byte may be what the token matches, or be part of it.
func (t token) takes(b byte) bool {
	switch t.kind {
	case literal:
		return b == t.byte
	case oneOf:
		return t.set[b]
	case star:
		return b != '/'
	default:
		return true
	}
}

// run says whether the token matches runs, the empty one included.
func (t token) run() bool { return t.kind == star || t.kind == doubleStar }

func (t token) isSlash() bool { return t.kind == literal && t.byte == '/' }

// mayVanish says whether a "/**/" begins at token i, which also matches a
// single slash: then its first slash and the stars match nothing.
func (g *glob) mayVanish(i int) bool {
	return i+2 < len(g.tokens) && g.tokens[i].isSlash() && g.tokens[i+1].kind == doubleStar && g.tokens[i+2].isSlash()
}

// match says whether the glob matches the whole path, by trying every way and
// remembering those that failed.
func (g *glob) match(path string) bool {
	width := len(path) + 1
	failed := make([]bool, (len(g.tokens)+1)*width)
	var rest func(i, j int) bool
	try := func(i, j int) bool {
		if i == len(g.tokens) {
			return j == len(path)
		}
		t := g.tokens[i]
		taken := j < len(path) && t.takes(path[j])
		if t.run() {
			return rest(i+1, j) || taken && rest(i, j+1)
		}
		return taken && rest(i+1, j+1) || g.mayVanish(i) && rest(i+2, j)
	}
	rest = func(i, j int) bool {
		if failed[i*width+j] {
			return false
		}
		ok := try(i, j)
		failed[i*width+j] = !ok
		return ok
	}
	return rest(0, 0)
}

// lastStartsWith says whether what follows the last slash begins with these
// very bytes.
func (g *glob) lastStartsWith(prefix string) bool {
	last := g.tokens
	for i, t := range g.tokens {
		if t.isSlash() {
			last = g.tokens[i+1:]
		}
	}
	if len(last) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if last[i].kind != literal || last[i].byte != prefix[i] {
			return false
		}
	}
	return true
}
