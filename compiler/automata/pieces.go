// SPDX-License-Identifier: Apache-2.0

package automata

// Piece is one step of a pattern as it was written, for those who write it down
// in another language of patterns.
type Piece struct {
	Kind PieceKind
	// Byte is set for PieceByte.
	Byte byte
	// Members are the bytes of a PieceClass, ascending, without '/' and NUL.
	Members []byte
	// Alternatives are set for PieceBraces.
	Alternatives [][]Piece
}

// PieceKind says what a Piece matches.
type PieceKind uint8

// The kinds of pieces. The meaning of a star depends on its neighbours: see Parse.
const (
	PieceByte   PieceKind = iota // exactly Byte
	PieceClass                   // one of Members
	PieceStar                    // `*`
	PieceDouble                  // `**`
	PieceBraces                  // one of Alternatives
)

// Pieces returns the pattern of g in pieces. No two stars stand side by side
// outside braces; expansion of braces may bring them together.
func (g *Glob) Pieces() []Piece {
	if g.restricted {
		p := Piece{Kind: PieceBraces}
		for _, a := range g.alts {
			p.Alternatives = append(p.Alternatives, a.pieces())
		}
		return []Piece{p}
	}
	root, err := (&parser{src: g.pattern}).parse()
	if err != nil {
		panic("automata: a pattern does not parse twice: " + err.Error())
	}
	return root.pieces()
}

func (s *sequence) pieces() []Piece {
	var out []Piece
	for _, it := range s.items {
		for _, a := range it.atoms {
			out = append(out, a.token.piece())
		}
		if it.alts != nil {
			p := Piece{Kind: PieceBraces}
			for _, alt := range it.alts {
				p.Alternatives = append(p.Alternatives, alt.pieces())
			}
			out = append(out, p)
		}
	}
	return out
}

func (a alternative) pieces() []Piece {
	var out []Piece
	for _, t := range a {
		if out = append(out, t.piece()); t.kind == tokDirs {
			out = append(out, Piece{Byte: '/'})
		}
	}
	return out
}

func (t token) piece() Piece {
	switch t.kind {
	case tokByte:
		return Piece{Byte: t.b}
	case tokSet:
		p := Piece{Kind: PieceClass}
		in := t.set.inComponent()
		for b := range 256 {
			if in.has(byte(b)) {
				p.Members = append(p.Members, byte(b))
			}
		}
		return p
	case tokStar:
		return Piece{Kind: PieceStar}
	}
	return Piece{Kind: PieceDouble}
}
