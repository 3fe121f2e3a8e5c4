// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
)

// decideNetwork decides a connection, datagram or request.
//
// Rule: replies and loopback pass. The default covers INET and INET6, raw and
// ICMP included; another family is allowed unless a rule lists it.
func decideNetwork(ps Policies, lineage []string, flow policy.Flow) policy.Verdict {
	if flow.Loopback || flow.Reply {
		return policy.Verdict{}
	}
	if flow.Family == "" {
		flow.Family = "inet"
	}
	var defaults []stated
	var matching []match
	for _, p := range ps {
		if p.Network == nil {
			continue
		}
		defaults = append(defaults, stated{p, p.Network.Default(flow.Direction), p.Network.DefaultSpan})
		for i := range p.Network.Rules {
			r := &p.Network.Rules[i]
			if comesFrom(r.From, lineage) && coversFlow(p.Namespace, r, flow) {
				matching = append(matching, match{policy: p, rule: &r.Rule})
			}
		}
	}
	otherwise := strictest(policy.Network, defaults)
	if !isIP(flow.Family) {
		otherwise = policy.Verdict{}
	}
	return weigh(matching, otherwise)
}

func isIP(family string) bool { return family == "inet" || family == "inet6" }

// coversFlow says whether every field of the rule that is given matches.
func coversFlow(namespace string, r *policy.NetworkRule, flow policy.Flow) bool {
	return r.Direction.Includes(flow.Direction) &&
		coversFamily(r.Families, flow.Family) &&
		(len(r.Types) == 0 || slices.Contains(r.Types, flow.Type)) &&
		(len(r.Ports) == 0 || slices.ContainsFunc(r.Ports, func(p policy.Port) bool { return coversPort(p, flow) })) &&
		(len(r.Peers) == 0 || slices.ContainsFunc(r.Peers, func(p policy.Peer) bool { return coversPeer(namespace, r, p, flow) })) &&
		(len(r.HTTP) == 0 || flow.HTTP != nil &&
			slices.ContainsFunc(r.HTTP, func(m policy.HTTPMatch) bool { return coversRequest(m, *flow.HTTP) }))
}

// coversFamily: a rule without families is about INET and INET6.
func coversFamily(families []string, family string) bool {
	if len(families) == 0 {
		return isIP(family)
	}
	return slices.Contains(families, family)
}

// coversPort: the destination port is in the range; port 0 is every port of
// the protocol.
func coversPort(p policy.Port, flow policy.Flow) bool {
	return p.Protocol == flow.Protocol && (p.Port == 0 || p.Port <= flow.Port && flow.Port <= p.EndPort)
}

// coversPeer: pods are named by their labels and never by an address or a
// name, which are for peers outside of the cluster.
func coversPeer(namespace string, r *policy.NetworkRule, p policy.Peer, flow policy.Flow) bool {
	peer := flow.Peer
	switch p.Kind {
	case policy.PeerPods:
		return peer.Pod != nil && coversPod(namespace, p, *peer.Pod)
	case policy.PeerCIDR:
		return peer.Pod == nil && coversAddress(p, peer.Addr)
	case policy.PeerFQDN:
		return peer.Pod == nil && slices.ContainsFunc(peer.Names, func(name string) bool { return coversName(p.FQDN, name) })
	case policy.PeerDNS:
		return peer.ClusterDNS && (len(r.Ports) > 0 || isDNS(flow))
	}
	return false
}

// coversPod: without a namespace selector the peer is in the policy's own
// namespace; without a pod selector it is any pod there.
func coversPod(namespace string, p policy.Peer, pod policy.Pod) bool {
	inNamespace := pod.Namespace == namespace
	if p.Namespaces != nil {
		inNamespace = p.Namespaces.Matches(pod.NamespaceLabels)
	}
	return inNamespace && (p.Pods == nil || p.Pods.Matches(pod.Labels))
}

// coversAddress: in the network and in no exception. An IPv4-mapped IPv6
// address is IPv4.
func coversAddress(p policy.Peer, addr netip.Addr) bool {
	addr = addr.Unmap()
	return p.CIDR.Contains(addr) && !slices.ContainsFunc(p.Except, func(e netip.Prefix) bool { return e.Contains(addr) })
}

// coversName: names have no case and may end in a dot; a star is a run of
// characters of one label.
func coversName(fqdn, name string) bool {
	expression := strings.ReplaceAll(regexp.QuoteMeta(fqdn), `\*`, `[^.]*`)
	return matchWhole(expression, strings.ToLower(strings.TrimSuffix(name, ".")))
}

// isDNS: a rule that names the cluster's DNS and no ports means port 53 of UDP
// and TCP there.
func isDNS(flow policy.Flow) bool {
	return (flow.Protocol == "UDP" || flow.Protocol == "TCP") && flow.Port == 53
}

// coversRequest: the method is equal, and the path without its query is equal,
// begins so, or matches the expression as a whole.
func coversRequest(m policy.HTTPMatch, request policy.HTTPRequest) bool {
	path, _, _ := strings.Cut(request.Path, "?")
	return (m.Method == "" || m.Method == request.Method) &&
		(m.Path == "" || m.Path == path) &&
		strings.HasPrefix(path, m.PathPrefix) &&
		(m.PathRegex == "" || matchWhole(m.PathRegex, path))
}

// matchWhole says whether a RE2 expression matches all of s. An invalid one
// matches nothing.
func matchWhole(expression, s string) bool {
	re, err := regexp.Compile(`\A(?:` + expression + `)\z`)
	return err == nil && re.MatchString(s)
}
