// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/avert-dev/avert/compiler/policy"
)

const (
	tooLarge = "Envoy refuses an expression as large as pathRegex becomes, so every path is allowed"
	innerEnd = "pathRegex has an end of text within, which cannot be said with the query behind it, so every path is allowed"
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
// query: it matches no question mark.
func pathRegex(expr string) (path, reason string) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return "", "pathRegex is no expression: " + err.Error() // check refuses it
	}
	re = withoutQuery(trim(trim(re, true), false))
	if hasEnd(re) {
		return "", innerEnd
	}
	path = "^(?:" + re.String() + ")" + query
	if programSize(path) > maxProgram {
		return "", tooLarge
	}
	return path, ""
}

// trim drops, in place, anchors at an end of the expression: all of the path
// has to match anyway.
func trim(re *syntax.Regexp, begin bool) *syntax.Regexp {
	switch re.Op {
	case syntax.OpBeginText, syntax.OpBeginLine:
		if begin {
			return &syntax.Regexp{Op: syntax.OpEmptyMatch}
		}
	case syntax.OpEndText, syntax.OpEndLine:
		if !begin {
			return &syntax.Regexp{Op: syntax.OpEmptyMatch}
		}
	case syntax.OpConcat:
		i := 0
		if !begin {
			i = len(re.Sub) - 1
		}
		if re.Sub[i] = trim(re.Sub[i], begin); re.Sub[i].Op == syntax.OpEmptyMatch {
			re.Sub = slices.Delete(re.Sub, i, i+1)
		}
	case syntax.OpCapture, syntax.OpAlternate:
		for i := range re.Sub {
			re.Sub[i] = trim(re.Sub[i], begin)
		}
	}
	return re
}

func hasEnd(re *syntax.Regexp) bool {
	return re.Op == syntax.OpEndText || re.Op == syntax.OpEndLine || slices.ContainsFunc(re.Sub, hasEnd)
}

// withoutQuery keeps, in place, characters from being a question mark.
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
		return &syntax.Regexp{Op: syntax.OpCharClass, Rune: []rune{0, '?' - 1, '?' + 1, unicode.MaxRune}}
	case syntax.OpCharClass:
		return classWithoutQuery(re)
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
	if re.Op == syntax.OpConcat && len(re.Sub) > 1 && re.Sub[0].Op == syntax.OpBeginText && re.Sub[1].Op == syntax.OpLiteral && re.Sub[1].Flags&syntax.FoldCase == 0 {
		size -= nodeSize(re.Sub[1])
	}
	return size
}

// anyChar is the size of the UTF-8 automaton of any character.
const anyChar = 13

func nodeSize(re *syntax.Regexp) int {
	size := 2
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if r < utf8.RuneSelf && re.Flags&syntax.FoldCase == 0 {
				size++
			} else { // up to four bytes, and as many for other cases
				size += 2 * utf8.UTFMax
			}
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		size += anyChar
	case syntax.OpCharClass:
		for i := 1; i < len(re.Rune); i += 2 {
			if re.Rune[i] < utf8.RuneSelf {
				size++
			} else {
				size += anyChar
			}
		}
	}
	for _, sub := range re.Sub {
		size += nodeSize(sub)
	}
	return size
}
