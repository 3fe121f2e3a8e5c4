// SPDX-License-Identifier: Apache-2.0

package automata

// canonical is the automaton of canonical paths.
//
//	0 nothing yet    1 the root        2 after a slash   3 "."
//	4 ".."           5 in a component  6 never
var canonical = func() *dfa {
	const start, root, slash, dot, dotdot, in, never = 0, 1, 2, 3, 4, 5, 6
	var p partition
	var alone byteSet
	for _, b := range []byte{0, '.', '/'} {
		alone.add(b)
	}
	p.isolate(alone)
	d := &dfa{classes: p.classMap(), starts: []int32{start}}
	// Rows: on NUL (class 0, the default), any other byte, '.', '/'.
	other, dotC, slashC := d.classes.of[1], d.classes.of['.'], d.classes.of['/']
	state := func(accept labelID, onOther, onDot, onSlash int32) {
		lo := uint32(len(d.edges))
		for _, e := range []edge{{onOther, other}, {onDot, dotC}, {onSlash, slashC}} {
			if e.to != never {
				d.edges = append(d.edges, e)
			}
		}
		d.rows = append(d.rows, row{def: never, lo: lo, hi: uint32(len(d.edges)), accept: accept})
	}
	state(0, never, never, root)
	state(1, in, dot, never)
	state(0, in, dot, never)
	state(0, in, dotdot, never)
	state(0, in, in, never)
	state(1, in, in, slash)
	state(0, never, never, never)
	return d
}()

const (
	canonicalRoot  = 1
	canonicalSlash = 2
	canonicalNever = 6
)

// IsCanonical reports whether path is "/", or one or more of "/component", where
// no component is empty, "." or "..", and without NUL.
func IsCanonical(path string) bool {
	s := canonical.starts[0]
	for i := range len(path) {
		if s = canonical.next(s, canonical.classes.of[path[i]]); s == canonicalNever {
			return false
		}
	}
	return canonical.rows[s].accept != 0
}
