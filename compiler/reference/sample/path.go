// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"path"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
	"pgregory.net/rapid"
)

// components are what patterns are put together from, with slashes between
// them: none is empty alone, so every pattern matches some path, and no stars
// meet.
var components = []string{
	"a", "b", "ab", ".a", "..a", "lib", "ld.so", "ld-x.so.1",
	"*", "**", "a*", "*b", "a*b", "*a*", "**a", "a**", "?", "a?", ".*", "ld*", "l*",
	"[ab]", "[!a]", "[a-c]b", "[a\\]-]", `\a`, `\*`, `a\,b`, `\[`,
	"{a,b}", "{a,b*}", "{,a}b", "{a/,}b", "{**/,}a", "{*/,}b", "{a,b/a}", "{a,{b,.a}}", "{a,{,b}a}", "{ld,b}*", "{,.}a", "{usr/,}lib",
}

// whole are patterns of their own.
var whole = []string{
	"/", "/*", "/**", "/**/*", "/**/**", "/**/a", "/**/*a", "/a/**", "/a/*", "/a{,/**}", "/{a,b}{/**,}",
	"/lib/ld.so", "/{usr/,}lib/ld*", "/lib{,64}/**", "/lib/{ld,b}-x.so*",
}

// Pattern draws a valid path pattern that matches some path.
func Pattern() *rapid.Generator[string] {
	composed := rapid.Custom(func(t *rapid.T) string {
		return "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(components), 1, 4).Draw(t, "components"), "/")
	})
	return rapid.OneOf(composed, composed, composed, rapid.SampledFrom(whole))
}

// names are what `names` lists: last components of paths and a byte that would
// be special in a pattern.
var names = []string{"a", "b", "ab", ".a", "*", "ld.so"}

// patterns draws a list of patterns.
func patterns(t *rapid.T, label string, most int) []policy.Pattern {
	return texts(rapid.SliceOfNDistinct(Pattern(), 1, most, rapid.ID).Draw(t, label))
}

// texts makes patterns of texts.
func texts(from []string) []policy.Pattern {
	var out []policy.Pattern
	for _, text := range from {
		out = append(out, policy.Pattern{Text: text})
	}
	return out
}

// Path draws a path near the patterns: one that matches, or almost matches, a
// pattern, or one of the same alphabet. Few are not canonical.
func Path(near []string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if len(near) == 0 || chance(t, "any path", 4) {
			return "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "ab", ".a", "lib", "ld.so"}), 0, 4).Draw(t, "path"), "/")
		}
		p := instance(t, pick(t, "pattern", near...))
		if !chance(t, "as it is", 10) {
			p = path.Clean(p)
		}
		switch pick(t, "change", "none", "none", "none", "below", "above", "longer", "shorter", "odd") {
		case "below":
			return strings.TrimSuffix(p, "/") + "/" + pick(t, "child", "a", "b", ".a", "a/b")
		case "above":
			return path.Dir(p)
		case "longer":
			return p + pick(t, "end", "a", "b", ".")
		case "shorter":
			return p[:max(0, len(p)-1)]
		case "odd":
			return pick(t, "odd", p+"/", p+"/.", p+"/../a", "/"+p, p[min(1, len(p)):], p+"\x00", p+"\n", p+"\xff")
		}
		return p
	})
}

// instance draws a text that the pattern was likely meant to match.
func instance(t *rapid.T, pattern string) string {
	if pattern == "" {
		return ""
	}
	use := 1
	var text string
	switch {
	case strings.HasPrefix(pattern, "**"):
		use, text = 2, pick(t, "**", "", "a", "b/a", "a/b/a", "lib")
	case pattern[0] == '*':
		text = pick(t, "*", "", "a", "ba", ".")
	case pattern[0] == '?':
		text = pick(t, "?", "a", "c", ".")
	case pattern[0] == '[':
		use, text = classEnd(pattern), pick(t, "class", "a", "b", "c", "]")
	case pattern[0] == '\\':
		use, text = 2, pattern[1:2]
	case pattern[0] == '{':
		alternatives, end := braces(pattern)
		return instance(t, pick(t, "alternative", alternatives...)+pattern[end:])
	default:
		text = pattern[:1]
	}
	return text + instance(t, pattern[use:])
}

// classEnd returns where the class ends that the pattern begins with.
func classEnd(pattern string) int {
	for i := 1; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case ']':
			return i + 1
		}
	}
	return len(pattern)
}

// braces returns the alternatives of the braces that the pattern begins with,
// and where they end.
func braces(pattern string) (alternatives []string, end int) {
	depth, from := 0, 1
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return append(alternatives, pattern[from:i]), i + 1
			}
		case ',':
			if depth == 1 {
				alternatives = append(alternatives, pattern[from:i])
				from = i + 1
			}
		}
	}
	return alternatives, len(pattern)
}
