// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine bounds how many characters of a source line are printed.
const maxLine = 160

// Printer writes diagnostics for people.
type Printer struct {
	// Color adds ANSI escapes.
	Color bool
}

// Print writes diagnostics in the given order:
//
//	file:line:col: severity[CODE]: message
//	    source line
//	    ^^^^
//	  hint: ...
//
// Control characters of the source are shown as '?', so that a policy cannot
// drive the terminal.
func (p Printer) Print(w io.Writer, items []Diagnostic) error {
	var b bytes.Buffer
	for _, d := range items {
		p.one(&b, d)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (p Printer) one(b *bytes.Buffer, d Diagnostic) {
	if place := d.Span.String(); place != "" {
		b.WriteString(p.style("1", clean(place)) + ": ")
	}
	fmt.Fprintf(b, "%s: %s\n", p.style(severityColor[d.Severity], fmt.Sprintf("%s[%s]", d.Severity, d.Code)), clean(d.Message))
	p.excerpt(b, d.Span)
	for _, n := range d.Notes {
		place := n.Span.String()
		if place != "" {
			place += ": "
		}
		fmt.Fprintf(b, "  %s %s%s\n", p.style("1", "see:"), clean(place), clean(n.Message))
	}
	if d.Hint != "" {
		fmt.Fprintf(b, "  %s %s\n", p.style("1", "hint:"), clean(d.Hint))
	}
}

var severityColor = map[Severity]string{Error: "1;31", Warning: "1;33", Note: "1;36"}

func (p Printer) style(code, text string) string {
	if !p.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// excerpt shows the line of a span, or the part of it around the span.
func (p Printer) excerpt(b *bytes.Buffer, s Span) {
	if s.IsZero() || len(s.File.Source) == 0 {
		return
	}
	line, column := s.File.Position(s.Start)
	from := 1
	if column > maxLine*3/4 {
		from = column - maxLine/2
	}
	start, end := s.File.Offset(line, from), s.File.Offset(line, from+maxLine)
	text := clean(strings.TrimSuffix(string(s.File.Source[start:end]), "\r"))
	s.End = min(s.End, end)
	width := utf8.RuneCountInString(s.Text())
	fmt.Fprintf(b, "    %s\n    %s%s\n", text, strings.Repeat(" ", column-from), p.style(severityColor[Error], strings.Repeat("^", max(1, width))))
}

// clean replaces every character that is not printable, one for one.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, s)
}
