// SPDX-License-Identifier: Apache-2.0

package event

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is bytes that somebody else chose. In JSON every byte that is not part of
// a printable character is written \xHH with two lower-case digits, and a
// backslash as \\ (before JSON's own escaping, which doubles each backslash):
// different bytes give different text, and Unescape gives them back.
type Text string

// MarshalText implements encoding.TextMarshaler.
func (t Text) MarshalText() ([]byte, error) { return []byte(Escape(string(t))), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It refuses what
// MarshalText does not write.
func (t *Text) UnmarshalText(text []byte) error {
	s, err := Unescape(string(text))
	*t = Text(s)
	return err
}

// Escape writes bytes as printable text. A character counts as printable as in
// unicode.IsPrint: letters, marks, numbers, punctuation, symbols and U+0020.
func Escape(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case unicode.IsPrint(r) && !(r == utf8.RuneError && n == 1):
			b.WriteString(s[:n])
		default:
			for i := range n {
				b.WriteString(`\x`)
				b.WriteByte(digits[s[i]>>4])
				b.WriteByte(digits[s[i]&15])
			}
		}
		s = s[n:]
	}
	return b.String()
}

// Unescape returns the bytes that Escape wrote.
func Unescape(s string) (string, error) {
	var b strings.Builder
	for rest := s; len(rest) > 0; {
		if rest[0] != '\\' {
			b.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		var v byte
		switch {
		case strings.HasPrefix(rest, `\\`):
			v, rest = '\\', rest[2:]
		case len(rest) >= 4 && rest[1] == 'x' && hex(rest[2]) >= 0 && hex(rest[3]) >= 0:
			v, rest = byte(hex(rest[2])<<4|hex(rest[3])), rest[4:]
		default:
			return "", fmt.Errorf("a backslash that is neither %q nor %q in %q", `\\`, `\xHH`, s)
		}
		b.WriteByte(v)
	}
	if Escape(b.String()) != s {
		return "", fmt.Errorf("%q is not escaped as alerts are", s)
	}
	return b.String(), nil
}

func hex(c byte) int { return strings.IndexByte("0123456789abcdef", c) }
