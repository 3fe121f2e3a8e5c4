// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"net/netip"
	"testing"
)

// shop is the cluster of the tests.
func shop() Cluster {
	pod := func(ns, name, ip string, labels ...string) Pod {
		m := map[string]string{"app": name}
		for i := 0; i < len(labels); i += 2 {
			m[labels[i]] = labels[i+1]
		}
		return Pod{Namespace: ns, Name: name, Labels: m, IP: netip.MustParseAddr(ip)}
	}
	return Cluster{
		Namespaces: map[string]map[string]string{
			"shop":        {"team": "shop"},
			"other":       {"team": "ops"},
			"kube-system": nil,
		},
		Pods: []Pod{
			pod("shop", "backend", "10.244.0.1"),
			pod("shop", "frontend", "10.244.0.2", "tier", "web"),
			pod("shop", "database", "10.244.0.3", "tier", "data", "pod-template-hash", "5d4f"),
			pod("other", "frontend", "10.244.1.2", "tier", "web"),
			pod("kube-system", "dns", "10.244.2.1", "k8s-app", "kube-dns"),
		},
		Names: map[string][]netip.Addr{
			"api.stripe.com": {netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.2")},
			"example.com":    {netip.MustParseAddr("198.51.100.2")},
		},
	}
}

var (
	backend  = PodPeer("shop", "backend")
	frontend = PodPeer("shop", "frontend")
	database = PodPeer("shop", "database")
	foreign  = PodPeer("other", "frontend")
	dnsPod   = PodPeer("kube-system", "dns")
	stripe   = addr("198.51.100.1")
	shared   = addr("198.51.100.2")
	world    = addr("203.0.113.7")
	world6   = addr("2001:db8::7")
	lan      = addr("10.1.2.3")
	hole     = addr("10.9.2.3")
	host     = EntityPeer(Host)
)

func addr(s string) Peer { return Address(netip.MustParseAddr(s)) }

func parse(t *testing.T, docs ...string) Documents {
	t.Helper()
	var streams [][]byte
	for _, d := range docs {
		streams = append(streams, []byte(d))
	}
	parsed, err := Parse(streams...)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func cilium(t *testing.T, docs ...string) *Cilium {
	t.Helper()
	o, err := NewCilium(shop(), parse(t, docs...))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// cnp is a CiliumNetworkPolicy in namespace shop on the backend pod.
func cnp(spec string) string {
	return `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: backend}}
` + spec + "\n"
}

// np is a NetworkPolicy in namespace shop on the backend pod.
func np(spec string) string {
	return `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: shop}
spec:
  podSelector: {matchLabels: {app: backend}}
` + spec + "\n"
}

// flow is one expectation: a flow and whether it comes about.
type flow struct {
	from, to Peer
	protocol string
	port     uint16
	want     bool
}

func (f flow) flow() Flow { return Flow{f.from, f.to, f.protocol, f.port} }

// checkFlows judges the flows and cross-checks each with Cilium's own LookupFlow.
func checkFlows(t *testing.T, o *Cilium, flows []flow) {
	t.Helper()
	for _, f := range flows {
		v, err := o.Connect(f.flow())
		if err != nil {
			t.Errorf("%s: %v", f.flow(), err)
			continue
		}
		if v.Allowed() != f.want {
			t.Errorf("%s: allowed = %v (%+v), want %v", f.flow(), v.Allowed(), v, f.want)
		}
		if own := lookupFlow(t, o, f.flow()); own != v.Allowed() {
			t.Errorf("%s: allowed = %v, LookupFlow says %v", f.flow(), v.Allowed(), own)
		}
	}
}
