// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"regexp"
	"regexp/syntax"
	"slices"

	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/avert-dev/avert/compiler/policy"
)

const (
	tooLarge = "Envoy refuses an expression as large as pathRegex becomes, so every path is allowed"
	boundary = "pathRegex has a word boundary beside an end of text, which cannot be said with the query behind it, so every path is allowed"
)

// query is what may stand behind a path in :path, which Envoy compares as a
// whole.
const query = `(\?.*)?$`

// httpRules writes conditions on requests as RE2 expressions, and gives reasons
// where one had to be widened. Expressions begin with ^, since a literal prefix
// behind it does not count towards Envoy's limit on their size.
func httpRules(matches []policy.HTTPMatch) (rules api.PortRulesHTTP, reasons []string) {
	for _, m := range matches {
		r := api.PortRuleHTTP{Method: regexp.QuoteMeta(m.Method)}
		switch {
		case m.Path != "":
			r.Path = "^" + regexp.QuoteMeta(m.Path) + query
		case m.PathPrefix != "":
			r.Path = "^" + regexp.QuoteMeta(m.PathPrefix) + ".*"
		case m.PathRegex != "":
			path, reason := pathRegex(m.PathRegex)
			r.Path = path
			if reason != "" {
				reasons = append(reasons, reason)
			}
		}
		if !slices.ContainsFunc(rules, func(o api.PortRuleHTTP) bool { return o.Path == r.Path && o.Method == r.Method }) {
			rules = append(rules, r)
		}
	}
	return rules, reasons
}

// pathRegex makes an expression of :path from one of the path without the
// query: it matches no question mark, and the end of text is where the query
// begins.
func pathRegex(expr string) (path, reason string) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return "", "pathRegex is no expression: " + err.Error() // check refuses it
	}
	if has(re, syntax.OpEndText, syntax.OpEndLine) && has(re, syntax.OpWordBoundary, syntax.OpNoWordBoundary) {
		return "", boundary
	}
	path = "^(?:" + withoutQuery(re).String() + ")" + query
	if programSize(path) > maxProgram {
		return "", tooLarge
	}
	return path, ""
}

func has(re *syntax.Regexp, ops ...syntax.Op) bool {
	return slices.Contains(ops, re.Op) || slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return has(sub, ops...) })
}

// withoutQuery rewrites re in place.
func withoutQuery(re *syntax.Regexp) *syntax.Regexp {
	for i := range re.Sub {
		re.Sub[i] = withoutQuery(re.Sub[i])
	}
	switch re.Op {
	case syntax.OpLiteral:
		if slices.Contains(re.Rune, '?') {
			return &syntax.Regexp{Op: syntax.OpNoMatch}
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return &syntax.Regexp{Op: syntax.OpCharClass, Rune: []rune{0, '?' - 1, '?' + 1, 0x10ffff}}
	case syntax.OpCharClass:
		return classWithoutQuery(re)
	case syntax.OpEndText, syntax.OpEndLine:
		end, err := syntax.Parse(query, syntax.Perl)
		if err != nil {
			panic(err) // a constant
		}
		return end
	}
	return re
}

func classWithoutQuery(re *syntax.Regexp) *syntax.Regexp {
	out := &syntax.Regexp{Op: syntax.OpCharClass, Flags: re.Flags}
	for i := 0; i < len(re.Rune); i += 2 {
		lo, hi := re.Rune[i], re.Rune[i+1]
		if lo > '?' || hi < '?' {
			out.Rune = append(out.Rune, lo, hi)
			continue
		}
		if lo < '?' {
			out.Rune = append(out.Rune, lo, '?'-1)
		}
		if hi > '?' {
			out.Rune = append(out.Rune, '?'+1, hi)
		}
	}
	if len(out.Rune) == 0 {
		return &syntax.Regexp{Op: syntax.OpNoMatch}
	}
	return out
}

// maxProgram is Envoy's default of re2.max_program_size.error_level, which
// Cilium leaves alone. With one larger expression Envoy refuses all policies of
// the pod (cilium/cilium issue 41314).
const maxProgram = 100

// programSize is at least the size of the program that RE2 makes of an
// expression. A literal prefix behind ^ costs nothing (RE2's RequiredPrefix).
func programSize(expr string) int {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return maxProgram + 1
	}
	re = re.Simplify()
	size := 4 + nodeSize(re)
	if re.Op == syntax.OpConcat && len(re.Sub) > 1 && re.Sub[0].Op == syntax.OpBeginText && re.Sub[1].Op == syntax.OpLiteral {
		size -= nodeSize(re.Sub[1])
	}
	return size
}

func nodeSize(re *syntax.Regexp) int {
	size := 2
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			switch {
			case r < 0x80 && re.Flags&syntax.FoldCase == 0:
				size++
			default: // up to four bytes, and as many for other cases
				size += 8
			}
		}
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		size += 13 // the UTF-8 automaton of any character
		for i := 0; i < len(re.Rune); i += 2 {
			if re.Rune[i+1] < 0x80 {
				size++
			} else {
				size += 13
			}
		}
		if n := len(re.Rune); n > 0 && re.Rune[n-1] < 0x80 {
			size -= 13
		}
	}
	for _, sub := range re.Sub {
		size += nodeSize(sub)
	}
	return size
}
