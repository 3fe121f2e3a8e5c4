// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		pattern string
		at      string // the wrong part
		message string
		hint    string
	}{
		{"", "", "the pattern is empty", "write an absolute path such as `/etc/hosts`, or `/**` for everything below the root"},
		{"etc/passwd", "e", "a path is absolute", "write `/etc/passwd` or `/**/etc/passwd`"},
		{"./run.sh", ".", "a path is absolute", "write `/run.sh` or `/**/run.sh`"},
		{"../run.sh", ".", "a path is absolute", "write `/run.sh` or `/**/run.sh`"},
		{"*.so", "*", "a path is absolute", "write `/*.so` or `/**/*.so`"},
		{"**/id_rsa", "**", "a path is absolute", "write `/**/id_rsa`"},
		{"**.pem", "**", "a path is absolute", "write `/**.pem`"},
		{"{/a,b}/c", "b", "a path is absolute", "write `{/a,/b}/c` or `{/a,/**/b}/c`"},
		{"{,/a}", "{,/a}", "an alternative is empty, and a path is absolute", "put the leading `/` before the braces, as in `/{usr/,}bin`"},
		{"/etc//passwd", "//", "a path has no empty component", "write `/etc/passwd`"},
		{"//", "//", "a path has no empty component", "write `/`"},
		{"/etc/", "/", "a path does not end in a slash", "write `/etc` or `/etc/**`"},
		{"/etc/**/", "/", "a path does not end in a slash", "write `/etc/**`"},
		{"/{usr/,}/bin", "/,}/", "a path has no empty component", "write `/{usr/,}bin`"},
		{"/etc/{passwd,ssl/}", "/", "a path does not end in a slash", "write `/etc/{passwd,ssl}` or `/etc/{passwd,ssl/**}`"},
		{"/a/./b", ".", "paths are canonical: no component is `.`", "write `/a/b`"},
		{"/a/b/../c", "..", "paths are canonical: no component is `..`", "write `/a/c`"},
		{"/..", "..", "paths are canonical: no component is `..`", "write `/`"},
		{"/a/[.]", "[.]", "paths are canonical: no component is `.`", "write `/a`"},
		{`/a/\.`, `\.`, "paths are canonical: no component is `.`", "write `/a`"},
		{"/a[^b]", "^", "a class is negated by `!`, not by `^`", "write `/a[!b]` or `/a[\\^b]`"},
		{"/a[/]b", "[/]", "the class matches nothing: no class matches `/`", "write `/a/b` or `/a?b`"},
		{"/a[]", "[]", "the class is empty", "write `/a?` or `/a\\[\\]`"},
		{"/a[]b]", "[]", "the class is empty", "write `/a[\\]b]`"},
		{"/a[!]", "[!]", "the class is empty", "write `/a?` or `/a\\[!\\]`"},
		{"/a[z-a]", "z-a", `the range from 'z' to 'a' is empty`, "write `/a[a-z]`"},
		{"/[[:alpha:]]", "[:", "named classes such as `[:alpha:]` do not exist here", "write the ranges, as in `[a-zA-Z0-9]`; for a bracket itself `\\[`"},
		{"/[ä]", "ä"[:1], "a class is of single bytes, and this character has several", "write the characters in braces, as in `{ä,ö}`"},
		{"/[{a,b}]", "{", "a brace inside a class", "write `/[\\{a,b}]`"},
		{"/usr/bin/[", "[", "this bracket is never closed", "write `/usr/bin/\\[`"},
		{"/a[b", "[", "this bracket is never closed", "write `/a\\[b` or `/a[b]`"},
		{`/a[b\`, "[", "this bracket is never closed", "write `/a\\[b\\`"},
		{"/a]", "]", "this bracket closes nothing", "write `/a\\]`"},
		{"/a{b", "{", "this brace is never closed", "write `/a{b}` or `/a\\{b`"},
		{"/a}", "}", "this brace closes nothing", "write `/a\\}`"},
		{"/a{}", "{}", "empty braces", "write `/a\\{\\}` or `/a`"},
		{"/***", "***", "more than two stars in a row", "write `/*` or `/**`"},
		{"/{*,a}**", "*,a}**", "more than two stars in a row", "write `/*` or `/**`"},
		{`/a\`, `\`, "a backslash at the end has nothing to escape", "write `/a` or `/a\\\\`"},
		{"/a\x00b", "\x00", "a NUL byte can not be part of a path", "write `/ab`"},
	} {
		_, err := Parse(c.pattern)
		var got *PatternError
		if !errors.As(err, &got) {
			t.Errorf("Parse(%q) = %v, want a PatternError", c.pattern, err)
			continue
		}
		if at := c.pattern[got.Offset : got.Offset+got.Length]; at != c.at {
			t.Errorf("Parse(%q) is about %q, want %q", c.pattern, at, c.at)
		}
		want := &PatternError{Pattern: c.pattern, Offset: got.Offset, Length: len(c.at), Message: c.message, Hint: c.hint}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("Parse(%q): %s", c.pattern, d)
		}
	}
}

var quoted = regexp.MustCompile("`([^`]*)`")

// TestHintsParse holds that a pattern with one mistake has a way out: the first
// suggestion parses, or at least has another mistake further on.
func TestHintsLead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.OneOf(genPattern, rapid.StringOfN(rapid.SampledFrom([]rune(`/ab*?[]{},!^-\.`)), 0, 12, -1)).Draw(t, "pattern")
		for range 2*len(pattern) + 2 {
			_, err := Parse(pattern)
			if err == nil {
				return
			}
			var e *PatternError
			if !errors.As(err, &e) || e.Hint == "" || e.Offset < 0 || e.Offset+e.Length > len(pattern) {
				t.Fatalf("Parse(%q) = %#v", pattern, err)
			}
			next := quoted.FindStringSubmatch(e.Hint)
			if next == nil || next[1] == pattern || !strings.HasPrefix(e.Hint, "write `") {
				return // advice in words
			}
			pattern = next[1]
		}
		t.Fatalf("the hints lead in circles, now at %q", pattern)
	})
}

func TestParseHostile(t *testing.T) {
	for name, c := range map[string]struct{ pattern, message string }{
		"nested braces":   {"/" + strings.Repeat("{", 2000), "braces nest deeper than 16"},
		"closed, nested":  {"/" + strings.Repeat("{", 2000) + "a" + strings.Repeat("}", 2000), "braces nest deeper than 16"},
		"long":            {"/" + strings.Repeat("{a,", 10_000), "the pattern has 30001 bytes; no path has more than 4096"},
		"multiplied":      {"/" + strings.Repeat("{a,b}", 800), "the braces stand for too many patterns (more than 1024, or very long ones)"},
		"empty, doubled":  {"/a" + strings.Repeat("{,}", 1300), "the braces stand for too many patterns (more than 1024, or very long ones)"},
		"many":            {"/{" + strings.Repeat("a,", 1024) + "a}", "the braces stand for too many patterns (more than 1024, or very long ones)"},
		"many long ones":  {"/{" + strings.Repeat("a,", 1000) + "a}" + strings.Repeat("b", 2000), "the braces stand for too many patterns (more than 1024, or very long ones)"},
		"single, doubled": {"/" + strings.Repeat("{a}", 1300), ""},
		"1024":            {"/{" + strings.Repeat("a,", 1023) + "a}", ""},
		"stars":           {"/" + strings.Repeat("*", 4095), "more than two stars in a row"},
	} {
		_, err := Parse(c.pattern)
		var e *PatternError
		switch {
		case c.message == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.message != "" && (!errors.As(err, &e) || e.Message != c.message):
			t.Errorf("%s: %v, want %q", name, err, c.message)
		}
	}
}

func TestGlobProperties(t *testing.T) {
	for _, c := range []struct {
		pattern    string
		exact      string
		unanchored bool
	}{
		{"/", "/", false},
		{"/etc/passwd", "/etc/passwd", false},
		{`/a[b]\*`, "/ab*", false},
		{"/{a,a}", "/a", false},
		{"/{a,b}", "", false},
		{"/a*", "", false},
		{"/a/**", "", false},
		{"/**", "", false},
		{"/**/a", "", true},
		{"/a/**/b", "", true},
		{"/a**.so", "", true},
		{"/{a,**/b}", "", true},
	} {
		g := mustParse(t, c.pattern)
		exact, ok := g.Exact()
		if exact != c.exact || ok != (c.exact != "") || g.Unanchored() != c.unanchored || g.String() != c.pattern {
			t.Errorf("%q: exact %q %v, unanchored %v, string %q", c.pattern, exact, ok, g.Unanchored(), g)
		}
	}
}

