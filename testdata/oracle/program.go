// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"regexp/syntax"
	"unicode/utf8"
)

// MaxProgramSize is how large a compiled expression Envoy accepts
// (re2.max_program_size.error_level), which Cilium leaves at its default. One
// expression beyond it, and Envoy refuses all policies of the pod
// (github.com/cilium/cilium/issues/41314).
const MaxProgramSize = 100

// ProgramSize estimates RE2's program size of an expression, never below the
// real size by what is known of it: one for each literal byte and each range of
// a class, 13 for any character beyond ASCII, two for a group, one for a
// repetition, and four to begin and end.
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
		}
	case syntax.OpCharClass:
		size += classSize(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		size += anyCharacter
	case syntax.OpCapture:
		size += 2
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest,
		syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		size++
	}
	return size
}

// anyCharacter is the size of the UTF-8 automaton of any character but one.
const anyCharacter = 13

func classSize(ranges []rune) int {
	size := 0
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i+1] >= utf8.RuneSelf {
			return size + anyCharacter
		}
		size++
	}
	return size
}
