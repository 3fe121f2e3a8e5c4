// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"cmp"
	"slices"
)

// nfa is an acyclic graph of tokens, apart from the loops of the wildcards:
// a trie whose equal tails are shared. Nodes come after their children.
type nfa struct {
	nodes  []node
	arcs   []arc
	sets   []byteSet // of the set arcs
	labels *interner
	root   int32
	// closures[n] are the items that an automaton at node n is at, by tokens
	// that may match nothing.
	closures [][]item32
}

// item32 is a place in an nfa: node n as 2n, and as 2n+1 a run of directories
// before node n.
type item32 = int32

type node struct {
	lo, hi uint32 // arcs
	loop   tokenKind
	accept labelID
	reach  labelID // labels of this node and all after it
}

// arc is a token and where it leads. The arcs of a node are sorted by token.
type arc struct {
	kind  tokenKind
	b     uint8
	set   int32
	child int32
}

// labelled is an alternative with the label of its rule.
type labelled struct {
	alternative
	label int
	rule  int
}

// sortLabelled brings alternatives into the order that newNFA needs.
func sortLabelled(alts []labelled) {
	slices.SortFunc(alts, func(a, b labelled) int {
		return cmp.Or(slices.CompareFunc(a.alternative, b.alternative, compareTokens), cmp.Compare(a.label, b.label), cmp.Compare(a.rule, b.rule))
	})
}

// newNFA builds the graph of sorted alternatives in one pass (the incremental
// construction of Daciuk et al.: what lies beyond the common prefix with the
// next alternative is finished, and shared if an equal node exists).
func newNFA(alts []labelled, labels *interner) *nfa {
	b := &nfaBuilder{nfa: &nfa{labels: labels}, setIDs: map[byteSet]int32{}}
	b.internSets(alts)
	b.open = append(b.open, openNode{})
	var prev alternative
	for _, a := range alts {
		common := 0
		for common < min(len(prev), len(a.alternative)) && compareTokens(prev[common], a.alternative[common]) == 0 {
			common++
		}
		b.closeTo(common)
		for _, t := range a.alternative[common:] {
			top := &b.open[len(b.open)-1]
			next := arc{kind: t.kind, b: t.b}
			if t.kind == tokSet {
				next.set = b.setIDs[*t.set]
			}
			top.arcs = append(top.arcs, next)
			n := openNode{}
			if t.kind == tokStar || t.kind == tokAny {
				n.loop = t.kind
			}
			b.push(n)
		}
		top := &b.open[len(b.open)-1]
		top.accept = labels.union(top.accept, labels.id(NewLabels(a.label)))
		prev = a.alternative
	}
	b.closeTo(0)
	b.root = b.finish(&b.open[0])
	b.closeEmpty()
	return b.nfa
}

type nfaBuilder struct {
	*nfa
	setIDs map[byteSet]int32
	seen   index      // of the finished nodes
	open   []openNode // the path of the last alternative
}

type openNode struct {
	arcs   []arc
	loop   tokenKind
	accept labelID
}

// push opens a node, with the memory of an earlier one when there is some.
func (b *nfaBuilder) push(n openNode) {
	if len(b.open) < cap(b.open) {
		b.open = b.open[:len(b.open)+1]
		top := &b.open[len(b.open)-1]
		n.arcs = top.arcs[:0]
		*top = n
		return
	}
	b.open = append(b.open, n)
}

// internSets numbers the sets by content, so that numbers do not depend on the
// order of the rules.
func (b *nfaBuilder) internSets(alts []labelled) {
	for _, a := range alts {
		for _, t := range a.alternative {
			if t.kind != tokSet {
				continue
			}
			if _, ok := b.setIDs[*t.set]; !ok {
				b.setIDs[*t.set] = 0
				b.sets = append(b.sets, *t.set)
			}
		}
	}
	slices.SortFunc(b.sets, func(x, y byteSet) int { return slices.Compare(x[:], y[:]) })
	for i, s := range b.sets {
		b.setIDs[s] = int32(i)
	}
}

// closeTo finishes the open nodes deeper than depth.
func (b *nfaBuilder) closeTo(depth int) {
	for len(b.open) > depth+1 {
		top := &b.open[len(b.open)-1]
		id := b.finish(top)
		b.open = b.open[:len(b.open)-1]
		arcs := b.open[len(b.open)-1].arcs
		arcs[len(arcs)-1].child = id
	}
}

// finish returns the node equal to n.
func (b *nfaBuilder) finish(n *openNode) int32 {
	h := mix(uint64(n.loop), uint64(n.accept))
	for _, a := range n.arcs {
		h = mix(h, uint64(a.kind)<<8|uint64(a.b))
		h = mix(h, uint64(a.set)<<32|uint64(uint32(a.child)))
	}
	id, ok := b.seen.find(h, func(id int32) bool {
		m := &b.nodes[id]
		return m.loop == n.loop && m.accept == n.accept && slices.Equal(b.arcs[m.lo:m.hi], n.arcs)
	})
	if ok {
		return id
	}
	lo := uint32(len(b.arcs))
	b.arcs = append(b.arcs, n.arcs...)
	reach := n.accept
	for _, a := range n.arcs {
		reach = b.labels.union(reach, b.nodes[a.child].reach)
	}
	b.nodes = append(b.nodes, node{lo: lo, hi: uint32(len(b.arcs)), loop: n.loop, accept: n.accept, reach: reach})
	return b.seen.add(h)
}

// closeEmpty computes the closures, children first.
func (a *nfa) closeEmpty() {
	a.closures = make([][]item32, len(a.nodes))
	self := make([]item32, len(a.nodes))
	for i := range a.nodes {
		n := int32(i)
		self[n] = 2 * n
		c := self[n : n+1 : n+1]
		for _, e := range a.arcs[a.nodes[n].lo:a.nodes[n].hi] {
			if e.kind < tokStar {
				continue
			}
			c = append(c, a.closures[e.child]...)
			if e.kind == tokDirs {
				c = append(c, 2*e.child+1)
			}
		}
		a.closures[n] = c
	}
}

// absorbing reports whether n accepts whatever follows.
func (a *nfa) absorbing(n int32) bool { return a.nodes[n].loop == tokAny && a.nodes[n].accept != 0 }
