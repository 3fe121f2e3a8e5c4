// SPDX-License-Identifier: Apache-2.0

package automata

// Count returns how many paths a has, and false when there are more than most,
// or infinitely many.
func (a Lang) Count(most int) (n int, ok bool) {
	c := counter{dfa: a.dfa, most: most, known: map[int32]int{}}
	n = c.from(a.dfa.starts[0])
	return n, n <= most
}

// counter counts the words that are accepted from each state.
type counter struct {
	*dfa
	most  int
	known map[int32]int
}

// open marks a state whose words are being counted: meeting it again is a loop
// that accepts something.
const open = -1

func (c *counter) from(s int32) int {
	if n, ok := c.known[s]; ok {
		if n == open {
			return c.most + 1
		}
		return n
	}
	if c.sink(s) && c.rows[s].accept == 0 {
		return 0 // of a minimal automaton, the one state that accepts nothing
	}
	c.known[s] = open
	n := 0
	if c.rows[s].accept != 0 {
		n++
	}
	for class := range c.classes.num {
		if n > c.most {
			break
		}
		if m := c.from(c.next(s, uint8(class))); m > 0 {
			n += min(m, c.most+1) * c.classes.size(uint8(class))
		}
	}
	n = min(n, c.most+1)
	c.known[s] = n
	return n
}

// size returns the number of bytes of a class.
func (m *classMap) size(class uint8) int {
	n := 0
	for _, c := range m.of {
		if c == class {
			n++
		}
	}
	return n
}
