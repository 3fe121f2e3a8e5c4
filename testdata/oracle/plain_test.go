// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"strings"
	"testing"
)

func plain(t *testing.T, docs ...string) *NetworkPolicies {
	t.Helper()
	n, err := NewNetworkPolicies(shop(), parse(t, docs...))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// plainTests hold in cyclonus and in Cilium alike.
var plainTests = []struct {
	name  string
	docs  []string
	flows []flow
}{
	{"no policy", nil, []flow{{frontend, backend, "TCP", 80, true}}},
	{"default deny of ingress", []string{np("  policyTypes: [Ingress]")}, []flow{
		{frontend, backend, "TCP", 80, false},
		{world, backend, "TCP", 80, false},
		{backend, frontend, "TCP", 80, true},
	}},
	{"default deny of both", []string{np("  policyTypes: [Ingress, Egress]")}, []flow{
		{frontend, backend, "TCP", 80, false},
		{backend, frontend, "TCP", 80, false},
		{backend, world, "UDP", 53, false},
	}},
	{"an empty rule allows all", []string{np("  policyTypes: [Ingress]\n  ingress: [{}]")}, []flow{
		{frontend, backend, "TCP", 80, true},
		{world, backend, "UDP", 80, true},
	}},
	{"pods of this namespace", []string{np("  policyTypes: [Ingress]\n  ingress: [{from: [{podSelector: {matchLabels: {app: frontend}}}]}]")}, []flow{
		{frontend, backend, "TCP", 80, true},
		{foreign, backend, "TCP", 80, false},
		{database, backend, "TCP", 80, false},
	}},
	{"all pods of this namespace, and of all", []string{np(`
  policyTypes: [Ingress]
  ingress:
  - {from: [{podSelector: {}}], ports: [{port: 80}]}
  - {from: [{namespaceSelector: {}}], ports: [{port: 81, protocol: UDP}]}`)}, []flow{
		{frontend, backend, "TCP", 80, true},
		{foreign, backend, "TCP", 80, false},
		{world, backend, "TCP", 80, false},
		{foreign, backend, "UDP", 81, true},
		{world, backend, "UDP", 81, false},
	}},
	{"namespace by label and by name, with pods", []string{np(`
  policyTypes: [Ingress]
  ingress:
  - {from: [{namespaceSelector: {matchLabels: {team: ops}}, podSelector: {matchLabels: {app: frontend}}}], ports: [{port: 80}]}
  - {from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [kube-system]}]}}], ports: [{port: 81}]}`)}, []flow{
		{foreign, backend, "TCP", 80, true},
		{frontend, backend, "TCP", 80, false},
		{dnsPod, backend, "TCP", 81, true},
		{foreign, backend, "TCP", 81, false},
	}},
	{"NotIn and DoesNotExist match what lacks the label", []string{np(`
  policyTypes: [Ingress]
  ingress:
  - {from: [{podSelector: {matchExpressions: [{key: tier, operator: NotIn, values: [web]}]}}], ports: [{port: 80}]}
  - {from: [{podSelector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}}], ports: [{port: 81}]}
  - {from: [{podSelector: {matchLabels: {tier: ''}}}], ports: [{port: 82}]}`)}, []flow{
		{database, backend, "TCP", 80, true},
		{backend, backend, "TCP", 80, true},
		{frontend, backend, "TCP", 80, false},
		{database, backend, "TCP", 81, false},
		{backend, backend, "TCP", 81, true},
		{backend, backend, "TCP", 82, false},
	}},
	{"ports", []string{np("  policyTypes: [Egress]\n  egress: [{to: [{podSelector: {}}], ports: [{port: 9000, endPort: 9100}, {port: 53, protocol: UDP}, {protocol: SCTP}]}]")}, []flow{
		{backend, database, "TCP", 8999, false},
		{backend, database, "TCP", 9000, true},
		{backend, database, "TCP", 9100, true},
		{backend, database, "TCP", 9101, false},
		{backend, database, "UDP", 53, true},
		{backend, database, "TCP", 53, false},
		{backend, database, "SCTP", 7, true},
	}},
	{"ipBlock with except, outside the cluster", []string{np("  policyTypes: [Egress]\n  egress: [{to: [{ipBlock: {cidr: 10.0.0.0/12, except: [10.9.0.0/16]}}], ports: [{port: 443}]}]")}, []flow{
		{backend, lan, "TCP", 443, true},
		{backend, hole, "TCP", 443, false},
		{backend, world, "TCP", 443, false},
		{backend, world6, "TCP", 443, false},
	}},
	{"policies add up", []string{
		np("  policyTypes: [Ingress]\n  ingress: [{from: [{podSelector: {matchLabels: {app: frontend}}}]}]"),
		np("  policyTypes: [Ingress]\n  ingress: [{ports: [{port: 9090}]}]"),
	}, []flow{
		{frontend, backend, "TCP", 80, true},
		{world, backend, "TCP", 9090, true},
		{world, backend, "TCP", 80, false},
	}},
	{"both sides have a say", []string{
		np("  policyTypes: [Ingress]\n  ingress: [{from: [{podSelector: {}}]}]"),
		strings.Replace(np("  policyTypes: [Egress]"), "app: backend", "app: frontend", 1),
	}, []flow{
		{frontend, backend, "TCP", 80, false},
		{database, backend, "TCP", 80, true},
	}},
}

func TestNetworkPolicies(t *testing.T) {
	for _, tt := range plainTests {
		t.Run(tt.name, func(t *testing.T) {
			n := plain(t, tt.docs...)
			for _, f := range tt.flows {
				v, err := n.Connect(f.flow())
				if err != nil || v.Allowed() != f.want {
					t.Errorf("%s: %+v, %v; want %v", f.flow(), v, err, f.want)
				}
			}
			checkFlows(t, cilium(t, tt.docs...), tt.flows)
		})
	}
}

func TestNetworkPoliciesDisagreement(t *testing.T) {
	for _, tt := range []struct {
		name          string
		doc           string
		flow          Flow
		plain, cilium bool
	}{
		{"an egress block under policyTypes [Ingress]",
			np("  policyTypes: [Ingress]\n  egress: [{to: [{podSelector: {matchLabels: {app: database}}}]}]"),
			Flow{backend, world, "TCP", 443}, true, false},
		{"an ipBlock around a pod's address",
			np("  policyTypes: [Egress]\n  egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]"),
			Flow{backend, database, "TCP", 443}, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := plain(t, tt.doc).Connect(tt.flow)
			if err != nil || p.Allowed() != tt.plain {
				t.Errorf("cyclonus: %+v, %v; want %v", p, err, tt.plain)
			}
			c, err := cilium(t, tt.doc).Connect(tt.flow)
			if err != nil || c.Allowed() != tt.cilium {
				t.Errorf("Cilium: %+v, %v; want %v", c, err, tt.cilium)
			}
		})
	}
}

