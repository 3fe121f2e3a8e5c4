// SPDX-License-Identifier: Apache-2.0

package check

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

// patterns checks a list of path patterns.
func (c *checker) patterns(texts []syntax.Text) []policy.Pattern {
	out := make([]policy.Pattern, 0, len(texts))
	seen := make(map[string]diag.Span, len(texts))
	for _, t := range texts {
		if c.pattern(t) && !c.repeated(seen, t.Value, t) {
			out = append(out, policy.Pattern{Text: t.Value, Span: t.Span})
		}
	}
	return out
}

func (c *checker) pattern(t syntax.Text) bool {
	if simplePath(t.Value) {
		return true
	}
	_, err := automata.Parse(t.Value)
	if err == nil {
		return true
	}
	var fault *automata.PatternError
	if !errors.As(err, &fault) {
		c.report(diag.InvalidPattern, t.Span, err.Error())
		return false
	}
	options := []diag.Option{diag.Hint("%s", fault.Hint)}
	if meant := onlySuggestion.FindStringSubmatch(fault.Hint); meant != nil {
		if _, err := automata.Parse(meant[1]); err == nil {
			options = append(options, replace(t, meant[1]))
		}
	}
	c.report(diag.InvalidPattern, inside(t, fault.Offset, fault.Length), fault.Message, options...)
	return false
}

// onlySuggestion finds the pattern of a hint that offers just one.
var onlySuggestion = regexp.MustCompile("^write `([^`]{1,199})`$")

// simplePath says whether a pattern is plainly a path, or everything below one:
// most are, and need not be parsed to be found valid.
func simplePath(s string) bool {
	s = strings.TrimSuffix(s, "/**")
	if len(s) < 2 || len(s) > automata.MaxPatternLength-3 || s[0] != '/' {
		return false
	}
	for i := range len(s) {
		switch b := s[i]; {
		case b == '/':
			if i+1 == len(s) || s[i+1] == '/' || s[i+1] == '.' {
				return false
			}
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '-', b == '_', b == '.':
		default:
			return false
		}
	}
	return true
}

// maxName is the length of a name in the kernel (NAME_MAX).
const maxName = 255

// fileNames checks a list of last path components, which are literal.
func (c *checker) fileNames(texts []syntax.Text) []policy.Pattern {
	out := make([]policy.Pattern, 0, len(texts))
	seen := make(map[string]diag.Span, len(texts))
	for _, t := range texts {
		if c.fileName(t) && !c.repeated(seen, t.Value, t) {
			out = append(out, policy.Pattern{Text: t.Value, Span: t.Span})
		}
	}
	return out
}

// globLike finds what is hardly part of a literal name. A lone bracket is: test
// is also installed as /usr/bin/[.
var globLike = regexp.MustCompile(`[*?\\]|\{.*\}|\[.+\]`)

func (c *checker) fileName(t syntax.Text) bool {
	s := t.Value
	switch {
	case strings.HasPrefix(s, "/"):
		c.report(diag.InvalidPattern, t.Span, fmt.Sprintf("%s is a path, and names are last components of paths", quote(s)), diag.Hint("write it under paths"))
	case s == "" || s == "." || s == "..":
		c.report(diag.InvalidPattern, t.Span, fmt.Sprintf("no file has the name %q", s))
	case strings.ContainsAny(s, "/\x00"):
		c.report(diag.InvalidPattern, inside(t, strings.IndexAny(s, "/\x00"), 1), fmt.Sprintf("a name is one component of a path, and %s is not", quote(s)), diag.Hint("write paths: [%q]", "/**/"+s))
	case len(s) > maxName:
		c.report(diag.InvalidPattern, t.Span, fmt.Sprintf("the name has %d bytes; no file name has more than %d", len(s), maxName))
	case globLike.MatchString(s):
		c.report(diag.InvalidPattern, t.Span, fmt.Sprintf("names are literal, and %s looks like a pattern", quote(s)), diag.Hint("write paths: [%q]", "/**/"+s))
	default:
		return true
	}
	return false
}
