// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/diag"
)

// outline writes a tree with the source text of each span.
func outline(n *Node) string {
	switch n.Kind {
	case MapNode:
		var parts []string
		for _, f := range n.Fields {
			parts = append(parts, fmt.Sprintf("%s<%s>: %s", f.Key, f.Span.Text(), outline(f.Value)))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case ListNode:
		var parts []string
		for _, i := range n.Items {
			parts = append(parts, outline(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case Null:
		return "null"
	}
	return fmt.Sprintf("%s %q<%s>", n.Tag, n.Value, n.Span.Text())
}

func parse(text string) ([]*Node, []diag.Diagnostic) {
	list := &diag.List{}
	docs := Parse(diag.NewFile("a.yaml", []byte(text)), list)
	return docs, list.Sorted()
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a: b", `{a<a>: !!str "b"<b>}`},
		{"\ufeffa: b", `{a<a>: !!str "b"<b>}`},
		{"a: b\r\nc: d\r\n", `{a<a>: !!str "b"<b>, c<c>: !!str "d"<d>}`},
		{"é: [ö, 'it''s', \"q\\n\"]", `{é<é>: [!!str "ö"<ö>, !!str "it's"<'it''s'>, !!str "q\n"<"q\n">]}`},
		{"a: |\n  x\n", `{a<a>: !!str "x\n"<|>}`},
		{"a: two\n  lines", `{a<a>: !!str "two lines"<t>}`},
		{"[1, 0x1, 1.5, true, yes, ~, 2020-01-01]", `[!!int "1"<1>, !!int "0x1"<0x1>, !!float "1.5"<1.5>, !!bool "true"<true>, !!str "yes"<yes>, null, !!timestamp "2020-01-01"<2020-01-01>]`},
		{"a: &x {b: c}\nd: *x", `{a<a>: {b<b>: !!str "c"<c>}, d<d>: {b<b>: !!str "c"<c>}}`},
		{"a: &x {b: c, d: e}\nf: {<<: *x, d: g}", `{a<a>: {b<b>: !!str "c"<c>, d<d>: !!str "e"<e>}, f<f>: {d<d>: !!str "g"<g>, b<b>: !!str "c"<c>}}`},
		{"1: a\n~: b", `{1<1>: !!str "a"<a>, ~<~>: !!str "b"<b>}`},
		{"---\na\n---\n...\n---\nb", `!!str "a"<a>; !!str "b"<b>`},
		{"", ""},
	} {
		docs, found := parse(c.text)
		var got []string
		for _, d := range docs {
			got = append(got, outline(d))
		}
		if diff := cmp.Diff(c.want, strings.Join(got, "; ")); diff != "" || len(found) > 0 {
			t.Errorf("%q: %s%v", c.text, diff, found)
		}
	}
}

// TestParseErrors: each has a place, and documents before it are kept.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a: b: c", "1:5 AV0002 mapping values are not allowed in this context"},
		{"a:\n\tb: c", "2:1 AV0002 found character that cannot start any token"},
		{"a: *b", "1:4 AV0002 unknown anchor 'b' referenced"},
		{"a: [b", "1:6 AV0002 did not find expected ',' or ']'"},
		{"a: b\nc", "2:2 AV0002 could not find expected ':'"},
		{"a: 1\na: 2\na: 3", "2:1 AV0003 key \"a\" is given twice; 3:1 AV0003 key \"a\" is given twice"},
		{"[a]: b", "1:1 AV0102 a key must be a word"},
		{"a: {<<: b}", "1:9 AV0102 a merge key `<<` takes a mapping, found \"b\""},
		{"a: !x b", "1:4 AV0102 the tag !x has no meaning here"},
		{"a: \"\xc3\x28\"", "1:5 AV0005 the text is not valid UTF-8"},
		{"é: \x01", "1:4 AV0005 the text has the control character 0x01"},
	} {
		docs, found := parse("first: document\n---\n" + c.text)
		var got []string
		for _, d := range found {
			line, column := d.Span.File.Position(d.Span.Start)
			got = append(got, fmt.Sprintf("%d:%d %s %s", line-2, column, d.Code, d.Message))
		}
		if diff := cmp.Diff(c.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
		if unreadable := found[0].Code == diag.InvalidText; (len(docs) == 0) != unreadable {
			t.Errorf("%q: %d documents", c.text, len(docs))
		}
	}
}

// TestDepth: the limit is that of the tree, in either style.
func TestDepth(t *testing.T) {
	block := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.Repeat(" ", i) + "a:\n")
		}
		return b.String()
	}
	for _, c := range []struct {
		name string
		text func(int) string
	}{
		{"flow", func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }},
		{"block", block},
	} {
		if docs, found := parse(c.text(MaxDepth)); len(docs) != 1 || len(found) != 0 {
			t.Errorf("%s: %d levels: %v", c.name, MaxDepth, found)
		}
		for _, n := range []int{MaxDepth + 2, 20_000} {
			if docs, found := parse(c.text(n)); len(docs) != 0 || len(found) != 1 || found[0].Code != diag.TooLarge {
				t.Errorf("%s: %d levels: %v", c.name, n, found)
			}
		}
	}
}

// TestIndicators: the limit is that of one document.
func TestIndicators(t *testing.T) {
	one := "a: b #" + strings.Repeat(",", maxIndicators-10) + "\n"
	if docs, found := parse(one + "--- # next\n" + one + "---\n" + one); len(docs) != 3 || len(found) != 0 {
		t.Errorf("%d documents, %v", len(docs), found)
	}
	if _, found := parse(one + "---x\n" + one); len(found) != 1 || found[0].Code != diag.TooLarge {
		t.Errorf("%v", found)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a: [b, {c: d}]", "&a [*a]", "a: &x {b: c}\nd: {<<: [*x, *x]}", "'a\nb': \"\\u00e9\"", "? [a]\n: |\n  b", "%TAG ! x:\n--- !y a"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list := &diag.List{}
		file := diag.NewFile("a", text)
		nodes := 0
		var walk func(n *Node)
		walk = func(n *Node) {
			if nodes++; n.Span.File != file || n.Span.Start < 0 || n.Span.End < n.Span.Start || n.Span.End > len(text) {
				t.Fatalf("span %d to %d of %d bytes", n.Span.Start, n.Span.End, len(text))
			}
			for _, i := range n.Items {
				walk(i)
			}
			for _, f := range n.Fields {
				walk(f.Value)
			}
			Decode(n, &RuntimePolicy{}, list)
		}
		for _, doc := range Parse(file, list) {
			walk(doc)
		}
	})
}
