// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// naive finds a position by walking from the beginning.
func naive(src []byte, offset int) (line, column int) {
	line, column = 1, 1
	for i := 0; i < offset; {
		_, n := utf8.DecodeRune(src[i:])
		if src[i] == '\n' {
			line, column = line+1, 1
		} else {
			column++
		}
		i += n
	}
	return line, column
}

func TestPositions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Long lines cross several strides, at every alignment.
		part := rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.SampledFrom([]string{"a", "é", "日", "😀", "\n", "a\n"}).Draw(t, "text"), rapid.SampledFrom([]int{1, 2, 700, 1500}).Draw(t, "times"))
		})
		src := []byte(strings.Join(rapid.SliceOfN(part, 0, 8).Draw(t, "parts"), ""))
		f := NewFile("a", src)
		offset := rapid.IntRange(0, len(src)).Draw(t, "offset")
		for offset < len(src) && !utf8.RuneStart(src[offset]) {
			offset++
		}
		line, column := f.Position(offset)
		if l, c := naive(src, offset); l != line || c != column {
			t.Fatalf("offset %d is %d:%d, not %d:%d", offset, l, c, line, column)
		}
		if back := f.Offset(line, column); back != offset {
			t.Fatalf("%d:%d is offset %d, not %d", line, column, offset, back)
		}
	})
}

// TestPositionsOfAnything: no text, and no position, panics.
func TestPositionsOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := bytes.Repeat(rapid.SliceOf(rapid.Byte()).Draw(t, "source"), rapid.IntRange(1, 300).Draw(t, "times"))
		f := NewFile("a", src)
		if at := f.Offset(rapid.IntRange(-1, 9).Draw(t, "line"), rapid.IntRange(-1, 9999).Draw(t, "column")); at < 0 || at > len(src) {
			t.Fatalf("offset %d of %d bytes", at, len(src))
		}
		start := rapid.IntRange(-1, len(src)+1).Draw(t, "start")
		s := Span{f, start, start + rapid.IntRange(-1, 99).Draw(t, "length")}
		var b bytes.Buffer
		if err := (Printer{}).Print(&b, []Diagnostic{{Code: InvalidText, Span: s}}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestByteOrderMark(t *testing.T) {
	f := NewFile("a", []byte("\ufeffkey: v"))
	if at := f.Offset(1, 1); at != 3 {
		t.Errorf("the first column is at %d", at)
	}
	for offset, want := range map[int]int{0: 1, 3: 1, 4: 2} {
		if line, column := f.Position(offset); line != 1 || column != want {
			t.Errorf("offset %d is %d:%d", offset, line, column)
		}
	}
}
