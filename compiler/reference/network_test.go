// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"net/netip"
	"testing"

	"github.com/avert-dev/avert/compiler/policy"
)

// when makes a network rule of conditions.
func when(name string, action policy.Action, conditions policy.NetworkRule) policy.NetworkRule {
	conditions.Name, conditions.Action = name, action
	return conditions
}

func labels(pairs ...string) *policy.Selector {
	var s policy.Selector
	for i := 0; i < len(pairs); i += 2 {
		s.Requirements = append(s.Requirements, policy.Requirement{Key: pairs[i], Values: pairs[i+1 : i+2]})
	}
	return &s
}

func pod(namespace string, l ...string) policy.Endpoint {
	p := &policy.Pod{Namespace: namespace, Labels: map[string]string{}, NamespaceLabels: map[string]string{"name": namespace}}
	for i := 0; i < len(l); i += 2 {
		p.Labels[l[i]] = l[i+1]
	}
	return policy.Endpoint{Pod: p}
}

func addr(a string, names ...string) policy.Endpoint {
	return policy.Endpoint{Addr: netip.MustParseAddr(a), Names: names}
}

func tcp(from, to uint16) []policy.Port {
	return []policy.Port{{Protocol: "TCP", Port: from, EndPort: to}}
}

func peers(p ...policy.Peer) policy.NetworkRule { return policy.NetworkRule{Peers: p} }