func TestNetworkPoliciesRefuse(t *testing.T) {
	tests := []struct{ name, spec, want string }{
		{"unknown field", "  policyTypes: [Ingress]\n  ingres: [{}]", "unknown field"},
		{"duplicate field", "  policyTypes: [Ingress]\n  policyTypes: [Egress]", "already set"},
		{"no types", "", "policyTypes"},
		{"unknown type", "  policyTypes: [Both]", "Both"},
		{"type twice", "  policyTypes: [Ingress, Ingress]", "twice"},
		{"empty peer", "  policyTypes: [Ingress]\n  ingress: [{from: [{}]}]", "empty"},
		{"ipBlock and selector", "  policyTypes: [Ingress]\n  ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]", "beside"},
		{"not a CIDR", "  policyTypes: [Ingress]\n  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0}}]}]", "10.0.0.0"},
		{"host bits", "  policyTypes: [Ingress]\n  ingress: [{from: [{ipBlock: {cidr: 10.0.0.1/8}}]}]", "host bits"},
		{"except outside", "  policyTypes: [Ingress]\n  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]", "within"},
		{"except of all", "  policyTypes: [Ingress]\n  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}]}]", "within"},
		{"endPort alone", "  policyTypes: [Ingress]\n  ingress: [{ports: [{endPort: 80}]}]", "endPort"},
		{"endPort below", "  policyTypes: [Ingress]\n  ingress: [{ports: [{port: 81, endPort: 80}]}]", "endPort"},
		{"port 0", "  policyTypes: [Ingress]\n  ingress: [{ports: [{port: 0}]}]", "port 0"},
		{"protocol", "  policyTypes: [Ingress]\n  ingress: [{ports: [{protocol: ICMP}]}]", "ICMP"},
		{"operator", "  policyTypes: [Ingress]\n  ingress: [{from: [{podSelector: {matchExpressions: [{key: a, operator: Is}]}}]}]", "operator"},
		{"label", "  policyTypes: [Ingress]\n  ingress: [{from: [{podSelector: {matchLabels: {a: 'b c'}}}]}]", "valid label"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse([]byte(np(tt.spec))); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestNetworkPoliciesUnknownFlows(t *testing.T) {
	n := plain(t)
	for _, f := range []Flow{
		{host, backend, "TCP", 80},
		{PodPeer("shop", "nobody"), backend, "TCP", 80},
		{frontend, backend, "ICMP", 8},
		{frontend, backend, "TCP", 0},
	} {
		if v, err := n.Connect(f); err == nil {
			t.Errorf("%s: %+v, want an error", f, v)
		}
	}
}
