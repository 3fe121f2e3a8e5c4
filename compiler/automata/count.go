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

// Paths returns up to most paths of a, in the order of witnesses: shorter ones
// first, then those that read well.
func (a Lang) Paths(most int) []string {
	type word struct {
		state int32
		path  string
	}
	var out []string
	for level := []word{{a.dfa.starts[0], ""}}; len(level) > 0; {
		var next []word
		reached := map[int32]int{} // of one state, the first words are enough
		for _, w := range level {
			if a.dfa.rows[w.state].accept != 0 {
				out = append(out, w.path)
			}
			if len(out) >= most {
				return out[:most]
			}
			for _, b := range byteOrder {
				to := a.dfa.next(w.state, a.dfa.classes.of[b])
				if dead := a.dfa.sink(to) && a.dfa.rows[to].accept == 0; !dead && reached[to] < most {
					reached[to]++
					next = append(next, word{to, w.path + string([]byte{b})})
				}
			}
		}
		level = next
	}
	return out
}
