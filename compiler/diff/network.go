// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lineages"
	"github.com/avert-dev/avert/compiler/policy"
)

// element is what one rule says about one of its peers and one of its requests:
// conditions that are ANDed. Elements of both sides that say the same are one.
type element struct {
	sides [2]bool
	conds [2]int // of the rule on each side
	rule  *policy.NetworkRule
	peer  *policy.Peer      // nil for anybody
	pods  ir.PodSet         // of PeerPods
	addrs ir.AddressSet     // of PeerCIDR
	ports ir.PortSet        // nil for any
	http  *policy.HTTPMatch // nil for any traffic
}

// network compares flows. It divides them one dimension after the other, and
// goes on only with what some element tells apart and both sides do not say.
func (c *comparison) network() error {
	if c.layers[0].Network == nil && c.layers[1].Network == nil {
		return nil
	}
	n := &flows{comparison: c, index: map[string]int{}}
	var all []*element
	byKey := map[string]*element{}
	for side, l := range c.layers {
		if l.Network == nil {
			continue
		}
		for i := range l.Network.Rules {
			for _, e := range elements(&l.Network.Rules[i]) {
				cond := l.Network.Rules[i].Cond
				key := e.key(c.Joint(side, cond))
				if byKey[key] == nil {
					byKey[key] = e
					all = append(all, e)
				}
				byKey[key].sides[side], byKey[key].conds[side] = true, cond
			}
		}
	}
	return n.divide(0, all, policy.Flow{}, nil)
}

// elements takes a rule apart.
func elements(r *ir.NetworkRule) []*element {
	i := slices.IndexFunc(r.Policy.Network.Rules, func(o policy.NetworkRule) bool { return o.ID() == r.Rule.ID() })
	rule := &r.Policy.Network.Rules[i]
	base := element{rule: rule}
	if !r.AnyPort {
		base.ports = r.Ports
	}
	requests := []*policy.HTTPMatch{nil}
	if len(rule.HTTP) > 0 {
		requests = nil
		for i := range rule.HTTP {
			requests = append(requests, &rule.HTTP[i])
		}
	}
	peers := []*policy.Peer{nil}
	if len(rule.Peers) > 0 {
		peers = nil
		for i := range rule.Peers {
			peers = append(peers, &rule.Peers[i])
		}
	}
	var out []*element
	for _, request := range requests {
		pods := r.Pods // in the order of the peers
		for _, peer := range peers {
			e := base
			e.http, e.peer = request, peer
			switch {
			case peer == nil:
			case peer.Kind == policy.PeerPods:
				e.pods, pods = pods[0], pods[1:]
			case peer.Kind == policy.PeerCIDR:
				e.addrs = ir.Addresses(prefixes(peer.CIDR), peer.Except)
			}
			out = append(out, &e)
		}
	}
	return out
}

// key is equal for elements that say the same in the same processes.
func (e *element) key(cond int) string {
	var b strings.Builder
	families := slices.Clone(e.rule.Families)
	if len(families) == 0 {
		families = []string{"inet", "inet6"}
	}
	types := slices.Clone(e.rule.Types)
	slices.Sort(families)
	slices.Sort(types)
	fmt.Fprint(&b, e.rule.Action, e.rule.Quiet, cond, e.rule.Direction, families, types, e.ports == nil, e.ports)
	if e.http != nil {
		fmt.Fprintf(&b, " %q", []string{e.http.Method, e.http.Path, e.http.PathPrefix, e.http.PathRegex})
	}
	if e.peer != nil {
		fmt.Fprintf(&b, " %d %q %v %v", e.peer.Kind, e.peer.FQDN, e.pods, e.addrs)
	}
	return b.String()
}

// flows is a comparison of flows in progress.
type flows struct {
	*comparison
	cells int
	index map[string]int // of changes, by what they have in common
}

// divide goes on with a flow whose first fields are settled and the elements
// that match them. text says what was settled, for people.
func (n *flows) divide(dim int, alive []*element, f policy.Flow, text []string) error {
	if !n.differ(dim, alive, f) {
		return nil
	}
	if dim == len(dimensions) {
		return n.leaf(alive, f, text)
	}
	cells, err := dimensions[dim](alive, f)
	if err != nil {
		return err
	}
	type group struct {
		alive []*element
		cells []cell
	}
	var groups []*group
	index := map[string]*group{}
	for _, cell := range cells {
		if n.cells++; n.cells > maxCells {
			return fmt.Errorf("network rules: %w", automata.ErrBudget)
		}
		var rest []*element
		var key strings.Builder
		for i, e := range alive {
			if cell.has(e) {
				rest = append(rest, e)
				fmt.Fprint(&key, i, " ")
			}
		}
		key.WriteString(cell.apart)
		g := index[key.String()]
		if g == nil {
			g = &group{alive: rest}
			index[key.String()] = g
			groups = append(groups, g)
		}
		g.cells = append(g.cells, cell)
	}
	for _, g := range groups {
		settled := f
		g.cells[0].set(&settled)
		if err := n.divide(dim+1, g.alive, settled, append(text[:len(text):len(text)], describe(g.cells)...)); err != nil {
			return err
		}
	}
	return nil
}

// differ says whether both sides may still decide otherwise: they have the same
// default, and elements that only one of them has do not match.
func (n *flows) differ(dim int, alive []*element, f policy.Flow) bool {
	for _, e := range alive {
		if e.sides[0] != e.sides[1] {
			return true
		}
	}
	if dim < 2 { // direction and family are not settled
		return true
	}
	var defaults [2]policy.Action
	for side, l := range n.layers {
		switch {
		case l.Network == nil || f.Family != "inet" && f.Family != "inet6":
		case f.Direction == policy.Ingress:
			defaults[side] = l.Network.Ingress.Action
		default:
			defaults[side] = l.Network.Egress.Action
		}
	}
	return defaults[0] != defaults[1]
}

// leaf compares a flow with every lineage that its rules tell apart.
func (n *flows) leaf(alive []*element, f policy.Flow, text []string) error {
	var conds [2][]int
	for _, e := range alive {
		for side, has := range e.sides {
			if has {
				conds[side] = append(conds[side], e.conds[side])
			}
		}
	}
	relevant := n.Relevant(conds[0], conds[1])
	all, err := n.Moments(relevant)
	if err != nil {
		return err
	}
	op := policy.Operation{Kind: policy.OpNetwork, Flow: f}
	for _, t := range n.transitions(all, func(side int, m lineages.Moment) policy.Verdict {
		op.Lineage = m.Lineage
		v, _ := n.layers[side].Decide(op, nil) // only moves of directories fail
		return v
	}) {
		from, key := n.From(relevant, t.moments, all)
		op.Lineage = t.moments[0].Lineage
		ch := Change{Section: policy.Network, Witness: op, From: from, Others: []string{strings.Join(text, " ")}}
		ch.Before, ch.After = n.decide(op, nil)
		ch.Kind, _ = kindOf(ch.Before, ch.After)
		key = fmt.Sprint(f.Direction, ch.Before, ch.After, key)
		i, ok := n.index[key]
		if !ok {
			n.index[key] = len(n.changes)
			n.changes = append(n.changes, ch)
			continue
		}
		n.changes[i].Others = append(n.changes[i].Others, ch.Others...)
	}
	return nil
}
