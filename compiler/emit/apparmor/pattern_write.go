// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
)

// patternWriter writes AppArmor's patterns. They differ from ours in this:
//
//   - A star after a slash needs a byte when a slash or the end follows in the
//     text; braces on either side hide both from it.
//   - `/**/b` does not match `/b`.
//   - A negated class matches '/' and NUL. NUL is what separates the two names of
//     a link: a class that matched it could grant links.
type patternWriter struct {
	out   []byte
	form  patternForm
	depth int
	// suffix follows the pattern: "", "/" or "{,/}".
	suffix string
}

// writePattern writes one pattern; there is none for the root as a file.
func writePattern(seq []automata.Piece, f patternForm) (string, bool) {
	w := &patternWriter{form: f}
	root := len(seq) == 1
	switch {
	case root && f == formFiles:
		return "", false
	case root || f == formFiles:
	case f == formDirs:
		w.suffix = "/"
	case seq[len(seq)-1].Kind != automata.PieceDouble: // `**` covers the slash
		w.suffix = "{,/}"
	}
	w.sequence(seq, byOther, byEnd)
	if w.suffix == "{,/}" {
		w.open()
		w.out = append(w.out, ",/}"...)
	} else {
		w.out = append(w.out, w.suffix...)
	}
	return quotePattern(w.out), true
}

func (w *patternWriter) sequence(seq []automata.Piece, before, after side) {
	for i := 0; i < len(seq); i++ {
		left, right := sidesOf(seq, i, before, after)
		switch p := seq[i]; p.Kind {
		case automata.PieceByte:
			w.literal(p.Byte)
		case automata.PieceClass:
			w.class(p.Members)
		case automata.PieceStar:
			if left&bySlash != 0 && right&byEnd != 0 {
				w.atLeastOne(i == len(seq)-1)
			}
			w.out = append(w.out, '*')
		case automata.PieceDouble:
			if left&bySlash != 0 && right&bySlash != 0 {
				i++ // its slash is within the braces
			}
			w.double(left, right, i == len(seq)-1)
		case automata.PieceBraces:
			w.open()
			w.depth++
			for j, alt := range p.Alternatives {
				if j > 0 {
					w.out = append(w.out, ',')
				}
				w.sequence(alt, left, right)
			}
			w.depth--
			w.out = append(w.out, '}')
		}
	}
}

// atLeastOne writes the byte that a star after a slash needs, unless AppArmor
// asks for it by itself.
func (w *patternWriter) atLeastOne(last bool) {
	implied := w.depth == 0 && last && w.suffix == "" && bytes.HasSuffix(w.out, []byte("/"))
	// A directory has its own slash: without the byte the name would end in two.
	if !implied && w.form != formDirs {
		w.out = append(w.out, '?')
	}
}

func (w *patternWriter) double(left, right side, last bool) {
	switch {
	case left&bySlash != 0 && right&bySlash != 0:
		w.open()
		w.out = append(w.out, ",**/}"...)
	case right&byEnd == 0:
		w.out = append(w.out, "**"...)
	case w.form == formFiles && left&bySlash != 0:
		w.out = append(w.out, "**?"...) // `?` keeps directories out
	case w.form == formFiles:
		w.open()
		w.out = append(w.out, ",**?}"...)
	default:
		if left&bySlash != 0 {
			w.atLeastOne(last)
		}
		w.out = append(w.out, "**"...)
	}
}

// open opens braces. After `@` they would name a variable.
func (w *patternWriter) open() {
	if n := len(w.out); n > 0 && w.out[n-1] == '@' {
		w.out = append(w.out[:n-1], "[@]"...)
	}
	w.out = append(w.out, '{')
}

func (w *patternWriter) literal(b byte) {
	switch {
	case b < ' ' || b == '"' || b == '\\' || b >= 0x7f:
		// `\\` will not do: the parser takes it with a space or a quote that follows.
		w.out = fmt.Appendf(w.out, `\%03o`, b)
	case strings.IndexByte("*?[]{},", b) >= 0:
		w.out = append(w.out, '\\', b)
	default:
		w.out = append(w.out, b)
	}
}

// class writes a class as its members or as what it lacks, whichever is shorter.
func (w *patternWriter) class(members []byte) {
	var lacks []byte
	for b := 1; b < 256; b++ {
		if b != '/' && !slices.Contains(members, byte(b)) {
			lacks = append(lacks, byte(b))
		}
	}
	if len(lacks) == 0 {
		w.out = append(w.out, '?')
		return
	}
	text, lacking := classText(members, false), classText(lacks, true)
	if len(lacking) < len(text) {
		text = lacking
	}
	w.out = append(w.out, text...)
}

// classText writes a class of ascending bytes, or of all that are not among them
// and neither '/' nor NUL. `-` is itself only at the beginning and `^` only
// elsewhere; no escape helps.
func classText(set []byte, negated bool) []byte {
	w := &patternWriter{out: []byte("[")}
	if negated {
		w.out = append(w.out, '^')
	}
	if slices.Contains(set, '-') {
		w.out = append(w.out, '-')
	}
	if negated {
		w.out = append(w.out, `\000/`...)
	}
	w.ranges(slices.DeleteFunc(slices.Clone(set), func(b byte) bool { return b == '-' || b == '^' }))
	if slices.Contains(set, '^') {
		w.out = append(w.out, '^')
	}
	return append(w.out, ']')
}

// ranges writes ascending bytes, three or more in a row as a range.
func (w *patternWriter) ranges(set []byte) {
	for i := 0; i < len(set); {
		k := i
		for k+1 < len(set) && set[k+1] == set[k]+1 {
			k++
		}
		w.member(set[i])
		if k > i+1 {
			w.out = append(w.out, '-')
		}
		if k > i {
			w.member(set[k])
		}
		i = k + 1
	}
}

func (w *patternWriter) member(b byte) {
	if b == ',' {
		w.out = append(w.out, b)
		return
	}
	w.literal(b)
}

// quotePattern quotes a pattern where a profile asks for it.
func quotePattern(pattern []byte) string {
	for _, b := range pattern {
		plain := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte(`/_.-+:%~@*?[]{},^\`, b) >= 0
		if !plain {
			return `"` + string(pattern) + `"`
		}
	}
	return string(pattern)
}
