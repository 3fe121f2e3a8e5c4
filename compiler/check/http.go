// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	doc "github.com/avert-dev/avert/compiler/syntax"
)

// methods are those of RFC 9110 and, PATCH, of RFC 5789.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

func (c *checker) http(h *doc.HTTPMatch) policy.HTTPMatch {
	out := policy.HTTPMatch{Method: h.Method.Value, Path: h.Path.Value, PathPrefix: h.PathPrefix.Value, PathRegex: h.PathRegex.Value, Span: h.Place}
	if h.Flawed {
		return out
	}
	if h.Method.Given() && !slices.Contains(methods, h.Method.Value) {
		c.unknown(diag.InvalidHTTP, "there is no method", h.Method, methods)
	}
	var paths []string
	for _, p := range []struct {
		key  string
		text doc.Text
	}{{"path", h.Path}, {"pathPrefix", h.PathPrefix}, {"pathRegex", h.PathRegex}} {
		if !p.text.Given() {
			continue
		}
		paths = append(paths, p.key)
		if p.key == "pathRegex" {
			c.regex(p.text)
		} else {
			c.requestPath(p.key, p.text)
		}
	}
	if len(paths) > 1 {
		c.report(diag.ConflictingKeys, h.Place, join(paths)+" exclude each other", diag.Hint("write an item of http for each: items are ORed"))
	}
	return out
}

func (c *checker) requestPath(key string, t doc.Text) {
	s := t.Value
	if !strings.HasPrefix(s, "/") {
		c.report(diag.InvalidHTTP, t.Span, key+" begins with `/`", diag.Hint("did you mean %q?", "/"+s), replace(t, "/"+s))
		return
	}
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		c.report(diag.InvalidHTTP, inside(t, i, len(s)-i), key+" is without the query and the fragment", diag.Hint("did you mean %q?", s[:i]), replace(t, s[:i]))
		return
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }); i >= 0 {
		c.report(diag.InvalidHTTP, inside(t, i, 1), fmt.Sprintf("%s has a character that no request line has", key), diag.Hint("write it percent-encoded, as it is sent"))
	}
	if i := strings.IndexByte(s, '*'); i >= 0 {
		c.report(diag.InvalidHTTP, inside(t, i, 1), fmt.Sprintf("%s is literal, and `*` looks like a pattern", key), diag.Hint("use pathPrefix or pathRegex; a literal star is sent as %%2A"))
	}
}

// maxRegex bounds a regular expression, in bytes.
const maxRegex = 1024

func (c *checker) regex(t doc.Text) {
	if len(t.Value) > maxRegex {
		c.report(diag.InvalidHTTP, t.Span, fmt.Sprintf("the expression has %d bytes; the most is %d", len(t.Value), maxRegex))
		return
	}
	_, err := regexp.Compile(t.Value)
	if fault, ok := err.(*syntax.Error); ok {
		at := t.Span
		if i := strings.Index(t.Value, fault.Expr); i >= 0 && fault.Expr != "" {
			at = inside(t, i, len(fault.Expr))
		}
		c.report(diag.InvalidHTTP, at, fmt.Sprintf("not an RE2 expression: %s", fault.Code))
	}
}
