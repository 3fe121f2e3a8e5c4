// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/internal/apparmorbin"
)

func mustGlob(t rapid.TB, pattern string) *automata.Glob {
	t.Helper()
	g, err := automata.Parse(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		glob              string
		files, dirs, both []string
	}{
		{"/etc/hosts", []string{"/etc/hosts"}, []string{"/etc/hosts/"}, []string{"/etc/hosts{,/}"}},
		{"/etc/*", []string{"/etc/*"}, []string{"/etc/*/"}, []string{"/etc/?*{,/}"}},
		{"/etc/**", []string{"/etc/**?"}, []string{"/etc/**/"}, []string{"/etc/**"}},
		{"/**", []string{"/**?"}, []string{"/**/"}, []string{"/**"}},
		{"/*", []string{"/*"}, []string{"/*/"}, []string{"/?*{,/}"}},
		{"/", nil, []string{"/"}, []string{"/"}},
		{"/{,a}", []string{"/a"}, []string{"/", "/a/"}, []string{"/", "/a{,/}"}},
		{"/**/b", []string{"/{,**/}b"}, []string{"/{,**/}b/"}, []string{"/{,**/}b{,/}"}},
		{"/a/**/b/**/c", []string{"/a/{,**/}b/{,**/}c"}, []string{"/a/{,**/}b/{,**/}c/"}, []string{"/a/{,**/}b/{,**/}c{,/}"}},
		{"/a/**/*", []string{"/a/{,**/}?*"}, []string{"/a/{,**/}*/"}, []string{"/a/{,**/}?*{,/}"}},
		{"/a**", []string{"/a{,**?}"}, []string{"/a**/"}, []string{"/a**"}},
		{"/{usr/,}bin/{sh,dash}", []string{"/{usr/,}bin/{sh,dash}"}, []string{"/{usr/,}bin/{sh,dash}/"}, []string{"/{usr/,}bin/{sh,dash}{,/}"}},
		{"/a/{*,b}/c", []string{"/a/{*,b}/c"}, []string{"/a/{*,b}/c/"}, []string{"/a/{*,b}/c{,/}"}},
		{"/a/{**,b*}", []string{"/a/{**?,b*}"}, []string{"/a/{**,b*}/"}, []string{"/a/{?**,b*}{,/}"}},
		{"/a{/**,b}/c", []string{"/a/{,**/}c", "/ab/c"}, []string{"/a/{,**/}c/", "/ab/c/"}, []string{"/a/{,**/}c{,/}", "/ab/c{,/}"}},
		{"/lib/{a,b}*.so", []string{"/lib/{a,b}*.so"}, []string{"/lib/{a,b}*.so/"}, []string{"/lib/{a,b}*.so{,/}"}},
		{"{/usr,}/bin/x", []string{"/usr/bin/x", "/bin/x"}, []string{"/usr/bin/x/", "/bin/x/"}, []string{"/usr/bin/x{,/}", "/bin/x{,/}"}},
		{"/a[a-cx]", []string{"/a[a-cx]"}, []string{"/a[a-cx]/"}, []string{"/a[a-cx]{,/}"}},
		{"/a[!a]", []string{`/a[^\000/a]`}, []string{`/a[^\000/a]/`}, []string{`/a[^\000/a]{,/}`}},
		{`/a[!\^\-]`, []string{`/a[^-\000/^]`}, []string{`/a[^-\000/^]/`}, []string{`/a[^-\000/^]{,/}`}},
		{`/\*\?\[\]\{\}\,\\`, []string{`/\*\?\[\]\{\}\,\134`}, []string{`/\*\?\[\]\{\}\,\134/`}, []string{`/\*\?\[\]\{\}\,\134{,/}`}},
		{`/a "ä#`, []string{`"/a \042\303\244#"`}, []string{`"/a \042\303\244#/"`}, []string{`"/a \042\303\244#{,/}"`}},
		{`/x@{a,b}`, []string{`/x[@]{a,b}`}, []string{`/x[@]{a,b}/`}, []string{`/x[@]{a,b}{,/}`}},
		{`/x@`, []string{`/x@`}, []string{`/x@/`}, []string{`/x[@]{,/}`}},
		{`/x@\{a\}`, []string{`/x@\{a\}`}, []string{`/x@\{a\}/`}, []string{`/x@\{a\}{,/}`}},
		{"/{a}/{b,{c,d}}", []string{"/a/{b,{c,d}}"}, []string{"/a/{b,{c,d}}/"}, []string{"/a/{b,{c,d}}{,/}"}},
		{"/{a,b}{*,c}*d", []string{"/{a,b}**d", "/{a,b}c*d"}, []string{"/{a,b}**d/", "/{a,b}c*d/"}, []string{"/{a,b}**d{,/}", "/{a,b}c*d{,/}"}},
		{"/{a/,b}*", []string{"/a/*", "/b*"}, []string{"/a/*/", "/b*/"}, []string{"/a/?*{,/}", "/b*{,/}"}},
		{"/{a/,b}**", []string{"/a/**?", "/b{,**?}"}, []string{"/a/**/", "/b**/"}, []string{"/a/**", "/b**"}},
		{"/a/**{,b}", []string{"/a/**?", "/a/**b"}, []string{"/a/**/", "/a/**b/"}, []string{"/a/**", "/a/**b{,/}"}},
		{"/a/*{,b}", []string{"/a/*", "/a/*b"}, []string{"/a/*/", "/a/*b/"}, []string{"/a/?*{,/}", "/a/*b{,/}"}},
	} {
		g := mustGlob(t, c.glob)
		for _, f := range []struct {
			name string
			of   func(*automata.Glob) ([]string, error)
			want []string
		}{{"patterns", patterns, c.files}, {"dirPatterns", dirPatterns, c.dirs}, {"both", both, c.both}} {
			got, err := f.of(g)
			if d := cmp.Diff(f.want, got); d != "" || err != nil {
				t.Errorf("%s(%q): %v %s", f.name, c.glob, err, d)
			}
		}
	}
}