// TestNetwork has a subtest for every sentence of the language about flows.
func TestNetwork(t *testing.T) {
	some := policy.Endpoint{}
	closed := alone(network(block))
	check(t, "replies and loopback pass",
		decision{"reply", closed, flow(policy.Flow{Direction: policy.Ingress, Reply: true}), "Allow"},
		decision{"loopback", closed, flow(policy.Flow{Direction: policy.Egress, Loopback: true}), "Allow"},
		decision{"neither", closed, flow(policy.Flow{Direction: policy.Egress}), "Block a network/default"},
		decision{"a Block rule", alone(network(allow, when("r", block, policy.NetworkRule{}))), flow(policy.Flow{Direction: policy.Egress, Reply: true}), "Allow"},
	)
	split := alone(func(p *policy.Policy) { p.Network = &policy.NetworkSection{Ingress: block, Egress: audit} })
	check(t, "rules judge the direction of the side that initiates",
		decision{"ingress default", split, ingress(80, some), "Block a network/default"},
		decision{"egress default", split, egress(80, some), "Audit a network/default"},
		decision{"a rule for egress", alone(network(block, when("r", allow, policy.NetworkRule{Direction: policy.Egress}))), ingress(80, some), "Block a network/default"},
		decision{"a rule for both", alone(network(block, when("r", allow, policy.NetworkRule{}))), ingress(80, some), "Allow a network/r"},
	)
	check(t, "the default covers INET and INET6, raw and ICMP included",
		decision{"inet", closed, flow(policy.Flow{Direction: policy.Egress, Family: "inet"}), "Block a network/default"},
		decision{"inet6", closed, flow(policy.Flow{Direction: policy.Egress, Family: "inet6"}), "Block a network/default"},
		decision{"raw", closed, flow(policy.Flow{Direction: policy.Egress, Family: "inet", Type: "raw"}), "Block a network/default"},
		decision{"ICMP", closed, flow(policy.Flow{Direction: policy.Egress, Family: "inet", Type: "dgram"}), "Block a network/default"},
	)
	raw := alone(network(block, when("raw", block, policy.NetworkRule{Families: []string{"packet", "vsock"}, Types: []string{"raw"}}),
		when("any", block, policy.NetworkRule{})))
	check(t, "other families only by families",
		decision{"no default", closed, flow(policy.Flow{Family: "netlink", Type: "raw"}), "Allow"},
		decision{"no rule without families", raw, flow(policy.Flow{Family: "netlink", Type: "raw"}), "Allow"},
		decision{"listed", raw, flow(policy.Flow{Family: "vsock", Type: "raw"}), "Block a network/raw"},
		decision{"another type", raw, flow(policy.Flow{Family: "vsock", Type: "stream"}), "Allow"},
		decision{"listed families are no IP", raw, egress(80, some), "Block a network/any"},
		decision{"inet alone", alone(network(allow, when("four", block, policy.NetworkRule{Families: []string{"inet"}}))), flow(policy.Flow{Direction: policy.Egress, Family: "inet6"}), "Allow a network/default"},
	)
	ports := alone(network(block, when("r", allow, policy.NetworkRule{Ports: append(tcp(9000, 9100), policy.Port{Protocol: "SCTP"})})))
	check(t, "ports are ranges of a protocol",
		decision{"below", ports, egress(8999, some), "Block a network/default"},
		decision{"first", ports, egress(9000, some), "Allow a network/r"},
		decision{"last", ports, egress(9100, some), "Allow a network/r"},
		decision{"above", ports, egress(9101, some), "Block a network/default"},
		decision{"another protocol", ports, flow(policy.Flow{Direction: policy.Egress, Protocol: "UDP", Port: 9000}), "Block a network/default"},
		decision{"every port of a protocol", ports, flow(policy.Flow{Direction: policy.Egress, Protocol: "SCTP", Port: 7}), "Allow a network/r"},
		decision{"no protocol", ports, flow(policy.Flow{Direction: policy.Egress}), "Block a network/default"},
	)
	db := alone(network(block, when("r", allow, peers(policy.Peer{Pods: labels("app", "db")}))))
	check(t, "pods without a namespace selector are in the policy's namespace",
		decision{"there", db, egress(80, pod("n", "app", "db")), "Allow a network/r"},
		decision{"elsewhere", db, egress(80, pod("m", "app", "db")), "Block a network/default"},
		decision{"other labels", db, egress(80, pod("n", "app", "web")), "Block a network/default"},
		decision{"an address", db, egress(80, addr("10.0.0.1")), "Block a network/default"},
	)
	teams := alone(network(block,
		when("all of m", allow, peers(policy.Peer{Namespaces: labels("name", "m")})),
		when("db of k", allow, peers(policy.Peer{Namespaces: labels("name", "k"), Pods: labels("app", "db")}))))
	check(t, "a namespace selector names other namespaces",
		decision{"all pods", teams, egress(80, pod("m")), "Allow a network/all of m"},
		decision{"some pods", teams, egress(80, pod("k", "app", "db")), "Allow a network/db of k"},
		decision{"not the others", teams, egress(80, pod("k", "app", "web")), "Block a network/default"},
		decision{"not the own namespace", teams, egress(80, pod("n", "app", "db")), "Block a network/default"},
	)
	lan := alone(network(block, when("lan", allow, peers(policy.Peer{Kind: policy.PeerCIDR,
		CIDR: netip.MustParsePrefix("10.0.0.0/8"), Except: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")}}))))
	check(t, "cidr peers name addresses outside the cluster",
		decision{"in it", lan, egress(80, addr("10.8.255.255")), "Allow a network/lan"},
		decision{"in an exception", lan, egress(80, addr("10.9.0.0")), "Block a network/default"},
		decision{"not in it", lan, egress(80, addr("11.0.0.0")), "Block a network/default"},
		decision{"a pod", lan, egress(80, policy.Endpoint{Pod: &policy.Pod{Namespace: "n"}, Addr: netip.MustParseAddr("10.0.0.1")}), "Block a network/default"},
		decision{"no address", lan, egress(80, some), "Block a network/default"},
	)
	check(t, "an IPv4-mapped IPv6 address is IPv4",
		decision{"in it", lan, egress(80, addr("::ffff:10.8.0.1")), "Allow a network/lan"},
		decision{"in an exception", lan, egress(80, addr("::ffff:10.9.0.1")), "Block a network/default"},
		decision{"in no IPv6 network", alone(network(allow, when("six", block, peers(policy.Peer{Kind: policy.PeerCIDR, CIDR: netip.MustParsePrefix("::/0")})))), egress(80, addr("::ffff:10.8.0.1")), "Allow a network/default"},
	)
	names := func(fqdn string) []*policy.Policy {
		return alone(network(block, when("r", allow, peers(policy.Peer{Kind: policy.PeerFQDN, FQDN: fqdn}))))
	}
	check(t, "fqdn peers are the addresses that a name resolves to",
		decision{"the name", names("api.stripe.com"), egress(443, addr("1.2.3.4", "other.org", "api.stripe.com")), "Allow a network/r"},
		decision{"in other case and with a dot", names("api.stripe.com"), egress(443, addr("1.2.3.4", "API.Stripe.COM.")), "Allow a network/r"},
		decision{"a dot is a dot", names("api.stripe.com"), egress(443, addr("1.2.3.4", "apixstripe.com")), "Block a network/default"},
		decision{"the whole name", names("api.stripe.com"), egress(443, addr("1.2.3.4", "api.stripe.com.evil.org")), "Block a network/default"},
		decision{"a star in a label", names("*.stripe.com"), egress(443, addr("1.2.3.4", "a-b.stripe.com")), "Allow a network/r"},
		decision{"a star is one label", names("*.stripe.com"), egress(443, addr("1.2.3.4", "a.b.stripe.com")), "Block a network/default"},
		decision{"a pod", names("api.stripe.com"), egress(443, policy.Endpoint{Pod: &policy.Pod{}, Names: []string{"api.stripe.com"}}), "Block a network/default"},
	)
	dnsPeer := policy.Peer{Kind: policy.PeerDNS}
	dns := alone(network(block, when("dns", allow, peers(dnsPeer))))
	udp := func(port uint16, peer policy.Endpoint) policy.Operation {
		return flow(policy.Flow{Direction: policy.Egress, Family: "inet", Type: "dgram", Protocol: "UDP", Port: port, Peer: peer})
	}
	server := policy.Endpoint{ClusterDNS: true, Pod: &policy.Pod{Namespace: "kube-system"}}
	check(t, "DNS is allowed by a rule or not at all",
		decision{"UDP 53", dns, udp(53, server), "Allow a network/dns"},
		decision{"TCP 53", dns, egress(53, server), "Allow a network/dns"},
		decision{"another port", dns, udp(9153, server), "Block a network/default"},
		decision{"another protocol", dns, flow(policy.Flow{Direction: policy.Egress, Protocol: "SCTP", Port: 53, Peer: server}), "Block a network/default"},
		decision{"another server", dns, udp(53, addr("8.8.8.8")), "Block a network/default"},
		decision{"other ports by ports", alone(network(block, when("dns", allow, policy.NetworkRule{Peers: []policy.Peer{dnsPeer}, Ports: tcp(9153, 9153)}))), egress(9153, server), "Allow a network/dns"},
		decision{"instead of 53", alone(network(block, when("dns", allow, policy.NetworkRule{Peers: []policy.Peer{dnsPeer}, Ports: tcp(9153, 9153)}))), udp(53, server), "Block a network/default"},
		decision{"for that peer only", alone(network(block, when("r", allow, peers(dnsPeer, policy.Peer{Pods: labels("app", "db")})))), egress(5432, pod("n", "app", "db")), "Allow a network/r"},
		decision{"not implied by a name", names("api.stripe.com"), udp(53, server), "Block a network/default"},
	)
	get := func(method, path string) policy.Operation {
		op := ingress(8080, some)
		op.Flow.HTTP = &policy.HTTPRequest{Method: method, Path: path}
		return op
	}
	http := func(m ...policy.HTTPMatch) []*policy.Policy {
		return alone(network(block, when("r", allow, policy.NetworkRule{HTTP: m, Ports: tcp(8080, 8080)})))
	}
	exact := http(policy.HTTPMatch{Method: "GET", Path: "/api/v1"}, policy.HTTPMatch{Method: "POST", Path: "/submit"})
	check(t, "http.path is exact and anchored, without the query",
		decision{"equal", exact, get("GET", "/api/v1"), "Allow a network/r"},
		decision{"with a query", exact, get("GET", "/api/v1?x=/y"), "Allow a network/r"},
		decision{"longer", exact, get("GET", "/api/v1/x"), "Block a network/default"},
		decision{"in the middle", exact, get("GET", "/x/api/v1"), "Block a network/default"},
		decision{"another method", exact, get("POST", "/api/v1"), "Block a network/default"},
		decision{"another item", exact, get("POST", "/submit"), "Allow a network/r"},
		decision{"no request", exact, ingress(8080, some), "Block a network/default"},
		decision{"no expression", http(policy.HTTPMatch{Path: "/a.b"}), get("GET", "/axb"), "Block a network/default"},
	)
	check(t, "pathPrefix and pathRegex exist",
		decision{"prefix", http(policy.HTTPMatch{PathPrefix: "/api"}), get("PUT", "/api/x"), "Allow a network/r"},
		decision{"no prefix", http(policy.HTTPMatch{PathPrefix: "/api"}), get("PUT", "/x/api"), "Block a network/default"},
		decision{"expression", http(policy.HTTPMatch{PathRegex: "/[0-9]+|/x"}), get("GET", "/12?y"), "Allow a network/r"},
		decision{"anchored at its end", http(policy.HTTPMatch{PathRegex: "/[0-9]+|/x"}), get("GET", "/12y"), "Block a network/default"},
		decision{"anchored at its beginning", http(policy.HTTPMatch{PathRegex: "/[0-9]+|/x"}), get("GET", "/y/x"), "Block a network/default"},
		decision{"anchored whatever its flags", http(policy.HTTPMatch{PathRegex: "(?m)/x$"}), get("GET", "/x\n/y"), "Block a network/default"},
		decision{"method alone", http(policy.HTTPMatch{Method: "GET"}), get("GET", "/any"), "Allow a network/r"},
	)
	check(t, "fields are ANDed",
		decision{"peer and port", alone(network(block, when("r", allow, policy.NetworkRule{Peers: []policy.Peer{{Pods: labels("app", "db")}}, Ports: tcp(5432, 5432)}))), egress(5433, pod("n", "app", "db")), "Block a network/default"},
		decision{"request and port", exact, func() policy.Operation { op := get("GET", "/api/v1"); op.Flow.Port = 80; return op }(), "Block a network/default"},
		decision{"type", alone(network(block, when("r", allow, policy.NetworkRule{Types: []string{"dgram"}}))), egress(80, some), "Block a network/default"},
	)
}
