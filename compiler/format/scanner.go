// SPDX-License-Identifier: Apache-2.0

package format

import (
	"sort"
	"strings"

	"go.yaml.in/yaml/v4"
)

// scanner finds in the text what the parser's nodes do not tell: comments, and where collections and items start and
// end. It is led by the places of the scalars, in which anything may stand.
type scanner struct {
	text     string
	lines    []int  // where each line starts
	scalars  []span // in the order of the text
	comments []found
	dashes   []int       // of the items of block sequences, in order
	closers  map[int]int // from the opening bracket of a flow collection to after its closing one
	bodies   []span      // of block scalars
}

// span is a part of the text.
type span struct{ start, end int }

// found is a comment in the text.
type found struct {
	comment
	offset   int
	column   int  // from 0
	trailing bool // stands behind something on its line
}

func newScanner(text string) *scanner {
	s := &scanner{text: text, lines: []int{0}, closers: map[int]int{}}
	for i := range len(text) {
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// properties reads the anchor and tag of a node that starts at offset from: them, where they end, and where the content
// starts.
func (s *scanner) properties(from int, anchor string, tagged bool) (props string, end, content int) {
	at := from
	var read []string
	for anchor != "" || tagged {
		at = s.skipBlank(at)
		start := at
		switch {
		case anchor != "" && strings.HasPrefix(s.text[at:], "&"+anchor):
			at += 1 + len(anchor)
			anchor = ""
		case tagged && strings.HasPrefix(s.text[at:], "!"):
			at = s.tagEnd(at)
			tagged = false
		default:
			return strings.Join(read, " "), at, at // not as expected; the caller's last check finds out
		}
		read = append(read, s.text[start:at])
	}
	if len(read) == 0 {
		return "", from, from
	}
	return strings.Join(read, " "), at, s.skipBlank(at)
}

func (s *scanner) tagEnd(at int) int {
	if strings.HasPrefix(s.text[at:], "!<") {
		if n := strings.IndexByte(s.text[at:], '>'); n >= 0 {
			return at + n + 1
		}
	}
	return s.wordEnd(at)
}

// wordEnd is where an anchor, alias or tag that starts at offset at ends.
func (s *scanner) wordEnd(at int) int {
	if n := strings.IndexAny(s.text[at:], " \t\n,[]{}"); n >= 0 {
		return at + n
	}
	return len(s.text)
}

// skipBlank skips white space, line ends and comments.
func (s *scanner) skipBlank(at int) int {
	for at < len(s.text) {
		switch s.text[at] {
		case ' ', '\t', '\n':
			at++
		case '#':
			at = s.lineEnd(at)
		default:
			return at
		}
	}
	return at
}

// line is the number, from 0, of the line with offset at.
func (s *scanner) line(at int) int {
	return sort.Search(len(s.lines), func(i int) bool { return s.lines[i] > at }) - 1
}

// lineEnd is the offset of the line feed that ends the line with offset at, or the end of the text.
func (s *scanner) lineEnd(at int) int {
	if next := s.line(at) + 1; next < len(s.lines) {
		return s.lines[next] - 1
	}
	return len(s.text)
}

// column counts the bytes before offset at on its line.
func (s *scanner) column(at int) int { return at - s.lines[s.line(at)] }

// scalar finds the end of a scalar that has content.
func (s *scanner) scalar(n *node) error {
	switch style := n.yaml.Style; {
	case style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		s.blockScalar(n)
		return nil
	case style&yaml.SingleQuotedStyle != 0:
		n.end = n.start + 1
		for {
			close := strings.IndexByte(s.text[n.end:], '\'')
			if close < 0 {
				return s.lost(n.start)
			}
			n.end += close + 1
			if !strings.HasPrefix(s.text[n.end:], "'") {
				break
			}
			n.end++
		}
	case style&yaml.DoubleQuotedStyle != 0:
		for n.end = n.start + 1; ; n.end++ {
			if n.end >= len(s.text) {
				return s.lost(n.start)
			}
			if s.text[n.end] == '"' {
				n.end++
				break
			}
			if s.text[n.end] == '\\' {
				n.end++
			}
		}
	default:
		// A plain scalar may go on over lines; its words stand as they are.
		for word := range strings.FieldsFuncSeq(n.yaml.Value, isSpace) {
			n.end += len(s.text[n.end:]) - len(strings.TrimLeftFunc(s.text[n.end:], isSpace))
			if !strings.HasPrefix(s.text[n.end:], word) {
				return s.lost(n.start)
			}
			n.end += len(word)
		}
	}
	s.scalars = append(s.scalars, span{n.start, n.end})
	return nil
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }

// blockScalar finds the lines of a literal or folded scalar. Their indentation follows from the first character that is
// no space, in the text and in the value.
func (s *scanner) blockScalar(n *node) {
	header := s.lineEnd(n.start)
	mark := header
	if hash := strings.IndexByte(s.text[n.start:header], '#'); hash >= 0 {
		mark = n.start + hash
	}
	keep := strings.Contains(s.text[n.start:mark], "+")
	s.scalars = append(s.scalars, span{n.start, mark})

	first := strings.IndexFunc(n.yaml.Value, func(r rune) bool { return r != ' ' && r != '\n' })
	indent := -1
	body := min(header+1, len(s.text))
	end := body
	for at := body; at < len(s.text); {
		stop := s.lineEnd(at)
		line := s.text[at:stop]
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		if spaces < len(line) {
			if first < 0 {
				break // nothing but blank lines belongs to it
			}
			if indent < 0 {
				indent = spaces - (first - 1 - strings.LastIndexByte(n.yaml.Value[:first], '\n'))
			}
			if spaces < indent {
				break
			}
		}
		at = min(stop+1, len(s.text))
		if keep || spaces < len(line) || indent >= 0 && spaces > indent {
			end = at
		}
	}
	n.end = end
	if body < end {
		s.scalars = append(s.scalars, span{body, end})
		s.bodies = append(s.bodies, span{body, end})
	}
	for line := range strings.Lines(s.text[body:end]) {
		line = strings.TrimSuffix(line, "\n")
		n.body = append(n.body, line[min(max(indent, 0), len(line)):])
	}
}

// lost reports a place where text and nodes do not agree.
func (s *scanner) lost(at int) error {
	return &Error{
		Line: 1 + s.line(at), Column: 1 + s.column(at),
		Message: "cannot be formatted: the text is not as the parser understood it; please report this file as a bug in avert",
	}
}

// run goes through the text between the scalars.
func (s *scanner) run() error {
	var open []int
	scalars := s.scalars
	trailing := false // something stands on this line already
	for at := 0; at < len(s.text); {
		if len(scalars) > 0 && at == scalars[0].start {
			at = scalars[0].end
			trailing = at > 0 && s.text[at-1] != '\n'
			scalars = scalars[1:]
			continue
		}
		start := at
		switch c := s.text[at]; c {
		case ' ', '\t':
			at++
			continue
		case '\n':
			at++
			trailing = false
			continue
		case '#':
			at = s.lineEnd(at)
			s.comments = append(s.comments, found{
				comment: comment{text: strings.TrimRight(s.text[start:at], " \t"), blank: !trailing && s.blankBefore(start)},
				offset:  start, column: s.column(start), trailing: trailing,
			})
			continue
		case '[', '{':
			open = append(open, at)
			at++
		case ']', '}':
			if at++; len(open) > 0 {
				s.closers[open[len(open)-1]] = at
				open = open[:len(open)-1]
			}
		case '&', '*':
			at = s.wordEnd(at)
		case '!':
			at = s.tagEnd(at)
		case ',', ':', '?':
			at++
		case '-', '.':
			switch {
			case isMarker(s.text, at, "---"):
				at += 3
			case isMarker(s.text, at, "..."):
				at += 3
				continue // a comment behind it is none of a value
			case c == '-':
				s.dashes = append(s.dashes, at)
				at++
			default:
				return s.lost(at)
			}
		case '%':
			return &Error{Line: 1 + s.line(at), Column: 1, Message: "directives (%YAML, %TAG) are not supported: remove the line"}
		default:
			return s.lost(at)
		}
		if len(scalars) > 0 {
			at = min(at, scalars[0].start) // a name may end at a colon
		}
		trailing = true
	}
	if len(scalars) > 0 {
		return s.lost(scalars[0].start)
	}
	return nil
}

// isMarker tells whether --- or ... stands at offset at.
func isMarker(text string, at int, marker string) bool {
	rest, ok := strings.CutPrefix(text[at:], marker)
	return ok && (at == 0 || text[at-1] == '\n') && (rest == "" || isSpace(rune(rest[0])))
}

// blankBefore tells whether the token at offset at is the first of its line and stands below a blank line that belongs
// to no scalar.
func (s *scanner) blankBefore(at int) bool {
	line := s.line(at)
	if line == 0 || strings.TrimLeft(s.text[s.lines[line]:at], " \t") != "" {
		return false
	}
	above := s.lines[line-1]
	if strings.TrimLeft(s.text[above:s.lines[line]], " \t\n") != "" {
		return false
	}
	next := sort.Search(len(s.bodies), func(i int) bool { return s.bodies[i].start > above })
	return next == 0 || s.bodies[next-1].end <= above
}
