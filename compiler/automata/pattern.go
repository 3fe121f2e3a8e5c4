// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of one pattern. They keep parsing linear and expansion small.
const (
	// MaxPatternLength is the longest pattern, in bytes: PATH_MAX.
	MaxPatternLength = 4096
	// MaxAlternatives is the number of brace-free patterns that one pattern may stand for.
	MaxAlternatives = 1024
	// MaxDepth is how deep braces may nest.
	MaxDepth = 16
	// maxExpansion bounds the sum of the lengths of all alternatives.
	maxExpansion = 1 << 15
)

// PatternError says why a pattern is refused.
type PatternError struct {
	Pattern string
	// Offset and Length are the bytes of Pattern that are wrong. Length may be 0
	// where something is missing.
	Offset, Length int
	// Message says what is wrong, in lower case and without the pattern.
	Message string
	// Hint says what was probably meant, as a full sentence fragment such as
	// "write `/etc/**`"; never empty.
	Hint string
}

func (e *PatternError) Error() string {
	return fmt.Sprintf("pattern %q: %s: %s", shorten(e.Pattern), e.Message, e.Hint)
}

func shorten(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// Glob is a parsed pattern. It is immutable.
type Glob struct {
	pattern string
	// alts are the brace-free alternatives, sorted, without duplicates.
	alts []alternative
	// restricted says that pattern has more alternatives.
	restricted bool
}

// alternative is one brace-free pattern.
type alternative []token

// token is one step of a brace-free pattern.
type token struct {
	kind tokenKind
	b    byte     // tokByte
	set  *byteSet // tokSet
}

type tokenKind uint8

const (
	tokByte tokenKind = iota // exactly b
	tokSet                   // one byte of set
	tokStar                  // any run without '/'
	tokAny                   // any run
	tokDirs                  // nothing, or any run that ends in '/'
)

func compareTokens(a, b token) int {
	switch {
	case a.kind != b.kind:
		return int(a.kind) - int(b.kind)
	case a.kind == tokByte:
		return int(a.b) - int(b.b)
	case a.kind == tokSet && a.set != b.set:
		return slices.Compare(a.set[:], b.set[:])
	}
	return 0
}

// String returns the pattern as it was given to Parse.
func (g *Glob) String() string { return g.pattern }

// Exact returns the path when g matches exactly one, spelled out or not
// ("/a[b]" is exact).
func (g *Glob) Exact() (path string, ok bool) {
	if len(g.alts) != 1 {
		return "", false
	}
	return g.alts[0].exact()
}

func (a alternative) exact() (path string, ok bool) {
	buf := make([]byte, len(a))
	for i, t := range a {
		if t.kind != tokByte {
			return "", false
		}
		buf[i] = t.b
	}
	return string(buf), true
}

// Unanchored reports whether an alternative of g goes on after a wildcard that
// crosses directories, as "/**/name" does. Compile keeps such alternatives
// apart: together with "/dir/**" they multiply states.
func (g *Glob) Unanchored() bool {
	return slices.ContainsFunc(g.alts, alternative.unanchored)
}

func (a alternative) unanchored() bool {
	for _, t := range a[:len(a)-1] {
		if t.kind >= tokAny {
			return true
		}
	}
	return false
}

// tame reports whether a is a literal path or everything below one: tame
// alternatives alone never need more states than they have bytes.
func (a alternative) tame() bool {
	for _, t := range a[:len(a)-1] {
		if t.kind != tokByte {
			return false
		}
	}
	return true
}

// Escape returns a pattern that matches name literally wherever it stands in a
// pattern, also within braces, but not within a class.
func Escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if strings.IndexByte(special, name[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// special are the bytes that mean something outside a class.
const special = `\*?[]{},`

// Parse parses one pattern. The error is a *PatternError.
//
// A pattern stands for the union of its brace-free expansions. In such an
// expansion `*` is any run of bytes without '/', `**` any run, `?` one byte but
// '/', `[a-z]` and `[!a-z]` one byte of a class and never '/', `\x` x itself.
// `/**/` also matches a single '/'. A final `/*` or `/**` needs at least one
// byte after the slash. An expansion that no canonical path can match is an
// error, and so is one that ends in a slash.
func Parse(pattern string) (*Glob, error) {
	alts, err := (&parser{src: pattern}).alternatives()
	if err != nil {
		return nil, err
	}
	return &Glob{pattern: pattern, alts: alts}, nil
}