// evenly draws from a list with equal chances; rapid itself prefers what stands
// first.
func evenly(list []string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		n := 0
		for range 8 {
			n *= 2
			if rapid.Bool().Draw(t, "bit") {
				n++
			}
		}
		return list[n%len(list)]
	})
}

// genPattern makes patterns over few bytes, those that AppArmor treats
// differently among them.
var genPattern = rapid.Custom(func(t *rapid.T) string {
	shape := evenly([]string{
		"a", "b", "/", "/", "/a", "*", "*", "**", "/**/", "/**", "/*", "?", "[ab]", "[!a]",
		"{a,b}", "{a,}", "{,a}", "{/a,}", "{*,b}", "{b,/a/*}", "{b*,*/a}", "{**,a}", "{/**,b}", "{a/,b}", "{b,a/}", "{a/b,{b,c*}c}", "{,}", "{a}", "{*}", "{,/b/**}",
	})
	special := evenly([]string{
		".", `\*`, `\?`, `\[`, `\]`, `\{`, `\}`, `\,`, `\\`, "@", "@{a,b}", "^", "$", "#", "+", "|", "(", ")", "-", "!", "~", "%", "=", "<", ">", ":", ";", "&", "'", `"`, " ", "\t", "\n", "\x01", "\x7f", "ä", "\xff",
		"[a-c]", "[!a-c.]", `[\-a]`, `[\^a]`, `[!\^\-]`, `[!\-]`, `[\*\?\[\]\{\},\\]`, "[!-0]", `["#. +|()$]`, "[\x01-\x1f]", "[@-\\[]",
	})
	piece := rapid.OneOf(shape, shape, special)
	var b strings.Builder
	b.WriteString("/")
	for range rapid.IntRange(0, 6).Draw(t, "pieces") {
		b.WriteString(piece.Draw(t, "piece"))
	}
	return b.String()
})

var genGlob = rapid.Custom(func(t *rapid.T) *automata.Glob {
	g, err := automata.Parse(genPattern.Draw(t, "pattern"))
	if err != nil {
		t.Skip(err)
	}
	return g
})

// genPath makes paths that match g, or nearly.
func genPath(g *automata.Glob) *rapid.Generator[string] {
	pieces := g.Pieces()
	return rapid.Custom(func(t *rapid.T) string {
		path := walkPieces(t, pieces)
		for range rapid.IntRange(0, 2).Draw(t, "edits") {
			i := rapid.IntRange(0, len(path)).Draw(t, "at")
			k := min(len(path), i+rapid.IntRange(0, 2).Draw(t, "cut"))
			path = path[:i] + rapid.SampledFrom([]string{"", "a", "b", "/", "/a", ".", "x/y", "^", "-", "\xff", "\n"}).Draw(t, "insert") + path[k:]
		}
		for strings.Contains(path, "//") {
			path = strings.ReplaceAll(path, "//", "/")
		}
		path = "/" + strings.Trim(path, "/")
		if !automata.IsCanonical(path) {
			t.Skip("not canonical")
		}
		return path
	})
}

