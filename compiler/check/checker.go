// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/suggest"
	"github.com/avert-dev/avert/compiler/syntax"
)

// checker reports findings and remembers whether there was an error.
type checker struct {
	list   *diag.List
	failed bool
}

func (c *checker) report(code diag.Code, at diag.Span, message string, options ...diag.Option) {
	c.failed = c.failed || code.Severity() == diag.Error
	c.list.Report(code, at, message, options...)
}

// unknown reports a word that is not among the known ones, with the closest.
func (c *checker) unknown(code diag.Code, what string, t syntax.Text, known []string) {
	var options []diag.Option
	if meant := suggest.Words(t.Value, known); len(meant) > 0 {
		options = []diag.Option{diag.Hint("did you mean %q?", meant[0]), replace(t, meant[0])}
	}
	c.report(code, t.Span, fmt.Sprintf("%s %s", what, quote(t.Value)), options...)
}

// repeated reports items of a list that it has already, and says so.
func (c *checker) repeated(seen map[string]diag.Span, key string, t syntax.Text) bool {
	first, ok := seen[key]
	if ok {
		c.report(diag.DuplicateRule, t.Span, quote(t.Value)+" is listed twice", diag.See(first, "first listed here"))
		return true
	}
	seen[key] = t.Span
	return false
}

// quote shows a value of the input, which may be very long.
func quote(s string) string {
	const most = 120
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}

// inside is the place of value[offset:offset+length] where the source spells
// the value as it is, else that of the whole value.
func inside(t syntax.Text, offset, length int) diag.Span {
	at, text := t.Span, t.Span.Text()
	switch {
	case !syntax.Spelled(at, t.Value):
		return at
	case text == t.Value:
	case text[1:len(text)-1] == t.Value:
		at.Start++
	default: // with escapes
		return at
	}
	at.Start += offset
	at.End = min(at.Start+max(length, 1), len(at.File.Source))
	return at
}

// replace offers a value in place of t.
func replace(t syntax.Text, value string) diag.Option {
	if !syntax.Spelled(t.Span, t.Value) {
		return diag.Hint("")
	}
	return diag.Replace(t.Span, scalar(value))
}

// scalar spells a text so that YAML reads it back anywhere.
func scalar(value string) string {
	plain := value != ""
	for _, r := range value {
		plain = plain && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r))
	}
	if plain && strings.ContainsRune("/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", rune(value[0])) {
		switch strings.ToLower(value) {
		case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		default:
			return value
		}
	}
	return strconv.Quote(value)
}
