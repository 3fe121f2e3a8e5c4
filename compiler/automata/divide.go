// SPDX-License-Identifier: Apache-2.0

package automata

import "encoding/binary"

// Division is what sets together say about paths: every canonical path lies in
// one cell, and the paths of a cell have the same labels in each set.
type Division struct {
	// Cells are in the order of their paths, shorter ones first.
	Cells []Cell
	dfa   *dfa // a path that it accepts as n+1 lies in the cell with id n
}

// Cell is all paths that the sets label alike.
type Cell struct {
	// Labels has those of each set, in order.
	Labels []Labels
	// Path is a shortest path of the cell, and of those the one that reads best.
	Path string
	id   labelID
}

// Divide returns the cells of one or more sets. It gives up with ErrBudget when
// more than budget states come into being.
func Divide(budget int, sets ...*Set) (*Division, error) {
	d := divider{sets: sets, ids: map[string]int32{}, cells: map[string]labelID{}, product: &dfa{}}
	if err := d.run(budget); err != nil {
		return nil, err
	}
	out := &Division{dfa: minimize(d.product)}
	seen := make([]bool, len(d.labels))
	_, _, err := walkStates(out.dfa, func(s int32, path func() []byte) {
		id := out.dfa.rows[s].accept - 1
		if id >= 0 && !seen[id] {
			seen[id] = true
			out.Cells = append(out.Cells, Cell{Labels: d.labels[id], Path: string(path()), id: id})
		}
	})
	return out, err
}

// Paths returns the language of the paths that lie in the cells with the given
// indices.
func (d *Division) Paths(cells ...int) Lang {
	want := make(map[labelID]bool, len(cells))
	for _, i := range cells {
		want[d.Cells[i].id+1] = true
	}
	part := *d.dfa
	part.rows = make([]row, len(d.dfa.rows))
	for i, r := range d.dfa.rows {
		if want[r.accept] {
			r.accept = 1
		} else {
			r.accept = 0
		}
		part.rows[i] = r
	}
	return Lang{minimize(&part)}
}

// divider runs all parts of all sets side by side, and canonical beside them.
type divider struct {
	sets    []*Set
	dfas    []*dfa // of each component; the last is canonical
	product *dfa
	ids     map[string]int32
	tuples  []int32
	cells   map[string]labelID
	labels  [][]Labels // by cell
	buf     []byte
}

func (d *divider) run(budget int) error {
	var start []int32
	var maps []*classMap
	for _, s := range d.sets {
		maps = append(maps, &s.dfa.classes)
		for _, st := range s.dfa.starts {
			d.dfas = append(d.dfas, &s.dfa)
			start = append(start, st)
		}
	}
	d.dfas, maps = append(d.dfas, canonical), append(maps, &canonical.classes)
	start = append(start, canonical.starts[0])
	joint := jointClasses(maps...)
	d.product.classes = joint

	k := len(d.dfas)
	class := make([][]uint8, k)   // of a joint class in each component
	finer := make([][][]uint8, k) // joint classes of a component's class
	for i, a := range d.dfas {
		class[i], finer[i] = make([]uint8, joint.num), a.classes.finer(&joint)
		for b, j := range joint.of {
			class[i][j] = a.classes.of[b]
		}
	}
	d.product.starts = []int32{d.intern(start)}
	touched := make([]bool, joint.num)
	at, next := make([]int32, k), make([]int32, k)
	for id := 0; id*k < len(d.tuples); id++ {
		if id > budget || len(d.product.edges) > limitsFor(budget).edges {
			return ErrBudget
		}
		copy(at, d.tuples[id*k:])
		for i, a := range d.dfas {
			next[i] = a.rows[at[i]].def
			for _, e := range a.exceptions(at[i]) {
				for _, j := range finer[i][e.class] {
					touched[j] = true
				}
			}
		}
		r := row{def: d.intern(next), lo: uint32(len(d.product.edges)), accept: d.accept(at)}
		for j := range touched {
			if !touched[j] {
				continue
			}
			touched[j] = false
			for i, a := range d.dfas {
				next[i] = a.next(at[i], class[i][j])
			}
			if to := d.intern(next); to != r.def {
				d.product.edges = append(d.product.edges, edge{to: to, class: uint8(j)})
			}
		}
		r.hi = uint32(len(d.product.edges))
		d.product.rows = append(d.product.rows, r)
	}
	return nil
}

// intern numbers a tuple of states. All that no canonical path leads to are one.
func (d *divider) intern(t []int32) int32 {
	d.buf = d.buf[:0]
	if t[len(t)-1] != canonicalNever {
		for _, s := range t {
			d.buf = binary.LittleEndian.AppendUint32(d.buf, uint32(s))
		}
	}
	id, ok := d.ids[string(d.buf)]
	if !ok {
		id = int32(len(d.ids))
		d.ids[string(d.buf)] = id
		d.tuples = append(d.tuples, t...)
	}
	return id
}

// accept returns the cell of a tuple, plus 1; 0 when its path is not canonical.
func (d *divider) accept(t []int32) labelID {
	if canonical.rows[t[len(t)-1]].accept == 0 {
		return 0
	}
	labels := make([]Labels, len(d.sets))
	d.buf = d.buf[:0]
	for i, s := range d.sets {
		var st State
		n := copy(st[:], t[:len(s.dfa.starts)])
		t = t[n:]
		labels[i] = s.Accept(st)
		d.buf = labels[i].key(append(d.buf, byte(len(labels[i].rest)), byte(len(labels[i].rest)>>8)))
	}
	id, ok := d.cells[string(d.buf)]
	if !ok {
		id = labelID(len(d.labels))
		d.cells[string(d.buf)] = id
		d.labels = append(d.labels, labels)
	}
	return id + 1
}

// walkStates visits the states that canonical paths lead to, each at its first path.
func walkStates(d *dfa, visit func(s int32, path func() []byte)) (path []byte, ok bool, err error) {
	w := &walker{runners: []runner{{d, d.starts[0]}}, ids: map[string]int32{}}
	return w.run(false, len(d.rows)*len(canonical.rows), func(id int32, at []int32) verdict {
		visit(at[0], func() []byte { return w.path(id) })
		return goOn
	})
}
