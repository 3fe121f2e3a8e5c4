// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"errors"
	"slices"

	"github.com/avert-dev/avert/compiler/automata"
)

// What a glob may grow to in a profile.
const (
	mostPatterns = 256
	mostText     = 8 << 10 // bytes, of all patterns of a glob
)

// errTooLarge says that a glob would need more patterns than a profile should
// have for it.
var errTooLarge = errors.New("the pattern is too large for an AppArmor profile")

// patternForm says which names a pattern is to match. AppArmor names a directory
// with a slash at its end, the root "/".
type patternForm uint8

const (
	formFiles patternForm = iota
	formDirs
	formBoth
)

func translateGlob(g *automata.Glob, f patternForm) ([]string, error) {
	var out []string
	text := 0
	for _, seq := range writeOutBraces(simplifyPieces(g.Pieces())) {
		p, ok := writePattern(seq, f)
		if !ok || slices.Contains(out, p) {
			continue
		}
		out = append(out, p)
		if text += len(p); len(out) > mostPatterns || text > mostText {
			return nil, errTooLarge
		}
	}
	return out, nil
}

// literals returns the paths of g in ascending order when they are finitely many
// and not more than limit. For AppArmor an exact path takes precedence over a
// pattern when both say what an exec leads to.
func literals(g *automata.Glob, limit int) ([]string, bool) {
	paths, ok := expandPieces(simplifyPieces(g.Pieces()), limit)
	if !ok {
		return nil, false
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	return slices.DeleteFunc(paths, func(p string) bool { return !automata.IsCanonical(p) }), true
}

func expandPieces(seq []automata.Piece, limit int) ([]string, bool) {
	out := []string{""}
	for _, p := range seq {
		var tails []string
		switch p.Kind {
		case automata.PieceByte:
			tails = []string{string([]byte{p.Byte})}
		case automata.PieceClass:
			for _, b := range p.Members {
				tails = append(tails, string([]byte{b}))
			}
		case automata.PieceBraces:
			for _, alt := range p.Alternatives {
				more, ok := expandPieces(alt, limit)
				if !ok {
					return nil, false
				}
				tails = append(tails, more...)
			}
		default:
			return nil, false
		}
		if len(out)*len(tails) > limit {
			return nil, false
		}
		next := make([]string, 0, len(out)*len(tails))
		for _, head := range out {
			for _, tail := range tails {
				next = append(next, head+tail)
			}
		}
		out = next
	}
	return out, true
}
