// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/syntax"
)

// maxLabel is the length of a DNS label (RFC 1123), which bounds every name.
const maxLabel = 63

// label checks a name of letters, digits and hyphens: those of policies,
// namespaces, containers, rules and pools.
func (c *checker) label(what string, t syntax.Text) string {
	if isLabel(t.Value) {
		return t.Value
	}
	message := fmt.Sprintf("%s %s is not lower-case letters, digits and hyphens, with a letter or digit at both ends", what, quote(t.Value))
	if len(t.Value) > maxLabel {
		message = fmt.Sprintf("%s has %d characters; the most is %d", what, len(t.Value), maxLabel)
	}
	var options []diag.Option
	if mended := mendLabel(t.Value); mended != "" {
		options = []diag.Option{diag.Hint("write %s", mended), replace(t, mended)}
	}
	c.report(diag.InvalidName, t.Span, message, options...)
	return ""
}

func isLabel(s string) bool { return len(s) <= maxLabel && isHyphenated(s) }

// isSubdomain says whether Kubernetes takes s as the name of a workload: words
// with dots between them, of which it bounds only the whole.
func isSubdomain(s string) bool {
	return len(s) <= 253 && !slices.ContainsFunc(strings.Split(s, "."), func(w string) bool { return !isHyphenated(w) })
}

func isHyphenated(s string) bool {
	if s == "" || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if b := s[i]; !(b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-') {
			return false
		}
	}
	return true
}

// mendLabel returns the label closest to s, or "".
func mendLabel(s string) string {
	mended := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-':
			return r
		case r == '_' || r == '.' || r == ' ' || r == '/':
			return '-'
		}
		return -1
	}, strings.ToLower(s))
	mended = strings.Trim(mended, "-")
	if !isLabel(mended) {
		return ""
	}
	return mended
}
