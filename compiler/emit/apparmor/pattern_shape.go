// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"slices"

	"github.com/avert-dev/avert/compiler/automata"
)

// Braces mean the same to both languages. What a star means depends on its
// neighbours, and in AppArmor on those it has in the text: a star in braces does
// not see what stands outside. So the braces around and beside a star are kept
// only where its meaning is the same in every expansion, and written out elsewhere.

// simplifyPieces removes braces around a single alternative, or none but empty ones.
func simplifyPieces(seq []automata.Piece) []automata.Piece {
	var out []automata.Piece
	for _, p := range seq {
		if p.Kind != automata.PieceBraces {
			out = append(out, p)
			continue
		}
		alts := make([][]automata.Piece, len(p.Alternatives))
		for i, a := range p.Alternatives {
			alts[i] = simplifyPieces(a)
		}
		if len(alts) == 1 || !slices.ContainsFunc(alts, func(a []automata.Piece) bool { return len(a) > 0 }) {
			out = joinStars(out, alts[0])
		} else {
			out = append(out, automata.Piece{Kind: automata.PieceBraces, Alternatives: alts})
		}
	}
	return joinStars(nil, out)
}

// joinStars appends tail to head. Stars that come together are one `**`, as if
// the pattern had been written so.
func joinStars(head, tail []automata.Piece) []automata.Piece {
	out := slices.Clone(head)
	for _, p := range tail {
		if n := len(out); n > 0 && isStar(p) && isStar(out[n-1]) {
			out[n-1].Kind = automata.PieceDouble
			continue
		}
		out = append(out, p)
	}
	return out
}

func isStar(p automata.Piece) bool {
	return p.Kind == automata.PieceStar || p.Kind == automata.PieceDouble
}

// writeOutBraces writes out the braces that can not be kept. Every result begins
// with a slash, and is the root or can not match it.
func writeOutBraces(seq []automata.Piece) [][]automata.Piece {
	i := bracesInTheWay(seq)
	if i < 0 {
		return [][]automata.Piece{seq}
	}
	var out [][]automata.Piece
	for _, alt := range seq[i].Alternatives {
		out = append(out, writeOutBraces(joinStars(joinStars(seq[:i], alt), seq[i+1:]))...)
	}
	return out
}

// bracesInTheWay returns the index of braces to write out, or -1.
func bracesInTheWay(seq []automata.Piece) int {
	if seq[0].Kind == automata.PieceBraces {
		return 0
	}
	if len(seq) > 1 && seq[1].Kind == automata.PieceBraces && allMayBeEmpty(seq[1:]) {
		return 1 // the root is among the paths
	}
	i, _ := starConflict(seq, byOther, byEnd)
	return i
}

// allMayBeEmpty reports whether seq matches the empty string.
func allMayBeEmpty(seq []automata.Piece) bool {
	return !slices.ContainsFunc(seq, func(p automata.Piece) bool {
		if p.Kind == automata.PieceBraces {
			return !slices.ContainsFunc(p.Alternatives, allMayBeEmpty)
		}
		return !isStar(p)
	})
}

// side is what may stand beside a piece, over all expansions.
type side uint8

const (
	bySlash side = 1 << iota // '/'
	byStar                   // `*` or `**`
	byOther                  // any other byte
	byEnd                    // nothing: the pattern ends
)

// edgeOf returns what seq shows to a neighbour: at its beginning, or backwards at
// its end. Where seq may be empty that is also what lies beyond.
func edgeOf(seq []automata.Piece, beyond side, backwards bool) side {
	decides := func(p automata.Piece) bool { return p.Kind != automata.PieceBraces }
	if i := slices.IndexFunc(seq, decides); i >= 0 && !backwards {
		seq = seq[:i+1]
	}
	if i := len(seq) - 1; backwards {
		for i > 0 && !decides(seq[i]) {
			i--
		}
		seq = seq[max(i, 0):]
	}
	out := beyond
	for i := range seq {
		p := seq[len(seq)-1-i]
		if backwards {
			p = seq[i]
		}
		switch {
		case p.Kind == automata.PieceBraces:
			var union side
			for _, alt := range p.Alternatives {
				union |= edgeOf(alt, out, backwards)
			}
			out = union
		case isStar(p):
			out = byStar
		case p.Kind == automata.PieceByte && p.Byte == '/':
			out = bySlash
		default:
			out = byOther
		}
	}
	return out
}

// sidesOf returns what may stand before and after seq[i].
func sidesOf(seq []automata.Piece, i int, before, after side) (left, right side) {
	return edgeOf(seq[:i], before, true), edgeOf(seq[i+1:], after, false)
}

// starConflict looks for a star whose meaning is not the same in all expansions.
// It returns the index of the braces in seq to blame, or -1 when it is those
// around seq or nothing was found.
func starConflict(seq []automata.Piece, before, after side) (index int, found bool) {
	for i, p := range seq {
		left, right := sidesOf(seq, i, before, after)
		if p.Kind == automata.PieceBraces {
			for _, alt := range p.Alternatives {
				if _, bad := starConflict(alt, left, right); bad {
					return i, true
				}
			}
			continue
		}
		if !isStar(p) || isSettled(p, left, right, i+1 < len(seq) && seq[i+1].Byte == '/') {
			continue
		}
		for _, k := range []int{i - 1, i + 1} {
			if k >= 0 && k < len(seq) && seq[k].Kind == automata.PieceBraces {
				return k, true
			}
		}
		return -1, true
	}
	return -1, false
}

// isSettled reports whether a star has one meaning, and one that patternWriter can express.
func isSettled(p automata.Piece, left, right side, slashFollows bool) bool {
	switch {
	case (left|right)&byStar != 0:
		return false
	case p.Kind == automata.PieceStar:
		return right&byEnd == 0 || left&bySlash == 0 || left == bySlash && right&byOther == 0
	case left&bySlash != 0 && right&bySlash != 0:
		return left == bySlash && right == bySlash && slashFollows
	case right&byEnd != 0:
		return right == byEnd && (left&bySlash == 0 || left == bySlash)
	}
	return true
}
