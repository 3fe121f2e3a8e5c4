// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// spell writes pieces as a pattern.
func spell(seq []Piece) string {
	var b strings.Builder
	for _, p := range seq {
		switch p.Kind {
		case PieceByte:
			b.WriteString(Escape(string([]byte{p.Byte})))
		case PieceClass:
			b.WriteString(spellClass(p.Members))
		case PieceStar:
			b.WriteByte('*')
		case PieceDouble:
			b.WriteString("**")
		case PieceBraces:
			b.WriteByte('{')
			for i, alt := range p.Alternatives {
				if i > 0 {
					b.WriteByte(',')
				}
				b.WriteString(spell(alt))
			}
			b.WriteByte('}')
		}
	}
	return b.String()
}

// spellClass writes a class. One with bytes that no class can spell is negated.
func spellClass(members []byte) string {
	negated := slices.Contains(members, 0xff)
	text := ""
	for b := byte(1); b < 0x80; b++ {
		if b != '/' && slices.Contains(members, b) != negated {
			text += escapeMember(b)
		}
	}
	switch {
	case negated && text == "":
		return "?"
	case negated:
		return "[!" + text + "]"
	}
	return "[" + text + "]"
}

// TestPieces: the pieces written out again are the same language, also of a glob
// restricted to some alternatives.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := genGlob.Draw(t, "glob")
		if r := g.LastComponentPrefix(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "prefix")); r != nil {
			g = r
		}
		text := spell(g.Pieces())
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%q became %q: %v", g, text, err)
		}
		want, got := must(FromGlobs(DefaultBudget, g)), must(FromGlobs(DefaultBudget, again))
		if !got.Equal(want) {
			t.Fatalf("%q became %q", g, text)
		}
	})
}

// TestEveryByte: a pattern may tell all bytes apart.
func TestEveryByte(t *testing.T) {
	var list []string
	for b := 1; b < 256; b++ {
		if b != '/' {
			list = append(list, Escape(string([]byte{byte(b)})))
		}
	}
	g := mustParse(t, "/a{"+strings.Join(list, ",")+"}")
	if !must(FromGlobs(DefaultBudget, g)).Equal(must(FromGlobs(DefaultBudget, mustParse(t, "/a?")))) {
		t.Error("all bytes are not any byte")
	}
	rules := []Rule{{g, 1}}
	for i, b := range list[:200] {
		rules = append(rules, Rule{mustParse(t, "/a"+b), 2 + i})
	}
	s, err := Compile(rules, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if l := s.Match("/a\xff"); !l.Equal(NewLabels(1)) {
		t.Errorf("labels %s", show(l))
	}
}