func walkPieces(t *rapid.T, seq []automata.Piece) string {
	var b strings.Builder
	for _, p := range seq {
		switch p.Kind {
		case automata.PieceByte:
			b.WriteByte(p.Byte)
		case automata.PieceClass:
			b.WriteByte(rapid.SampledFrom(p.Members).Draw(t, "member"))
		case automata.PieceStar:
			b.WriteString(rapid.SampledFrom([]string{"", "a", "b", "ab", ".x"}).Draw(t, "star"))
		case automata.PieceDouble:
			b.WriteString(rapid.SampledFrom([]string{"", "a", "/", "a/b", "b/", "/a", "a/b/c"}).Draw(t, "stars"))
		case automata.PieceBraces:
			b.WriteString(walkPieces(t, rapid.SampledFrom(p.Alternatives).Draw(t, "alternative")))
		}
	}
	return b.String()
}

// permission letters of the three forms in the test's profiles.
var patternForms = []struct {
	of     func(*automata.Glob) ([]string, error)
	letter string
	mask   apparmorbin.Mask
}{{patterns, "r", apparmorbin.Read}, {dirPatterns, "w", apparmorbin.Write}, {both, "k", apparmorbin.Lock}}

func writeRules(t rapid.TB, b *strings.Builder, g *automata.Glob, qualifier string) {
	for _, f := range patternForms {
		list, err := f.of(g)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			fmt.Fprintf(b, "  %s%s %s,\n", qualifier, p, f.letter)
		}
	}
}

// TestPatternsAgainstTheParser: what apparmor_parser makes of the patterns
// matches, as the kernel walks it, exactly the paths of the glob.
func TestPatternsAgainstTheParser(t *testing.T) {
	parser := apparmorbin.NewParser(t, "6.12")
	decisions := 0
	rapid.Check(t, func(t *rapid.T) {
		globs := rapid.SliceOfN(genGlob, 8, 8).Draw(t, "globs")
		var source strings.Builder
		for i, g := range globs {
			fmt.Fprintf(&source, "profile allow%d {\n", i)
			writeRules(t, &source, g, "")
			fmt.Fprintf(&source, "}\nprofile deny%d {\n  / rwk,\n  /** rwk,\n", i)
			writeRules(t, &source, g, "deny ")
			source.WriteString("}\n")
		}
		profiles := map[string]*apparmorbin.Profile{}
		compiled, err := parser.Compile("abi <abi/3.0>,\n" + source.String())
		if err != nil {
			t.Fatalf("%v\n%s", err, source.String())
		}
		for _, p := range compiled {
			profiles[p.Name] = p
		}
		for i, g := range globs {
			lang, err := automata.FromGlobs(automata.DefaultBudget, g)
			if err != nil {
				t.Fatal(err)
			}
			allow, deny := profiles[fmt.Sprint("allow", i)], profiles[fmt.Sprint("deny", i)]
			for _, path := range rapid.SliceOfN(genPath(g), 1, 12).Draw(t, "paths") {
				has := lang.Has(path)
				for _, name := range []struct {
					text string
					dir  bool
				}{{path, false}, {strings.TrimSuffix(path, "/") + "/", true}} {
					if name.text == "/" && !name.dir {
						continue // the root is no file
					}
					want := [3]bool{has && !name.dir, has && name.dir, has}
					for k, f := range patternForms {
						decisions += 2
						if got := allow.File(name.text, true).Has(f.mask); got != want[k] {
							t.Errorf("%q: %s on %q is %v, want %v\n%s", g, f.letter, name.text, got, want[k], source.String())
						}
						d := deny.File(name.text, true)
						if got := d.Has(f.mask); got == want[k] {
							t.Errorf("%q: deny %s on %q leaves %v\n%s", g, f.letter, name.text, got, source.String())
						}
						if want[k] && d.Quiet&f.mask == 0 {
							t.Errorf("%q: deny %s on %q is not quiet", g, f.letter, name.text)
						}
					}
				}
			}
		}
	})
	t.Logf("%d decisions", decisions)
}

