// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
	"pgregory.net/rapid"
)

func TestCanonical(t *testing.T) {
	for _, path := range []string{"/", "/a", "/a/b", "/.a", "/...", "/..a", "/a.", "/ ", "/\n", "/\xff", "/a/-/b"} {
		if !reference.Canonical(path) {
			t.Errorf("%q is canonical", path)
		}
	}
	for _, path := range []string{"", "a", "//", "/a/", "//a", "/a//b", "/.", "/..", "/./a", "/a/..", "/a/../b", "/a\x00", "\x00", "./a"} {
		if reference.Canonical(path) {
			t.Errorf("%q is not canonical", path)
		}
	}
}

// TestPaths has a subtest for every line of the language's table of patterns.
// A path after "!" must not match.
func TestPaths(t *testing.T) {
	for _, test := range []struct{ name, pattern, paths string }{
		{"bytes are themselves", "/a/b", "/a/b !/a !/a/b/c !/a/B"},
		{"a star is any run without slash", "/a*c", "/ac /abc /a.c !/a/c !/ab"},
		{"a star in a component", "/a/*/c", "/a/b/c !/a/c !/a/b/b/c"},
		{"two stars are any run", "/a**c", "/ac /a/c /a/b/c !/a"},
		{"two stars between slashes also match none", "/a/**/b", "/a/b /a/x/b /a/x/y/b !/ab !/a/xb !/a"},
		{"two such after each other", "/a/**/**/b", "/a/b /a/x/b /a/x/y/b !/ab"},
		{"at the beginning", "/**/b", "/b /a/b /a/a/b !/ab !/a/ab"},
		{"without a slash before", "**/b", "/b /a/b !/ab"},
		{"in braces", "/{**/,}b", "/b /a/b !/ab"},
		{"at the end: below, not the directory", "/a/**", "/a/b /a/b/c !/a !/ab"},
		{"of the root", "/**", "/a /a/b !/"},
		{"a star of the root", "/*", "/a /.a !/ !/a/b"},
		{"both ends", "/**/**", "/a /a/b !/"},
		{"stars for the end", "/a**", "/a /ab /a/b !/b"},
		{"a question mark is one byte", "/a?", "/ab /a. /a\xff !/a !/a/ !/abc"},
		{"a question mark is no slash", "/a?b", "/axb !/a/b !/ab"},
		{"a class", "/[a-c]", "/a /b /c !/d !/ab"},
		{"a negated class", "/x[!a]y", "/xby !/xay !/x/y !/xy"},
		{"a class of slashes matches none", "/x[/-0]y", "/x0y !/x/y"},
		{"a class with what ends it", `/[\]x]`, "/] /x !/y"},
		{"a class with a minus", "/[a-]", "/a /- !/b"},
		{"a class with braces and comma", "/[{,}]", "/{ /} /, !/a"},
		{"either", "/{a,b}c", "/ac /bc !/c !/abc"},
		{"nested", "/{a,b{c,d}}", "/a /bc /bd !/b"},
		{"may be empty", "/a{,b}", "/a /ab !/b"},
		{"over slashes", "/{usr/,}bin/sh", "/usr/bin/sh /bin/sh !/usrbin/sh"},
		{"with a final slash in one", "/a{/**,}", "/a /a/b !/ab"},
		{"escaped", `/\*\?\[\{\,\\\a`, `/*?[{,\a !/b`},
		{"an escape in braces", `/{a\,b,c}`, "/a,b /c !/a"},
		{"a comma outside of braces", "/a,b", "/a,b !/a"},
		{"a leading dot is nothing special", "/*/?x", "/.a/.x"},
		{"only canonical paths", "/**", "!/. !/a/.. !/a//b !/a/ !a !"},
		{"a pattern of the root", "/{a,}", "/ /a"},
		{"the root beside stars", "/**/", "/ !/a"},
		{"a caret is an error", "/[^a]", "!/b !/^ !/a"},
		{"a negated caret", "/[!^]", "/a !/^"},
		{"a caret within", "/[a^]", "/a /^"},
		{"three stars are an error", "/***", "!/a"},
		{"three stars from braces are an error", "/{*,b}**", "!/b !/a"},
		{"an open brace is an error", "/{a", "!/{a !/a"},
		{"a closing brace is an error", "/a}", "!/a} !/a"},
		{"an open class is an error", "/[a", "!/[a !/a"},
		{"an empty class is an error", "/[]", "!/[] !/a"},
		{"a class that runs backwards is an error", "/[b-a]", "!/a !/b"},
		{"a final backslash is an error", `/a\`, `!/a !/a\`},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range strings.Split(test.paths, " ") {
				path, not := strings.CutPrefix(path, "!")
				if reference.MatchPath(test.pattern, path) == not {
					t.Errorf("MatchPath(%q, %q) is %v", test.pattern, path, not)
				}
			}
		})
	}
}

// TestLimits: a pattern at a limit matches, and one beyond it matches nothing.
func TestLimits(t *testing.T) {
	for _, test := range []struct {
		name          string
		within, above string
		path          string
	}{
		{"length", "/" + strings.Repeat("a", 4095), "/" + strings.Repeat("a", 4096), ""},
		{"alternatives", "/" + strings.Repeat("{a,b}", 10), "/" + strings.Repeat("{a,b}", 10) + "{c,}", "/" + strings.Repeat("a", 10)},
		{"nesting", "/" + strings.Repeat("{", 16) + "a" + strings.Repeat("}", 16), "/" + strings.Repeat("{", 17) + "a" + strings.Repeat("}", 17), "/a"},
	} {
		if test.path == "" {
			test.path = test.within
		}
		if !reference.MatchPath(test.within, test.path) {
			t.Errorf("%s: the limit itself is refused", test.name)
		}
		if reference.MatchPath(test.above, test.path) {
			t.Errorf("%s: more than the limit is accepted", test.name)
		}
	}
}

// tree is a pattern as it is meant, apart from how it is spelt.
type tree struct {
	text         string  // as in a pattern
	expression   string  // the same as a regular expression; "" of the others
	sequence     []*tree // one after the other, unless empty
	alternatives []*tree // either, unless empty
}

// leaves are patterns without braces. A byte of a path is one character of an
// expression.
var leaves = []tree{
	{text: "a", expression: "a"}, {text: "b", expression: "b"}, {text: ".", expression: `\.`},
	{text: `\*`, expression: `\*`}, {text: `\{`, expression: `\{`}, {text: `\a`, expression: "a"},
	{text: "?", expression: "[^/]"}, {text: "[ab]", expression: "[ab]"}, {text: "[!a]", expression: "[^/a]"}, {text: "[+-a]", expression: "[+-.0-a]"},
	{text: "/", expression: "/"}, {text: "/", expression: "/"},
	{text: "*", expression: "[^/]*"}, {text: "**", expression: "(?s:.)*"},
}

func drawTree(depth int) *rapid.Generator[*tree] {
	leaf := rapid.Map(rapid.SampledFrom(leaves), func(n tree) *tree { return &n })
	if depth == 0 {
		return leaf
	}
	below := rapid.Deferred(func() *rapid.Generator[*tree] { return drawTree(depth - 1) })
	return rapid.OneOf(leaf, leaf,
		rapid.Map(rapid.SliceOfN(below, 0, 4), func(s []*tree) *tree { return &tree{sequence: s} }),
		rapid.Map(rapid.SliceOfN(below, 1, 3), func(s []*tree) *tree { return &tree{alternatives: s} }))
}

// spell writes the pattern.
func (n *tree) spell() string {
	var parts []string
	for _, s := range append(n.sequence, n.alternatives...) {
		parts = append(parts, s.spell())
	}
	if len(n.alternatives) > 0 {
		return "{" + strings.Join(parts, ",") + "}"
	}
	return n.text + strings.Join(parts, "")
}

// expand lists the sequences of leaves that the tree stands for.
func (n *tree) expand() [][]*tree {
	if n.text != "" {
		return [][]*tree{{n}}
	}
	var out [][]*tree
	if len(n.alternatives) > 0 {
		for _, a := range n.alternatives {
			out = append(out, a.expand()...)
		}
		return out
	}
	out = [][]*tree{nil}
	for _, s := range n.sequence {
		var longer [][]*tree
		for _, before := range out {
			for _, after := range s.expand() {
				longer = append(longer, append(before[:len(before):len(before)], after...))
			}
		}
		out = longer
	}
	return out
}

// expression translates a sequence of leaves by rewriting: stars that end it
// after a slash demand a byte, and "/**/" becomes a slash that more may follow.
// It returns "" when three stars meet.
func expression(sequence []*tree) string {
	var text, out string
	for _, leaf := range sequence {
		text += leaf.text
		out += leaf.expression
	}
	if strings.Contains(strings.ReplaceAll(text, `\*`, "x"), "***") {
		return ""
	}
	const anything, any = "(?s:.)*", "[^/]*"
	// Adjacent leaves "*" and "*" spell the pattern "**".
	out = strings.ReplaceAll(out, any+any, anything)
	if before, ok := strings.CutSuffix(out, "/"+anything); ok {
		out = before + "/(?s:.)+"
	} else if before, ok := strings.CutSuffix(out, "/"+any); ok {
		out = before + "/[^/]+"
	}
	for strings.Contains(out, "/"+anything+"/") {
		out = strings.ReplaceAll(out, "/"+anything+"/", "(?:/(?s:.)*)?/")
	}
	return out
}

// canonical is Canonical as an expression.
var canonical = regexp.MustCompile(`\A(?:/|(?:/(?:[^/.\x00][^/\x00]*|\.[^/.\x00][^/\x00]*|\.\.[^/\x00]+))+)\z`)

// wide makes a character of every byte, so that expressions see bytes.
func wide(s string) string {
	var out []rune
	for i := range len(s) {
		out = append(out, rune(s[i]))
	}
	return string(out)
}

// TestMatchPathIsRegular compares the matcher with a translation to regular
// expressions.
func TestMatchPathIsRegular(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := &tree{sequence: append([]*tree{{text: "/", expression: "/"}}, rapid.SliceOfN(drawTree(2), 0, 6).Draw(t, "pattern")...)}
		pattern, want := n.spell(), false
		path := rapid.OneOf(sample.Path([]string{pattern}), rapid.StringOfN(rapid.SampledFrom([]rune("/ab.*{")), 1, 6, -1)).Draw(t, "path")
		sequences := n.expand()
		if len(sequences) > 1024 {
			t.Skip("more alternatives than a pattern may have")
		}
		for _, s := range sequences {
			e := expression(s)
			if e == "" {
				want = false
				break
			}
			want = want || regexp.MustCompile(`\A(?:`+e+`)\z`).MatchString(wide(path))
		}
		want = want && canonical.MatchString(wide(path))
		if got := reference.MatchPath(pattern, path); got != want {
			t.Fatalf("MatchPath(%q, %q) = %v, by expressions %v", pattern, path, got, want)
		}
	})
}

func TestCanonicalIsRegular(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.StringOfN(rapid.SampledFrom([]rune("//..a\x00ÿ")), 0, 8, -1).Draw(t, "path")
		if got, want := reference.Canonical(path), canonical.MatchString(wide(path)); got != want {
			t.Fatalf("Canonical(%q) = %v, by an expression %v", path, got, want)
		}
	})
}

// FuzzMatchPath looks for panics and hangs, for a match of what no path is, and
// for a spelling that changes the meaning.
func FuzzMatchPath(f *testing.F) {
	for _, seed := range []string{"/a/**/b", "/{a,b{c,}}*", `/[!\]a-z]?`, "/***", "/[^a]", "{{,}", "/{a,b}{a,b}{a,b}", "/" + strings.Repeat("*a", 9)} {
		f.Add(seed, "/a/b")
		f.Add(seed, "/aaaaaaaaaaaaaaaaaaaaaaaa")
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern) > 200 || len(path) > 200 {
			t.Skip("long inputs only take long")
		}
		got := reference.MatchPath(pattern, path)
		if got && !reference.Canonical(path) {
			t.Errorf("%q matches %q, which is no path", pattern, path)
		}
		if got && !strings.Contains(pattern, ",") && strings.Count(pattern, "{") < 16 && !reference.MatchPath("{"+pattern+"}", path) {
			t.Errorf("%q no longer matches %q in braces", pattern, path)
		}
		var literally strings.Builder
		for i := range len(path) {
			literally.WriteString(`\` + path[i:i+1])
		}
		if reference.Canonical(path) && !reference.MatchPath(literally.String(), path) {
			t.Errorf("%q does not match itself", path)
		}
	})
}
