// SPDX-License-Identifier: Apache-2.0

package apparmorbin

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// dfa is an automaton in compressed rows: the row of a state begins at its base,
// entries belong to the state that check names, and every other byte takes the
// default.
type dfa struct {
	accept, accept2, base, def, next, check []uint32
	// class maps bytes to columns; nil means that each byte is its own.
	class []uint32
}

// Tables by their numbers in the blob.
const (
	tableAccept  = 1
	tableBase    = 2
	tableCheck   = 3
	tableDefault = 4
	tableClass   = 5
	tableAccept2 = 7
	tableNext    = 8
)

const (
	dfaMagic = 0x1B5E783D
	// baseMask are the bits of a base entry that are an offset.
	baseMask = 0xffffff
	// differs marks a state that is written as its difference to the default
	// state: a byte without an entry is looked up there.
	differs = 1 << 31
	// dead accepts nothing and is never left; start is where walks begin.
	dead  = 0
	start = 1
)

var errDFA = errors.New("bad automaton")

func readDFA(blob []byte) (*dfa, error) {
	if len(blob) < 16 || binary.BigEndian.Uint32(blob) != dfaMagic {
		return nil, fmt.Errorf("%w: no header", errDFA)
	}
	header := binary.BigEndian.Uint32(blob[4:])
	if int64(header) > int64(len(blob)) {
		return nil, fmt.Errorf("%w: header of %d bytes", errDFA, header)
	}
	tables := map[uint16][]uint32{}
	for rest := blob[header:]; len(rest) > 0; {
		id, table, size, err := readTable(rest)
		if err != nil {
			return nil, err
		}
		if tables[id] != nil {
			return nil, fmt.Errorf("%w: two tables %d", errDFA, id)
		}
		tables[id] = table
		rest = rest[size:]
	}
	d := &dfa{
		accept: tables[tableAccept], accept2: tables[tableAccept2], base: tables[tableBase],
		def: tables[tableDefault], next: tables[tableNext], check: tables[tableCheck], class: tables[tableClass],
	}
	return d, d.verify()
}

// readTable reads one table and returns the bytes that it takes, padding included.
func readTable(b []byte) (id uint16, table []uint32, size int, err error) {
	const head = 12
	if len(b) < head {
		return 0, nil, 0, fmt.Errorf("%w: a table without a head", errDFA)
	}
	id = binary.BigEndian.Uint16(b)
	width := int(binary.BigEndian.Uint16(b[2:]))
	n := int64(binary.BigEndian.Uint32(b[8:]))
	if width != 1 && width != 2 && width != 4 || n == 0 || head+n*int64(width) > int64(len(b)) {
		return 0, nil, 0, fmt.Errorf("%w: table %d of %d entries of %d bytes", errDFA, id, n, width)
	}
	table = make([]uint32, n)
	for i := range table {
		switch e := b[head+i*width:]; width {
		case 1:
			table[i] = uint32(e[0])
		case 2:
			table[i] = uint32(binary.BigEndian.Uint16(e))
		case 4:
			table[i] = binary.BigEndian.Uint32(e)
		}
	}
	size = (head + int(n)*width + 7) &^ 7
	return id, table, min(size, len(b)), nil
}

// verify checks that no walk can leave the tables or never end.
func (d *dfa) verify() error {
	states, entries := len(d.base), len(d.next)
	if states < 2 || len(d.accept) != states || len(d.accept2) != states || len(d.def) != states ||
		len(d.check) != entries || d.class != nil && len(d.class) != 256 {
		return fmt.Errorf("%w: tables of different lengths", errDFA)
	}
	for s, b := range d.base {
		if int(b&baseMask)+255 >= entries || int(d.def[s]) >= states {
			return fmt.Errorf("%w: state %d points outside", errDFA, s)
		}
	}
	for i := range d.next {
		if int(d.next[i]) >= states || int(d.check[i]) >= states {
			return fmt.Errorf("%w: entry %d points outside", errDFA, i)
		}
	}
	ends := make([]bool, states) // the chain of differences that begins here
	for s := range d.base {
		var chain []int
		for i := s; d.base[i]&differs != 0 && !ends[i]; i = int(d.def[i]) {
			if chain = append(chain, i); len(chain) > states {
				return fmt.Errorf("%w: state %d differs from itself", errDFA, s)
			}
		}
		for _, i := range chain {
			ends[i] = true
		}
	}
	return nil
}

func (d *dfa) step(s uint32, b byte) uint32 {
	column := uint32(b)
	if d.class != nil {
		column = d.class[b]
	}
	for {
		base := d.base[s]
		if i := base&baseMask + column; d.check[i] == s {
			return d.next[i]
		}
		s = d.def[s]
		if base&differs == 0 {
			return s
		}
	}
}

func (d *dfa) walk(s uint32, text string) uint32 {
	for i := range len(text) {
		if s == dead {
			return dead
		}
		s = d.step(s, text[i])
	}
	return s
}
