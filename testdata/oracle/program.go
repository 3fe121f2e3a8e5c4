// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"regexp/syntax"
	"unicode"
	"unicode/utf8"
)

// MaxProgramSize is how large a compiled expression Envoy accepts
// (re2.max_program_size.error_level), which Cilium leaves at its default. One
// expression beyond it, and Envoy refuses all policies of the pod
// (github.com/cilium/cilium/issues/41314).
const MaxProgramSize = 100

// ProgramSize estimates RE2's program size of an expression: exactly for
// literals, else a little above. It was compared with RE2 itself on thousands of
// random expressions; program_test.go keeps some of its answers.
//
// An expression that begins with ^ is matched by its literal prefix first
// (RE2's RequiredPrefix), and the prefix costs nothing. So paths of any length
// are possible, if they are written `^/the/path`.
func ProgramSize(expr string) (int, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return 0, err
	}
	re = re.Simplify()
	size := 4 + nodeSize(re)
	if re.Op == syntax.OpConcat && len(re.Sub) > 1 && re.Sub[0].Op == syntax.OpBeginText && re.Sub[1].Op == syntax.OpLiteral {
		size -= nodeSize(re.Sub[0]) + nodeSize(re.Sub[1])
	}
	return size, nil
}

func nodeSize(re *syntax.Regexp) int {
	size := 0
	for _, sub := range re.Sub {
		size += nodeSize(sub)
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			size += utf8.RuneLen(r)
			for f := unicode.SimpleFold(r); re.Flags&syntax.FoldCase != 0 && f != r; f = unicode.SimpleFold(f) {
				if f >= utf8.RuneSelf {
					size += utf8.RuneLen(f)
				}
			}
		}
	case syntax.OpCharClass:
		size += classSize(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		size += anyCharacter
	case syntax.OpCapture, syntax.OpPlus:
		size += 2
	case syntax.OpStar, syntax.OpQuest, syntax.OpAlternate, syntax.OpEmptyMatch,
		syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		size++
	}
	return size
}

const (
	// anyCharacter is the size of the UTF-8 automaton of any character but one.
	anyCharacter = 13
	// beyondASCII is more than that of a range of characters beyond ASCII.
	beyondASCII = 12
)

func classSize(ranges []rune) int {
	size := 0
	for i := 0; i < len(ranges); i += 2 {
		switch {
		case ranges[i+1] < utf8.RuneSelf:
			size++
		case ranges[i+1] == unicode.MaxRune:
			size += anyCharacter
		default:
			size += beyondASCII
		}
	}
	return size
}
