// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
)

func (l *Layer) network(s State, f policy.Flow) policy.Verdict {
	t := l.Network
	if t == nil || f.Loopback || f.Reply {
		return policy.Verdict{}
	}
	if f.Family == "" {
		f.Family = "inet"
	}
	v, _, ok := choose(len(t.Rules),
		func(i int) Source { return t.Rules[i].Source },
		func(i int) bool { return l.Lineage.Holds(t.Rules[i].Cond, s) && t.Rules[i].Matches(f) })
	switch {
	case ok:
		return v
	case f.Family != "inet" && f.Family != "inet6":
		return policy.Verdict{}
	case f.Direction == policy.Ingress:
		return byDefault(&t.Ingress)
	}
	return byDefault(&t.Egress)
}

// Matches says whether the flow meets the rule's conditions but the lineage.
func (r *NetworkRule) Matches(f policy.Flow) bool {
	if !r.Direction.Includes(f.Direction) || !slices.Contains(r.Families, f.Family) || len(r.Types) > 0 && !slices.Contains(r.Types, f.Type) {
		return false
	}
	return r.reaches(f) && r.requests(f.HTTP)
}

// reaches compares peer and port. Only the DNS service implies ports.
func (r *NetworkRule) reaches(f policy.Flow) bool {
	port := r.AnyPort || r.Ports.Contains(f.Protocol, f.Port)
	if r.AnyPeer {
		return port
	}
	if r.ClusterDNS && f.Peer.ClusterDNS {
		dns := f.Port == 53 && (f.Protocol == "UDP" || f.Protocol == "TCP")
		if r.AnyPort && dns || !r.AnyPort && port {
			return true
		}
	}
	return port && r.selects(f.Peer)
}

func (r *NetworkRule) selects(peer policy.Endpoint) bool {
	if peer.Pod != nil {
		return slices.ContainsFunc(r.Pods, func(s PodSet) bool { return s.Contains(peer.Pod) })
	}
	if peer.Addr.IsValid() && r.Addresses.Contains(peer.Addr) {
		return true
	}
	for _, name := range peer.Names {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		for _, re := range r.Names {
			if re.MatchString(name) {
				return true
			}
		}
	}
	return false
}

func (r *NetworkRule) requests(req *policy.HTTPRequest) bool {
	if len(r.HTTP) == 0 {
		return true
	}
	if req == nil {
		return false
	}
	path, _, _ := strings.Cut(req.Path, "?")
	return slices.ContainsFunc(r.HTTP, func(h HTTPSet) bool {
		return (h.Method == "" || h.Method == req.Method) && (h.Path == nil || h.Path.MatchString(path))
	})
}
