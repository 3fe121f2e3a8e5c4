// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// word is one word of an operation.
type word struct {
	text   string
	quoted bool
}

// is says whether the word is a keyword.
func (w word) is(keyword string) bool { return !w.quoted && w.text == keyword }

// split takes a text apart at spaces outside of quotes.
func split(text string) ([]word, error) {
	var out []word
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		if rest[0] == '"' {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, errors.New("a quotation mark is never closed")
			}
			plain, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", quoted, err)
			}
			out = append(out, word{plain, true})
			rest = rest[len(quoted):]
			if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
				return nil, fmt.Errorf("a space is missing after %s", quoted)
			}
			continue
		}
		n := strings.IndexAny(rest, " \t")
		if n < 0 {
			n = len(rest)
		}
		out = append(out, word{text: rest[:n]})
		rest = rest[n:]
	}
	return out, nil
}

// path writes a path so that it is read as one.
func path(p string) string {
	if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, " \"") || strconv.Quote(p) != `"`+p+`"` {
		return strconv.Quote(p)
	}
	return p
}
