// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policy"
)

// cell is a set of values of one dimension of flows that no element tells apart.
type cell struct {
	// set settles a flow on one value of the cell.
	set func(*policy.Flow)
	has func(*element) bool
	// text says which values these are; "" goes without saying.
	text string
	// apart keeps cells apart that the same elements have.
	apart string
	// ports and addrs are what cells of transport and address consist of.
	ports  ir.PortRange
	ranged bool
	addrs  ir.AddressSet
}

// dimensions settle one part of a flow each, in an order in which later ones
// may look at what is settled.
var dimensions = []func(alive []*element, f policy.Flow) ([]cell, error){
	directions, families, transports, kinds, podLabels, namespaces, namespaceLabels, addresses, names, services, methods, requests,
}

func everything(*element) bool { return true }

// settled is the one cell of a dimension that does not apply.
func settled() []cell { return []cell{{set: func(*policy.Flow) {}, has: everything}} }

func isIP(f policy.Flow) bool { return f.Family == "inet" || f.Family == "inet6" }

func directions([]*element, policy.Flow) ([]cell, error) {
	var out []cell
	for _, d := range []policy.Direction{policy.Ingress, policy.Egress} {
		out = append(out, cell{
			text: strings.ToLower(d.String()), apart: d.String(),
			set: func(f *policy.Flow) { f.Direction = d },
			has: func(e *element) bool { return e.rule.Direction.Includes(d) },
		})
	}
	return out, nil
}