// TestPatternsOfEveryByte: a name and a class with any byte are themselves.
func TestPatternsOfEveryByte(t *testing.T) {
	var names []string
	for b := 1; b < 256; b++ {
		if b != '/' && b != '.' {
			names = append(names, string([]byte{byte(b)}))
		}
	}
	var source strings.Builder
	source.WriteString("abi <abi/3.0>,\n")
	for i, name := range names {
		fmt.Fprintf(&source, "profile p%d {\n", i)
		writeRules(t, &source, mustGlob(t, "/"+automata.Escape(name)), "")
		if name[0] < 0x80 {
			writeRules(t, &source, mustGlob(t, `/class/[\`+name+`.]`), "")
			writeRules(t, &source, mustGlob(t, `/not/[!\`+name+`.]`), "")
		}
		source.WriteString("}\n")
	}
	profiles, err := apparmorbin.NewParser(t, "6.12").Compile(source.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range profiles {
		var i int
		if _, err := fmt.Sscanf(p.Name, "p%d", &i); err != nil {
			t.Fatal(err)
		}
		for k, name := range names {
			wants := map[string]bool{"/" + name: i == k}
			if names[i][0] < 0x80 {
				wants["/class/"+name], wants["/not/"+name] = i == k, i != k
			}
			for path, want := range wants {
				if got := p.File(path, true).Has(apparmorbin.Read); got != want {
					t.Errorf("%s: %q is %v", p.Name, path, got)
				}
				if got := p.File(path+"/", true).Has(apparmorbin.Write); got != want {
					t.Errorf("%s: %q is %v", p.Name, path+"/", got)
				}
			}
		}
	}
}

// TestClassesDoNotGrantLinks: the names of a link are separated by NUL, which a
// negated class of AppArmor would match.
func TestClassesDoNotGrantLinks(t *testing.T) {
	list, err := patterns(mustGlob(t, "/a[!b]*/**"))
	if err != nil {
		t.Fatal(err)
	}
	parser := apparmorbin.NewParser(t, "6.12")
	for pattern, want := range map[string]bool{list[0]: false, "/a[^b]**": true} {
		profiles, err := parser.Compile("profile p { link /a -> /x, " + pattern + " l, }")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := profiles[0].Link("/a", "/secret/x", true); got != want {
			t.Errorf("%s makes the link %v", pattern, got)
		}
	}
}

func TestLiterals(t *testing.T) {
	for _, c := range []struct {
		glob string
		want []string
		ok   bool
	}{
		{"/bin/sh", []string{"/bin/sh"}, true},
		{"/{usr/,}bin/{sh,dash}", []string{"/bin/dash", "/bin/sh", "/usr/bin/dash", "/usr/bin/sh"}, true},
		{"/a[bc]", []string{"/ab", "/ac"}, true},
		{"/{a,[ab]}", []string{"/a", "/b"}, true},
		{"/{,a}", []string{"/", "/a"}, true},
		{"/a*", nil, false},
		{"/{a,**}", nil, false},
		{"/a?", nil, false},
		{"/{a,b}{c,d}{e,f}{g,h}", nil, false},
	} {
		got, ok := literals(mustGlob(t, c.glob), 8)
		if d := cmp.Diff(c.want, got); d != "" || ok != c.ok {
			t.Errorf("literals(%q) is %v %s", c.glob, ok, d)
		}
	}
}

func TestPatternsTooLarge(t *testing.T) {
	for _, glob := range []string{
		"/" + strings.Repeat("\xff", 3000),
		"/" + strings.Repeat("{a,b*}*", 9),
	} {
		if list, err := both(mustGlob(t, glob)); !errors.Is(err, errTooLarge) {
			t.Errorf("%.20q: %d patterns, %v", glob, len(list), err)
		}
	}
}

// TestPatternsInMounts: rules about mounts take the patterns of directories.
func TestPatternsInMounts(t *testing.T) {
	parser := apparmorbin.NewParser(t, "6.12")
	rapid.Check(t, func(t *rapid.T) {
		g := genGlob.Draw(t, "glob")
		list, err := dirPatterns(g)
		if err != nil {
			t.Fatal(err)
		}
		source := "abi <abi/3.0>,\nprofile p {\n"
		for _, p := range list {
			source += fmt.Sprintf("  mount fstype=tmpfs -> %s,\n  umount %s,\n", p, p)
		}
		profiles, err := parser.Compile(source + "}\n")
		if err != nil {
			t.Fatalf("%v\n%s", err, source)
		}
		lang, err := automata.FromGlobs(automata.DefaultBudget, g)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range rapid.SliceOfN(genPath(g), 1, 12).Draw(t, "paths") {
			dir, want := strings.TrimSuffix(path, "/")+"/", lang.Has(path)
			call := apparmorbin.MountCall{Target: dir, Source: "none", Type: "tmpfs"}
			if got := profiles[0].Mount(call).Has(apparmorbin.Mount); got != want {
				t.Errorf("%q: mount on %q is %v\n%s", g, dir, got, source)
			}
			if got := profiles[0].Umount(dir).Has(apparmorbin.Umount); got != want {
				t.Errorf("%q: umount of %q is %v\n%s", g, dir, got, source)
			}
		}
	})
}

// patterns returns AppArmor patterns, quoted for a profile, that match exactly
// the paths of g as names of files. There are none when g is the root alone.
func patterns(g *automata.Glob) ([]string, error) { return translateGlob(g, formFiles) }

// dirPatterns returns patterns that match exactly the paths of g as names of
// directories.
func dirPatterns(g *automata.Glob) ([]string, error) { return translateGlob(g, formDirs) }

// both returns patterns that match the paths of g as names of files and of
// directories.
func both(g *automata.Glob) ([]string, error) { return translateGlob(g, formBoth) }
