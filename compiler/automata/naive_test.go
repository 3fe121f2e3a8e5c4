// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// naiveMatch is the meaning of a pattern by the book: expand the braces as text,
// then backtrack. It shares nothing with the package.
func naiveMatch(pattern, name string) bool {
	if !naiveCanonical(name) {
		return false
	}
	for _, p := range naiveExpand(pattern) {
		if naiveGlob(p, 0, name) {
			return true
		}
	}
	return false
}

func naiveCanonical(name string) bool {
	return strings.HasPrefix(name, "/") && path.Clean(name) == name && !strings.Contains(name, "\x00") && !strings.HasPrefix(name, "//")
}

// naiveExpand expands the first braces, then what comes of it.
func naiveExpand(p string) []string {
	open, depth, inClass := -1, 0, false
	var cuts []int
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\':
			i++
		case inClass:
			inClass = c != ']'
		case c == '[':
			inClass = true
		case c == '{':
			if depth == 0 {
				open = i
			}
			depth++
		case c == ',' && depth == 1:
			cuts = append(cuts, i)
		case c == '}':
			if depth--; depth > 0 {
				continue
			}
			var out []string
			from := open + 1
			for _, cut := range append(cuts, i) {
				out = append(out, naiveExpand(p[:open]+p[from:cut]+p[i+1:])...)
				from = cut + 1
			}
			return out
		}
	}
	return []string{p}
}

// naiveGlob matches the brace-free pattern p from byte i on with name.
func naiveGlob(p string, i int, name string) bool {
	if i == len(p) {
		return name == ""
	}
	rest := p[i:]
	if strings.HasPrefix(rest, "/**/") && strings.HasPrefix(name, "/") {
		if naiveGlob(p, i+3, name) {
			return true
		}
	}
	if (rest == "/**" || rest == "/*") && len(name) < 2 {
		return false
	}
	switch {
	case strings.HasPrefix(rest, "**"):
		for k := 0; k <= len(name); k++ {
			if naiveGlob(p, i+2, name[k:]) {
				return true
			}
		}
		return false
	case rest[0] == '*':
		for k := 0; k <= len(name); k++ {
			if naiveGlob(p, i+1, name[k:]) {
				return true
			}
			if k < len(name) && name[k] == '/' {
				break
			}
		}
		return false
	}
	if name == "" {
		return false
	}
	switch rest[0] {
	case '?':
		return name[0] != '/' && naiveGlob(p, i+1, name[1:])
	case '\\':
		return name[0] == rest[1] && naiveGlob(p, i+2, name[1:])
	case '[':
		n, in := naiveClass(rest, name[0])
		return in && name[0] != '/' && naiveGlob(p, i+n, name[1:])
	}
	return name[0] == rest[0] && naiveGlob(p, i+1, name[1:])
}

// naiveClass returns the length of the class and whether b is in it.
func naiveClass(p string, b byte) (n int, in bool) {
	i := 1
	negated := p[i] == '!'
	if negated {
		i++
	}
	next := func() byte {
		if p[i] == '\\' {
			i++
		}
		i++
		return p[i-1]
	}
	for p[i] != ']' {
		lo := next()
		hi := lo
		if p[i] == '-' && p[i+1] != ']' {
			i++
			hi = next()
		}
		in = in || lo <= b && b <= hi
	}
	return i + 1, in != negated
}

// genPattern makes patterns over few letters, so that they meet.
var genPattern = rapid.Custom(func(t *rapid.T) string {
	piece := rapid.SampledFrom([]string{
		"a", "b", "ab", ".", "/", "/", "/a", "/b", "*", "*", "**", "/**/", "/**", "/*", "?", "[ab]", "[!a]", "[!.]", "[a-c]", `\*`, `\a`, "{a,b}", "{a,}", "{/a,}", "{*,b}", "{a/b,{b,c}c}", "c",
	})
	var b strings.Builder
	b.WriteString("/")
	for range rapid.IntRange(0, 6).Draw(t, "pieces") {
		b.WriteString(piece.Draw(t, "piece"))
	}
	return b.String()
})

// genGlob makes possible patterns.
var genGlob = rapid.Custom(func(t *rapid.T) *Glob {
	g, err := Parse(genPattern.Draw(t, "pattern"))
	if err != nil {
		t.Skip(err)
	}
	return g
})

// genPath makes canonical paths, and some that are not.
var genPath = rapid.Custom(func(t *rapid.T) string {
	comps := rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("aabbc.*")), 1, 4, -1), 0, 4).Draw(t, "components")
	return "/" + strings.Join(comps, "/")
})

func genRules(labels int) *rapid.Generator[[]Rule] {
	return rapid.Custom(func(t *rapid.T) []Rule {
		globs := rapid.SliceOfN(genGlob, 0, 6).Draw(t, "globs")
		var rules []Rule
		for _, g := range globs {
			rules = append(rules, Rule{g, rapid.IntRange(0, labels-1).Draw(t, "label")})
		}
		return rules
	})
}

func naiveLabels(rules []Rule, name string) Labels {
	var out []int
	for _, r := range rules {
		if naiveMatch(r.Glob.String(), name) {
			out = append(out, r.Label)
		}
	}
	return NewLabels(out...)
}

func show(l Labels) string {
	s := "{"
	for x := range l.All() {
		s += fmt.Sprint(x, " ")
	}
	return s + "}"
}

// allPaths lists the canonical paths of at most n bytes over letters.
func allPaths(letters string, n int) []string {
	var out []string
	level := []string{"/"}
	for range n {
		var next []string
		for _, p := range level {
			if naiveCanonical(p) {
				out = append(out, p)
			}
			for _, c := range letters {
				next = append(next, p+string(c))
			}
		}
		level = next
	}
	return out
}

func TestNaiveMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"/**", "/", false}, {"/**", "/a", true}, {"/*", "/", false}, {"/*", "/a/b", false},
		{"/a/**/b", "/a/b", true}, {"/a/**/b", "/a/x/y/b", true}, {"/a/**/b", "/a/xb", false},
		{"/a/**", "/a", false}, {"/{usr/,}bin", "/bin", true}, {"/[!a]", "/a", false}, {"/a**", "/a/b", true},
		{"/{a,b{c,d}}/e", "/bd/e", true}, {`/\*`, "/*", true}, {`/\*`, "/a", false}, {"/**/**", "/", false}, {"/**/a", "/a", true},
	} {
		if got := naiveMatch(c.pattern, c.name); got != c.want {
			t.Errorf("naiveMatch(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}