func families(alive []*element, _ policy.Flow) ([]cell, error) {
	names := []string{"inet", "inet6"}
	for _, e := range alive {
		for _, name := range e.rule.Families {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	// Addresses are settled later, and differ.
	byAddress := slices.ContainsFunc(alive, func(e *element) bool { return e.addrs != nil })
	var out []cell
	for _, name := range names {
		apart := "other"
		switch {
		case name != "inet" && name != "inet6":
		case byAddress:
			apart = name
		default:
			apart = "IP"
		}
		text := "family " + name
		if name == "inet" {
			text = ""
		}
		out = append(out, cell{
			text: text, apart: apart,
			set: func(f *policy.Flow) { f.Family = name },
			has: func(e *element) bool {
				if len(e.rule.Families) == 0 {
					return name == "inet" || name == "inet6"
				}
				return slices.Contains(e.rule.Families, name)
			},
		})
	}
	return out, nil
}

// transports settles type, protocol and port. Flows have only such types as
// belong to their protocol.
func transports(alive []*element, f policy.Flow) ([]cell, error) {
	var out []cell
	add := func(protocol, socket string, ports ir.PortRange, text string) {
		out = append(out, cell{
			text: text, apart: protocol + " " + socket, ports: ports, ranged: protocol != "",
			set: func(f *policy.Flow) { f.Protocol, f.Type, f.Port = protocol, socket, ports.First },
			has: func(e *element) bool {
				if len(e.rule.Types) > 0 && !slices.Contains(e.rule.Types, socket) {
					return false
				}
				if e.peer != nil && e.peer.Kind == policy.PeerDNS && e.ports == nil {
					return ports.First == 53 && (protocol == "TCP" || protocol == "UDP")
				}
				return e.ports == nil || e.ports.Contains(protocol, ports.First)
			},
		})
	}
	if !isIP(f) {
		for _, socket := range linux.SocketTypeNames() {
			add("", socket, ir.PortRange{}, "type "+socket)
		}
		return out, nil
	}
	for _, t := range []struct {
		protocol string
		types    []string
	}{{"TCP", []string{"stream"}}, {"UDP", []string{"dgram"}}, {"SCTP", []string{"stream", "seqpacket", "dgram"}}} {
		for _, ports := range cutPorts(alive, t.protocol) {
			for i, socket := range t.types {
				text := t.protocol
				if i > 0 {
					text = "type " + socket + " " + text
				}
				add(t.protocol, socket, ports, text)
			}
		}
	}
	for _, socket := range []string{"raw", "dgram"} {
		add("", socket, ir.PortRange{}, "type "+socket)
	}
	return out, nil
}

// cutPorts divides the ports of a protocol where some element begins or ends.
func cutPorts(alive []*element, protocol string) []ir.PortRange {
	starts := []int{0}
	for _, e := range alive {
		for _, r := range e.ports[protocol] {
			starts = append(starts, int(r.First), int(r.Last)+1)
		}
		if e.peer != nil && e.peer.Kind == policy.PeerDNS {
			starts = append(starts, 53, 54)
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	var out []ir.PortRange
	for i, first := range starts {
		last := 65535
		if i+1 < len(starts) {
			last = starts[i+1] - 1
		}
		if first <= last {
			out = append(out, ir.PortRange{First: uint16(first), Last: uint16(last)})
		}
	}
	if len(out) > 1 && out[0].First == 0 {
		// Port 0 is nobody's: a better witness comes first.
		if out[0].Last > 0 {
			out[0].First = 1
			out = append(out, ir.PortRange{})
		} else {
			out = append(out[1:], out[0])
		}
	} else if len(out) == 1 {
		out = []ir.PortRange{{First: 1, Last: 65535}, {}}
	}
	return out
}

// kinds settles whether the peer is a pod.
func kinds(alive []*element, f policy.Flow) ([]cell, error) {
	if !isIP(f) {
		return []cell{{set: func(*policy.Flow) {}, has: func(e *element) bool { return e.peer == nil }}}, nil
	}
	kind := func(e *element, kinds ...policy.PeerKind) bool {
		return e.peer == nil || slices.Contains(kinds, e.peer.Kind)
	}
	return []cell{
		{apart: "pod", set: func(f *policy.Flow) { f.Peer.Pod = &policy.Pod{} }, has: func(e *element) bool { return kind(e, policy.PeerPods, policy.PeerDNS) }},
		// An address and a name are settled apart, and either is enough.
		{apart: "outside", set: func(*policy.Flow) {}, has: func(e *element) bool { return kind(e, policy.PeerCIDR, policy.PeerFQDN, policy.PeerDNS) }},
	}, nil
}

func selectsPods(e *element) bool { return e.peer != nil && e.peer.Kind == policy.PeerPods }

// namespaces settles the namespace of a pod, and the label that has its name.
func namespaces(alive []*element, f policy.Flow) ([]cell, error) {
	if f.Peer.Pod == nil {
		return settled(), nil
	}
	var known []string
	for _, e := range alive {
		if !selectsPods(e) {
			continue
		}
		if e.pods.Namespace != "" {
			known = append(known, e.pods.Namespace)
		}
		for _, r := range e.pods.Namespaces.Requirements {
			if r.Key == operation.NamespaceLabel {
				known = append(known, r.Values...)
			}
		}
	}
	slices.Sort(known)
	known = append(slices.Compact(known), unused(known))
	var out []cell
	for i, name := range known {
		text := "in " + name
		if i == len(known)-1 {
			text = "in other namespaces"
			if i == 0 {
				text = ""
			}
		}
		labels := map[string]string{operation.NamespaceLabel: name}
		out = append(out, cell{
			text: text,
			set: func(f *policy.Flow) {
				f.Peer.Pod = &policy.Pod{Labels: f.Peer.Pod.Labels, Namespace: name, NamespaceLabels: labels}
			},
			has: func(e *element) bool {
				if !selectsPods(e) {
					return true
				}
				if e.pods.Namespace != "" {
					return e.pods.Namespace == name
				}
				return meets(e.pods.Namespaces, operation.NamespaceLabel, labels)
			},
		})
	}
	return out, nil
}

// meets says whether labels meet the requirements on one key.
func meets(s policy.Selector, key string, labels map[string]string) bool {
	for _, r := range s.Requirements {
		if r.Key == key && !r.Matches(labels) {
			return false
		}
	}
	return true
}

// unused returns a name that is not among those known.
func unused(known []string) string {
	for _, name := range []string{"other", "another"} {
		if !slices.Contains(known, name) {
			return name
		}
	}
	for i := 2; ; i++ {
		if name := fmt.Sprintf("other-%d", i); !slices.Contains(known, name) {
			return name
		}
	}
}

func podLabels(alive []*element, f policy.Flow) ([]cell, error) {
	return labels(alive, f, "pod ", func(e *element) policy.Selector { return e.pods.Pods },
		func(pod *policy.Pod, labels map[string]string) { pod.Labels = labels })
}

func namespaceLabels(alive []*element, f policy.Flow) ([]cell, error) {
	return labels(alive, f, "of a namespace ", func(e *element) policy.Selector {
		if e.pods.Namespace != "" {
			return policy.Selector{}
		}
		return e.pods.Namespaces
	}, func(pod *policy.Pod, labels map[string]string) {
		pod.NamespaceLabels = maps.Clone(pod.NamespaceLabels)
		maps.Copy(pod.NamespaceLabels, labels)
	})
}

// labels settles the labels of a pod, or of its namespace: all combinations of
// values that requirements name, another one, and none.
func labels(alive []*element, f policy.Flow, what string, of func(*element) policy.Selector, set func(*policy.Pod, map[string]string)) ([]cell, error) {
	if f.Peer.Pod == nil {
		return settled(), nil
	}
	values := map[string][]string{}
	for _, e := range alive {
		if selectsPods(e) {
			for _, r := range of(e).Requirements {
				if r.Key != operation.NamespaceLabel || what == "pod " {
					values[r.Key] = append(values[r.Key], r.Values...)
				}
			}
		}
	}
	combinations := []map[string]string{{}}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		known := values[key]
		slices.Sort(known)
		known = slices.Compact(known)
		known = append(known, unused(known))
		var next []map[string]string
		for _, c := range combinations {
			for _, v := range known {
				with := maps.Clone(c)
				with[key] = v
				next = append(next, with)
			}
			next = append(next, c)
		}
		if combinations = next; len(combinations) > maxCells {
			return nil, fmt.Errorf("labels of peers: %w", automata.ErrBudget)
		}
	}
	var out []cell
	for _, c := range combinations {
		text := ""
		switch {
		case len(values) > 0:
			text = what + printLabels(c)
		case what == "pod ":
			text = "any pod"
		}
		out = append(out, cell{
			text: text,
			set: func(f *policy.Flow) {
				pod := *f.Peer.Pod
				set(&pod, c)
				f.Peer.Pod = &pod
			},
			has: func(e *element) bool {
				if !selectsPods(e) {
					return true
				}
				for _, r := range of(e).Requirements {
					if (r.Key != operation.NamespaceLabel || what == "pod ") && !r.Matches(c) {
						return false
					}
				}
				return true
			},
		})
	}
	return out, nil
}

func printLabels(labels map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, k+"="+labels[k])
	}
	if len(out) == 0 {
		return "{}"
	}
	return strings.Join(out, ",")
}

// addresses settles the address of a peer outside of the cluster. An element of
// a name is not settled by it.
func addresses(alive []*element, f policy.Flow) ([]cell, error) {
	if f.Peer.Pod != nil || !isIP(f) {
		return settled(), nil
	}
	all := netip.MustParsePrefix("0.0.0.0/0")
	if f.Family == "inet6" {
		all = netip.MustParsePrefix("::/0")
	}
	whole := ir.Addresses(prefixes(all), nil)[0]
	starts := []netip.Addr{whole.First}
	for _, e := range alive {
		for _, r := range e.addrs {
			if r.First.Is4() != (f.Family == "inet") {
				continue
			}
			starts = append(starts, r.First)
			if next := r.Last.Next(); next.IsValid() && r.Last != whole.Last {
				starts = append(starts, next)
			}
		}
	}
	slices.SortFunc(starts, netip.Addr.Compare)
	starts = slices.Compact(starts)
	var out []cell
	for i, first := range starts {
		last := whole.Last
		if i+1 < len(starts) {
			last = starts[i+1].Prev()
		}
		out = append(out, cell{
			addrs: ir.AddressSet{{First: first, Last: last}},
			set:   func(f *policy.Flow) { f.Peer.Addr = usual(first, last) },
			has: func(e *element) bool {
				return e.peer == nil || e.peer.Kind != policy.PeerCIDR || e.addrs.Contains(first)
			},
		})
	}
	return out, nil
}

func prefixes(p ...netip.Prefix) []netip.Prefix { return p }

// usual returns an address of the range that reads well: one for documentation
// (RFC 5737, RFC 3849), or the first that is not a network's own.
func usual(first, last netip.Addr) netip.Addr {
	for _, a := range []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")} {
		if a.Is4() == first.Is4() && first.Compare(a) <= 0 && a.Compare(last) <= 0 {
			return a
		}
	}
	if first != last {
		return first.Next()
	}
	return first
}

