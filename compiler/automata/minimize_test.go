// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"testing"

	"pgregory.net/rapid"
)

// genDFA makes automata that no pattern would give.
var genDFA = rapid.Custom(func(t *rapid.T) *dfa {
	n := rapid.IntRange(1, 30).Draw(t, "states")
	classes := rapid.IntRange(1, 4).Draw(t, "classes")
	state := rapid.Map(rapid.IntRange(0, n-1), func(s int) int32 { return int32(s) })
	var p partition
	var alone byteSet
	for c := range classes - 1 {
		alone.add(byte('a' + c))
	}
	p.isolate(alone)
	d := &dfa{classes: p.classMap(), starts: rapid.SliceOfN(state, 1, 3).Draw(t, "starts")}
	for range n {
		r := row{def: state.Draw(t, "default"), lo: uint32(len(d.edges))}
		for c := 1; c < classes; c++ {
			if rapid.Bool().Draw(t, "exception") {
				d.edges = append(d.edges, edge{to: state.Draw(t, "target"), class: uint8(c)})
			}
		}
		r.hi = uint32(len(d.edges))
		if rapid.IntRange(0, 4).Draw(t, "accept") == 0 {
			r.accept = labelID(rapid.IntRange(1, 2).Draw(t, "label"))
		}
		d.rows = append(d.rows, r)
	}
	return d
})

func TestMinimize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := genDFA.Draw(t, "dfa")
		m := minimize(d)
		checkMinimal(t, m)
		type pair struct{ d, m int32 }
		seen := map[pair]bool{}
		var visit func(p pair)
		visit = func(p pair) {
			if seen[p] {
				return
			}
			seen[p] = true
			if d.rows[p.d].accept != m.rows[p.m].accept {
				t.Fatal("the minimal automaton has another language")
			}
			for b := range 256 {
				visit(pair{d.next(p.d, d.classes.of[b]), m.next(p.m, m.classes.of[b])})
			}
		}
		for i := range d.starts {
			visit(pair{d.starts[i], m.starts[i]})
		}
		if !minimize(m).equal(m) {
			t.Fatal("minimizing again changes it")
		}
	})
}
