// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"encoding/binary"
	"slices"
)

// machine is an automaton whose rows may come into being on demand.
type machine interface {
	automaton() *dfa
	// expand makes the row of s.
	expand(s int32) error
}

func (d *dfa) automaton() *dfa          { return d }
func (d *dfa) expand(int32) error       { return nil }
func (d *determinizer) automaton() *dfa { return &d.dfa }

// runner is one automaton of a walk and the state that it begins in.
type runner struct {
	machine
	start int32
}

// verdict is what the visitor of a walk wants next.
type verdict int

const (
	goOn  verdict = iota
	prune         // nothing beyond this state matters
	found
)

// walk follows the canonical paths, or with suffixes those but the root, which are
// what leads from a directory to everything below it. Shorter ones come first,
// equally long ones in the order of byteOrder. The visitor sees the states of the
// runners after each path; it judges a tuple of states once, at the first path
// that leads there. After budget different tuples the walk is given up with
// ErrBudget.
func walk(runners []runner, suffixes bool, budget int, visit func(states []int32) verdict) (path []byte, ok bool, err error) {
	w := &walker{runners: runners, ids: map[string]int32{}}
	return w.run(suffixes, budget, func(_ int32, at []int32) verdict { return visit(at) })
}

// run is walk; the visitor also sees the number of the tuple.
func (w *walker) run(suffixes bool, budget int, visit func(id int32, states []int32) verdict) (path []byte, ok bool, err error) {
	w.prepare()
	k := len(w.runners)
	begin := make([]int32, k+1)
	for i, r := range w.runners {
		begin[i] = r.start
	}
	w.add(begin, -1, 0)
	for id := int32(0); int(id) < len(w.parents); id++ {
		at := slices.Clone(w.tuple(id))
		v := goOn
		if canonical.rows[at[k]].accept != 0 && !(suffixes && at[k] == canonicalRoot) {
			v = visit(id, at[:k])
		}
		switch v {
		case found:
			return w.path(id), true, nil
		case prune:
			continue
		}
		if len(w.parents) > budget {
			return nil, false, ErrBudget
		}
		if err := w.successors(id, at); err != nil {
			return nil, false, err
		}
	}
	return nil, false, nil
}

// walker holds the tuples of states that a walk has found: one state of each
// runner and one of canonical.
type walker struct {
	runners []runner
	dfas    []*dfa // of the runners, and canonical
	letters []letter
	// touching[i][c] are the letters of class c of runner i.
	touching [][][]int
	tuples   []int32
	ids      map[string]int32
	parents  []parent
	buf      []byte
	isMarked []bool
}

type parent struct {
	id int32
	b  byte
}

// letter is a joint class: its best byte and that byte's class in each runner.
type letter struct {
	b       byte
	classes []uint8
}

// byteOrder lists all bytes, those that read well first.
var byteOrder = func() []byte {
	var out []byte
	var seen byteSet
	add := func(lo, hi byte) {
		for b := int(lo); b <= int(hi); b++ {
			if !seen.has(byte(b)) {
				seen.add(byte(b))
				out = append(out, byte(b))
			}
		}
	}
	add('a', 'z')
	add('0', '9')
	add('A', 'Z')
	add('_', '_')
	add('-', '9') // and . and /
	add('!', '~')
	add(' ', ' ')
	add(0, 255)
	return out
}()

func (w *walker) prepare() {
	for _, r := range w.runners {
		w.dfas = append(w.dfas, r.automaton())
	}
	w.dfas = append(w.dfas, canonical)
	var maps []*classMap
	for _, d := range w.dfas {
		maps = append(maps, &d.classes)
	}
	joint := jointClasses(maps...)
	seen := make([]bool, joint.num)
	w.touching = make([][][]int, len(w.dfas))
	for i, d := range w.dfas {
		w.touching[i] = make([][]int, d.classes.num)
	}
	for _, b := range byteOrder {
		if seen[joint.of[b]] {
			continue
		}
		seen[joint.of[b]] = true
		l := letter{b: b}
		for i, d := range w.dfas {
			c := d.classes.of[b]
			l.classes = append(l.classes, c)
			w.touching[i][c] = append(w.touching[i][c], len(w.letters))
		}
		w.letters = append(w.letters, l)
	}
	w.isMarked = make([]bool, len(w.letters))
}

func (w *walker) tuple(id int32) []int32 {
	n := len(w.runners) + 1
	return w.tuples[int(id)*n : int(id+1)*n]
}

func (w *walker) add(t []int32, from int32, b byte) {
	w.buf = w.buf[:0]
	for _, s := range t {
		w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(s))
	}
	if _, ok := w.ids[string(w.buf)]; ok {
		return
	}
	w.ids[string(w.buf)] = int32(len(w.parents))
	w.tuples = append(w.tuples, t...)
	w.parents = append(w.parents, parent{from, b})
}

// successors adds the tuples one byte beyond at. Letters that no state of the
// tuple singles out all do the same, so one of them is enough.
func (w *walker) successors(id int32, at []int32) error {
	for i, r := range w.runners {
		if err := r.expand(at[i]); err != nil {
			return err
		}
	}
	for i, d := range w.dfas {
		for _, e := range d.exceptions(at[i]) {
			for _, l := range w.touching[i][e.class] {
				w.isMarked[l] = true
			}
		}
	}
	next := make([]int32, len(at))
	plain := false
	for l := range w.letters {
		if !w.isMarked[l] {
			if plain {
				continue
			}
			plain = true
		}
		w.isMarked[l] = false
		for i, d := range w.dfas {
			next[i] = d.next(at[i], w.letters[l].classes[i])
		}
		if next[len(next)-1] != canonicalNever {
			w.add(next, id, w.letters[l].b)
		}
	}
	return nil
}

// path returns the bytes that first led to tuple id.
func (w *walker) path(id int32) []byte {
	var out []byte
	for ; w.parents[id].id >= 0; id = w.parents[id].id {
		out = append(out, w.parents[id].b)
	}
	slices.Reverse(out)
	return out
}