// names settles which domain names led to the address. Two names are enough:
// of several, one decides on each side.
func names(alive []*element, f policy.Flow) ([]cell, error) {
	if f.Peer.Pod != nil || !isIP(f) {
		return settled(), nil
	}
	var patterns []string
	for _, e := range alive {
		if e.peer != nil && e.peer.Kind == policy.PeerFQDN && !slices.Contains(patterns, e.peer.FQDN) {
			patterns = append(patterns, e.peer.FQDN)
		}
	}
	add := func(out []cell, text string, names []string, matched func(fqdn string) bool) []cell {
		return append(out, cell{
			text: text, set: func(f *policy.Flow) { f.Peer.Names = names },
			has: func(e *element) bool {
				return e.peer == nil || e.peer.Kind != policy.PeerFQDN || matched(e.peer.FQDN)
			},
		})
	}
	out := add(nil, "", nil, func(string) bool { return false })
	if len(patterns) == 0 {
		return out, nil
	}
	known, err := namesOf(patterns)
	if err != nil {
		return nil, err
	}
	for i, a := range known {
		out = add(out, "name "+a.name, []string{a.name}, a.matches)
		for _, b := range known[:i] {
			if len(out) > maxCells {
				return nil, fmt.Errorf("names of peers: %w", automata.ErrBudget)
			}
			out = add(out, "name "+b.name+" name "+a.name, []string{b.name, a.name}, func(p string) bool { return a.matches(p) || b.matches(p) })
		}
	}
	return out, nil
}

