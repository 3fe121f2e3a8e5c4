// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"sort"
	"strconv"
	"sync"
	"unicode/utf8"
)

// File is one source text. Positions in it are byte offsets; lines and columns
// are computed only when something is printed.
type File struct {
	// Name is the path as the user gave it, or "<stdin>".
	Name string
	// Source is the whole text.
	Source []byte

	indexed sync.Once
	lines   []int // offset of the first byte of each line
	// chars[k] is the number of characters before byte k*stride, so that no
	// position of a line of megabytes is found by walking all of it.
	chars []int
}

const stride = 1024

// NewFile returns a File over src, which must not change afterwards.
func NewFile(name string, src []byte) *File {
	return &File{Name: name, Source: src}
}

// Hash returns the hexadecimal SHA-256 of the source text.
func (f *File) Hash() string {
	sum := sha256.Sum256(f.Source)
	return hex.EncodeToString(sum[:])
}

func (f *File) index() {
	f.indexed.Do(func() {
		f.lines, f.chars = append(f.lines, 0), append(f.chars, 0)
		if bytes.HasPrefix(f.Source, []byte("\ufeff")) {
			f.lines[0] = len("\ufeff")
		}
		n := 0
		for i, b := range f.Source {
			if i > 0 && i%stride == 0 {
				f.chars = append(f.chars, n)
			}
			if utf8.RuneStart(b) {
				n++
			}
			if b == '\n' {
				f.lines = append(f.lines, i+1)
			}
		}
	})
}

// before returns the number of characters that begin before an offset.
func (f *File) before(offset int) int {
	if offset == 0 {
		return 0
	}
	k := (offset - 1) / stride
	n := f.chars[k]
	for _, b := range f.Source[k*stride : offset] {
		if utf8.RuneStart(b) {
			n++
		}
	}
	return n
}

// Offset returns the byte offset of a 1-based line and a 1-based column that
// counts characters, as YAML parsers report them. It is clamped to the text.
func (f *File) Offset(line, column int) int {
	f.index()
	if line < 1 {
		return 0
	}
	if line > len(f.lines) {
		return len(f.Source)
	}
	at := f.lines[line-1]
	if column > stride {
		want := f.before(at) + column - 1
		k := sort.SearchInts(f.chars, want+1) - 1
		if f.chars[k] >= f.before(at) {
			at, column = max(at, k*stride), want-f.chars[k]+1
			for at < len(f.Source) && !utf8.RuneStart(f.Source[at]) {
				at++
			}
		}
	}
	for ; column > 1 && at < len(f.Source) && f.Source[at] != '\n'; column-- {
		_, n := utf8.DecodeRune(f.Source[at:])
		at += n
	}
	if line < len(f.lines) {
		at = min(at, f.lines[line]-1)
	}
	return at
}

// Position returns the 1-based line and column (in characters) of an offset.
func (f *File) Position(offset int) (line, column int) {
	f.index()
	offset = min(max(offset, f.lines[0]), len(f.Source))
	i := sort.SearchInts(f.lines, offset+1) - 1
	return i + 1, f.before(offset) - f.before(f.lines[i]) + 1
}

// Line returns the text of a 1-based line without its line break.
func (f *File) Line(line int) []byte {
	f.index()
	if line < 1 || line > len(f.lines) {
		return nil
	}
	text := f.Source[f.lines[line-1]:]
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return bytes.TrimSuffix(text, []byte("\r"))
}

// Span is a range of bytes [Start, End) of a file. The zero Span means that a
// diagnostic has no place in a source, such as one about the command line.
type Span struct {
	File       *File
	Start, End int
}

// IsZero says whether the span points nowhere.
func (s Span) IsZero() bool { return s.File == nil }

// String returns "file:line:col", or "" for the zero Span.
func (s Span) String() string {
	if s.IsZero() {
		return ""
	}
	line, column := s.File.Position(s.Start)
	return s.File.Name + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(column)
}

// Text returns the source text of the span.
func (s Span) Text() string {
	if s.IsZero() || s.Start < 0 || s.End > len(s.File.Source) || s.Start > s.End {
		return ""
	}
	return string(s.File.Source[s.Start:s.End])
}
