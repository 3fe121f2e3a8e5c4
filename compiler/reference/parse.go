// SPDX-License-Identifier: Apache-2.0

package reference

import "strings"

// parse returns the globs whose union is the pattern, or nil when the pattern
// is invalid.
//
// Rule: a pattern is the union of what its braces expand to.
func parse(pattern string) []*glob {
	if len(pattern) > maxPatternBytes {
		return nil
	}
	alternatives, ok := expand(pattern)
	if !ok {
		return nil
	}
	var globs []*glob
	for _, a := range alternatives {
		g, ok := tokenize(a)
		if !ok {
			return nil
		}
		globs = append(globs, g)
	}
	return globs
}

// lastComponent returns the glob of `names: [name]`.
//
// Rule: it is a last component of exactly these bytes.
func lastComponent(name string) *glob {
	g, _ := tokenize("/**/")
	for i := range len(name) {
		g.tokens = append(g.tokens, token{kind: literal, byte: name[i]})
	}
	return g
}

// expand lists the texts without braces that the pattern stands for. It is not
// ok when the pattern is not well formed or stands for too many.
func expand(pattern string) (texts []string, ok bool) {
	if !wellFormed(pattern) {
		return nil, false
	}
	var add func(text string) bool
	add = func(text string) bool {
		before, alternatives, after, found := firstBraces(text)
		if !found {
			texts = append(texts, text)
			return len(texts) <= maxAlternatives
		}
		for _, a := range alternatives {
			if !add(before + a + after) {
				return false
			}
		}
		return true
	}
	return texts, add(pattern)
}

// wellFormed says whether braces pair up and nest at most maxNesting deep, and
// escapes and classes are complete.
func wellFormed(pattern string) bool {
	depth := 0
	for i := 0; i < len(pattern); {
		end, ok := element(pattern, i)
		switch pattern[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		if !ok || depth < 0 || depth > maxNesting {
			return false
		}
		i = end
	}
	return depth == 0
}

// firstBraces cuts a well-formed text at its first braces.
func firstBraces(text string) (before string, alternatives []string, after string, found bool) {
	depth, from := 0, 0
	for i := 0; i < len(text); i, _ = element(text, i) {
		switch text[i] {
		case '{':
			if depth++; depth == 1 {
				before, from = text[:i], i+1
			}
		case ',':
			if depth == 1 {
				alternatives = append(alternatives, text[from:i])
				from = i + 1
			}
		case '}':
			if depth--; depth == 0 {
				return before, append(alternatives, text[from:i]), text[i+1:], true
			}
		}
	}
	return "", nil, "", false
}

// element returns where the element at i ends: an escaped byte, a class, in
// which braces and commas mean themselves, or one byte.
func element(text string, i int) (end int, ok bool) {
	switch text[i] {
	case '\\':
		return i + 2, i+1 < len(text)
	case '[':
		_, end, ok := class(text, i)
		return end, ok
	}
	return i + 1, true
}

// tokenize reads a well-formed text without braces. It is not ok when three
// stars stand in a row.
func tokenize(text string) (g *glob, ok bool) {
	g = &glob{}
	for i := 0; i < len(text); {
		t := token{kind: literal, byte: text[i]}
		end, _ := element(text, i)
		switch text[i] {
		case '*':
			stars := len(text[i:]) - len(strings.TrimLeft(text[i:], "*"))
			if stars > 2 {
				return nil, false
			}
			t.kind = star
			if stars == 2 {
				t.kind = doubleStar
			}
			end = i + stars
		case '?':
			t.kind, t.set = oneOf, anyByte
		case '[':
			t.kind = oneOf
			t.set, _, _ = class(text, i)
		case '\\':
			t.byte = text[i+1]
		}
		g.tokens = append(g.tokens, t)
		i = end
	}
	g.demandFinalByte()
	return g, true
}

// demandFinalByte puts a one-byte token before stars that end the glob after a
// slash.
//
// Rule: a final "/**" or "/*" is what is below the directory, so at least one
// byte follows the slash.
func (g *glob) demandFinalByte() {
	n := len(g.tokens)
	if n < 2 || !g.tokens[n-1].run() || !g.tokens[n-2].isSlash() {
		return
	}
	one := token{kind: oneOf, set: anyByte}
	g.tokens = append(g.tokens[:n-1], one, g.tokens[n-1])
}

// class reads the class that begins at text[i] and returns its bytes and its
// end. It is not ok when the class is empty, not closed, begins with "^" or
// has a range that runs backwards.
//
// Rule: a class is one byte, never a slash; "!" negates; a backslash makes the
// next byte mean itself; a minus at either end means itself.
func class(text string, i int) (set *[256]bool, end int, ok bool) {
	set = new([256]bool)
	i++
	negated := strings.HasPrefix(text[i:], "!")
	if negated {
		i++
	}
	if strings.HasPrefix(text[i:], "^") && !negated {
		return nil, 0, false
	}
	member := func() (b byte, ok bool) {
		if i < len(text) && text[i] == '\\' {
			i++
		}
		if i >= len(text) {
			return 0, false
		}
		i++
		return text[i-1], true
	}
	for first := i; i < len(text); {
		if text[i] == ']' {
			set['/'], set[0] = false, false
			if negated {
				set = complement(set)
			}
			return set, i + 1, i > first
		}
		low, ok := member()
		if !ok {
			return nil, 0, false
		}
		high := low
		if i+1 < len(text) && text[i] == '-' && text[i+1] != ']' {
			i++
			if high, ok = member(); !ok || high < low {
				return nil, 0, false
			}
		}
		for b := int(low); b <= int(high); b++ {
			set[b] = true
		}
	}
	return nil, 0, false
}

// anyByte is every byte that a component may hold.
var anyByte = complement(new([256]bool))

// complement returns every byte that a component may hold and set does not.
func complement(set *[256]bool) *[256]bool {
	var out [256]bool
	for b := range out {
		out[b] = !set[b] && b != '/' && b != 0
	}
	return &out
}