// domain is a name, and which patterns it matches.
type domain struct {
	name    string
	labels  automata.Labels
	pattern []string
}

func (d domain) matches(fqdn string) bool { return d.labels.Has(slices.Index(d.pattern, fqdn)) }

// namesOf returns a name for each set of patterns that some name matches. A
// domain name is a path whose components are its labels, and `*` means the same.
func namesOf(patterns []string) ([]domain, error) {
	var rules []automata.Rule
	for i, p := range patterns {
		parts := strings.Split(p, "*")
		for j := range parts {
			parts[j] = strings.ReplaceAll(automata.Escape(parts[j]), ".", "/")
		}
		rules = append(rules, automata.Rule{Glob: mustParse("/" + strings.Join(parts, "*")), Label: i})
	}
	set, err := automata.Compile(rules, automata.Options{})
	if err != nil {
		return nil, fmt.Errorf("names of peers: %w", err)
	}
	d, err := automata.Divide(maxStates, set)
	if err != nil {
		return nil, fmt.Errorf("names of peers: %w", err)
	}
	var out []domain
	for _, c := range d.Cells {
		if !c.Labels[0].Empty() {
			out = append(out, domain{strings.ReplaceAll(strings.TrimPrefix(c.Path, "/"), "/", "."), c.Labels[0], patterns})
		}
	}
	return out, nil
}

// services settles whether the peer is the cluster's DNS service.
func services(alive []*element, f policy.Flow) ([]cell, error) {
	isDNS := func(e *element) bool { return e.peer != nil && e.peer.Kind == policy.PeerDNS }
	out := []cell{{set: func(*policy.Flow) {}, has: func(e *element) bool { return !isDNS(e) }}}
	if slices.ContainsFunc(alive, isDNS) {
		out = append(out, cell{text: "dns", set: func(f *policy.Flow) { f.Peer.ClusterDNS = true }, has: everything})
	}
	return out, nil
}

// describe joins the texts of cells that no element tells apart.
func describe(cells []cell) []string {
	if cells[0].addrs != nil {
		var all ir.AddressSet
		for _, c := range cells {
			all = all.Union(c.addrs)
		}
		return describeAddresses(all)
	}
	if cells[0].ranged {
		return []string{cells[0].text + " " + describePorts(cells)}
	}
	if cells[0].text == "" {
		return nil
	}
	const most = 3
	var texts []string
	for _, c := range cells[:min(most, len(cells))] {
		texts = append(texts, c.text)
	}
	text := strings.Join(texts, " or ")
	if n := len(cells) - most; n > 0 {
		text += fmt.Sprintf(" (or %d more)", n)
	}
	return []string{text}
}

func describePorts(cells []cell) string {
	var ports []policy.Port
	for _, c := range cells {
		ports = append(ports, policy.Port{Protocol: "TCP", Port: max(1, c.ports.First), EndPort: max(1, c.ports.Last)}) // port 0 is nobody's
	}
	var out []string
	for _, r := range ir.Ports(ports)["TCP"] {
		if r.First == r.Last {
			out = append(out, fmt.Sprint(r.First))
		} else {
			out = append(out, fmt.Sprintf("%d-%d", r.First, r.Last))
		}
	}
	return strings.Join(out, ",")
}

// describeAddresses is silent about all addresses of a family.
func describeAddresses(s ir.AddressSet) []string {
	const most = 8
	var out []string
	for _, r := range s {
		out = append(out, cidrs(r.First, r.Last)...)
	}
	if len(out) == 1 && strings.HasSuffix(out[0], "/0") {
		return nil
	}
	text := strings.Join(out[:min(most, len(out))], ",")
	if n := len(out) - most; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return []string{"address " + text}
}

// cidrs writes a range as the fewest prefixes.
func cidrs(first, last netip.Addr) []string {
	var out []string
	for {
		bits := first.BitLen()
		for bits > 0 {
			p := netip.PrefixFrom(first, bits-1).Masked()
			if p.Addr() != first || ir.Addresses(prefixes(p), nil)[0].Last.Compare(last) > 0 {
				break
			}
			bits--
		}
		p := netip.PrefixFrom(first, bits)
		out = append(out, p.String())
		end := ir.Addresses(prefixes(p), nil)[0].Last
		if end == last {
			return out
		}
		first = end.Next()
	}
}