func TestEscape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOfN(rapid.SampledFrom([]rune(`ab*?[]{},!^-\.`)), 3, 8, -1).Draw(t, "name")
		for _, pattern := range []string{"/" + Escape(name), "/{" + Escape(name) + "}"} {
			g, err := Parse(pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := g.Exact(); !ok || got != "/"+name {
				t.Fatalf("%q is exactly %q", pattern, got)
			}
		}
	})
}

// TestImpossible holds that a path matches each alternative of an accepted
// pattern, and that Parse refuses no pattern without need.
func TestImpossible(t *testing.T) {
	names := append(allPaths("abc./", 5), "/*", "/a*")
	rapid.Check(t, func(t *rapid.T) {
		pattern := genPattern.Draw(t, "pattern")
		_, err := Parse(pattern)
		if err == nil {
			for _, alt := range naiveExpand(pattern) {
				lang, err := FromGlobs(1000, mustParse(t, alt))
				if err != nil {
					t.Fatal(err)
				}
				name, ok := lang.Witness()
				if !ok || !naiveMatch(alt, name) {
					t.Fatalf("%q is the witness of %q", name, alt)
				}
			}
			return
		}
		var e *PatternError
		if errors.As(err, &e); e.Message == "more than two stars in a row" {
			return
		}
		for _, alt := range naiveExpand(pattern) {
			// "/**/" matches the root to the letter, but nobody means that.
			if !slices.ContainsFunc(names, func(name string) bool { return (name != "/" || alt == "/") && naiveMatch(alt, name) }) {
				return
			}
		}
		t.Fatalf("%v, but all alternatives match some path", err)
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"/", "/{usr/,}bin/{sh,dash}", "/**/*.so", `/\*[!a-z]`, "/a//b", "/[^a]", "{{{{", "/***", `\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		g, err := Parse(pattern)
		if err != nil {
			var e *PatternError
			if !errors.As(err, &e) || e.Message == "" || e.Hint == "" || e.Offset < 0 || e.Length < 0 || e.Offset+e.Length > len(pattern) {
				t.Fatalf("Parse(%q) = %#v", pattern, err)
			}
			return
		}
		if len(g.alts) == 0 || len(g.alts) > MaxAlternatives {
			t.Fatalf("%q has %d alternatives", pattern, len(g.alts))
		}
		if exact, ok := g.Exact(); ok {
			if !IsCanonical(exact) {
				t.Fatalf("%q is exactly %q", pattern, exact)
			}
			if again, _ := mustParse(t, "/"+Escape(exact[1:])).Exact(); again != exact {
				t.Fatalf("%q escaped is %q", exact, again)
			}
		}
	})
}

func TestPrefix(t *testing.T) {
	for pattern, want := range map[string]string{
		"/usr/bin/node": "/usr/bin/node", "/usr/bin/*": "/usr/bin/", "/{usr/,}bin": "/", "/usr/{bin,bash}": "/usr/b", "/**/nc": "/", `/\*a`: "/*a", "/[a]b?": "/ab",
	} {
		if got := mustParse(t, pattern).Prefix(); got != want {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}
