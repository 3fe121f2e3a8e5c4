// SPDX-License-Identifier: Apache-2.0

package format

import (
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// scalarText writes a key, or a scalar or alias other than a block scalar, on one line; inFlow tells whether in braces or
// brackets. Properties are the caller's.
func (n *node) scalarText(inFlow bool) string {
	y := n.yaml
	quoted := y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch {
	case y.Kind == yaml.AliasNode:
		return "*" + y.Value
	case n.isEmpty() && (y.ShortTag() != "!!null" || n.props != "" && y.Style&yaml.TaggedStyle != 0):
		return `""`
	case n.isEmpty():
		return "null"
	case quoted && y.Style&yaml.TaggedStyle == 0 && y.Tag != "!" && readsPlain(y.Value, inFlow):
		return y.Value
	case quoted || strings.Contains(y.Value, "\n"), startsWithMarker(y.Value):
		return quote(y.Value)
	}
	return y.Value
}

// readsPlain tells whether every reader of YAML, 1.1 or 1.2, takes the text without quotes for the same string.
func readsPlain(s string, inFlow bool) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	switch {
	case s == "", s != strings.TrimSpace(s),
		strings.ContainsAny(s[:1], "?:,[]{}#&*!|>'\"%@`"),
		s[0] == '-' && (len(s) == 1 || s[1] == ' '),
		startsWithMarker(s),
		strings.Contains(s, ": "), strings.HasSuffix(s, ":"), strings.Contains(s, " #"),
		inFlow && strings.ContainsAny(s, ",[]{}"):
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<",
		".nan", ".inf", "+.inf", "-.inf":
		return false
	}
	// Numbers, sexagesimal ones included, and times start with a digit and hold nothing but these characters.
	number := strings.TrimLeft(s, "+-")
	number = strings.TrimPrefix(number, ".")
	isNumber := number != "" && '0' <= number[0] && number[0] <= '9' && strings.Trim(number, "0123456789abcdefABCDEFxXoO_.:+-TtZz ") == ""
	return !isNumber
}

// startsWithMarker tells text that would separate documents at the start of a line.
func startsWithMarker(s string) bool {
	return strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...")
}

// quote writes a string in quotes: double ones, unless single ones save escapes.
func quote(s string) string {
	printable := !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
	if printable && strings.ContainsAny(s, `"\`) {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isBlockScalar tells a literal or folded scalar that stays one. One without a visible character does not.
func (n *node) isBlockScalar() bool {
	return n.yaml.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && strings.Trim(n.yaml.Value, " \n") != ""
}

// blockHeader is the header of a block scalar: style, indentation where it cannot be seen, and what becomes of the line
// ends after it.
func (n *node) blockHeader() string {
	header := "|"
	if n.yaml.Style&yaml.FoldedStyle != 0 {
		header = ">"
	}
	for _, line := range n.body {
		if line != "" {
			if line[0] == ' ' {
				header += "2"
			}
			break
		}
	}
	switch {
	case !strings.HasSuffix(n.yaml.Value, "\n"):
		header += "-"
	case n.keepsLines():
		header += "+"
	}
	return header
}

// keepsLines tells a block scalar that ends in blank lines which belong to it.
func (n *node) keepsLines() bool { return strings.HasSuffix(n.yaml.Value, "\n\n") }

// blockLines are the lines of a block scalar, without indentation.
func (n *node) blockLines() []string {
	lines := n.body
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if n.keepsLines() {
		kept := len(n.yaml.Value) - len(strings.TrimRight(n.yaml.Value, "\n")) - 1
		lines = append(lines[:len(lines):len(lines)], make([]string, kept)...)
	}
	return lines
}
