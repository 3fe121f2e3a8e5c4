// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"strings"
	"testing"

	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

// lookupFlow is Cilium's own answer, with all of its own plumbing.
func lookupFlow(t *testing.T, o *Cilium, f Flow) bool {
	t.Helper()
	from, err := o.ids.of(f.From)
	if err != nil {
		t.Fatal(err)
	}
	to, err := o.ids.of(f.To)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := u8proto.ParseProtocol(f.Protocol)
	if err != nil {
		t.Fatal(err)
	}
	v, _, _, err := policy.LookupFlow(quiet, o.repo, o.idmgr, types.Flow{From: from, To: to, Proto: transport, Dport: f.Port})
	if err != nil {
		t.Fatal(err)
	}
	// What is outside has no policy: LookupFlow would ask the host's or world's.
	egress := f.From.pod == "" || v.Egress == types.DecisionAllowed
	ingress := f.To.pod == "" || v.Ingress == types.DecisionAllowed
	return egress && ingress
}

func TestCiliumConnect(t *testing.T) {
	tests := []struct {
		name  string
		docs  []string
		flows []flow
	}{
		{"no policy", nil, []flow{
			{frontend, backend, "TCP", 80, true},
			{backend, world, "UDP", 53, true},
			{world, backend, "ICMP", 8, true},
		}},
		{"an empty rule matches nothing: default deny of its direction alone", []string{cnp("  ingress: [{}]")}, []flow{
			{frontend, backend, "TCP", 80, false},
			{world, backend, "TCP", 80, false},
			{host, backend, "TCP", 80, true},
			{EntityPeer(RemoteNode), backend, "TCP", 80, false},
			{backend, frontend, "TCP", 80, true},
			{frontend, database, "TCP", 80, true},
		}},
		{"default deny of both", []string{cnp("  ingress: [{}]\n  egress: [{}]")}, []flow{
			{frontend, backend, "TCP", 80, false},
			{backend, frontend, "TCP", 80, false},
			{backend, world, "UDP", 53, false},
			{backend, host, "TCP", 80, false},
			{backend, world, "ICMP", 8, false},
		}},
		{"an empty list of peers is nobody", []string{cnp("  ingress: [{fromEndpoints: [], toPorts: [{ports: [{port: '80', protocol: TCP}]}]}]")}, []flow{
			{frontend, backend, "TCP", 80, false},
		}},
		{"no list of peers is everybody", []string{cnp("  ingress: [{toPorts: [{ports: [{port: '80', protocol: TCP}]}]}]")}, []flow{
			{frontend, backend, "TCP", 80, true},
			{foreign, backend, "TCP", 80, true},
			{world, backend, "TCP", 80, true},
			{world6, backend, "TCP", 80, true},
			{EntityPeer(RemoteNode), backend, "TCP", 80, true},
			{frontend, backend, "TCP", 81, false},
			{frontend, backend, "UDP", 80, false},
		}},
		{"the empty endpoint selector is the policy's namespace", []string{cnp("  ingress: [{fromEndpoints: [{}]}]")}, []flow{
			{frontend, backend, "TCP", 80, true},
			{database, backend, "UDP", 9, true},
			{foreign, backend, "TCP", 80, false},
			{world, backend, "TCP", 80, false},
		}},
		{"the endpoint selector is narrowed to the policy's namespace", []string{cnp("  ingress: [{fromEndpoints: [{matchLabels: {app: frontend}}]}]")}, []flow{
			{frontend, backend, "TCP", 80, true},
			{foreign, backend, "TCP", 80, false},
		}},
		{"by the namespace's name", []string{cnp("  ingress: [{fromEndpoints: [{matchLabels: {app: frontend, 'k8s:io.kubernetes.pod.namespace': other}}]}]")}, []flow{
			{frontend, backend, "TCP", 80, false},
			{foreign, backend, "TCP", 80, true},
		}},
		{"by the namespace's labels", []string{cnp("  ingress: [{fromEndpoints: [{matchLabels: {'k8s:io.cilium.k8s.namespace.labels.team': ops}}]}]")}, []flow{
			{frontend, backend, "TCP", 80, false},
			{foreign, backend, "TCP", 80, true},
			{dnsPod, backend, "TCP", 80, false},
		}},
		{"by the label that the API server gives a namespace", []string{cnp("  ingress: [{fromEndpoints: [{matchExpressions: [{key: 'k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name', operator: In, values: [other, kube-system]}]}]}]")}, []flow{
			{frontend, backend, "TCP", 80, false},
			{foreign, backend, "TCP", 80, true},
			{dnsPod, backend, "TCP", 80, true},
		}},
		{"all pods of all namespaces", []string{cnp("  ingress: [{fromEndpoints: [{matchExpressions: [{key: 'k8s:io.kubernetes.pod.namespace', operator: Exists}]}]}]")}, []flow{
			{frontend, backend, "TCP", 80, true},
			{foreign, backend, "TCP", 80, true},
			{world, backend, "TCP", 80, false},
			{EntityPeer(RemoteNode), backend, "TCP", 80, false},
		}},
		{"NotIn and DoesNotExist match what lacks the label", []string{cnp(`
  ingress:
  - fromEndpoints: [{matchExpressions: [{key: tier, operator: NotIn, values: [web]}]}]
    toPorts: [{ports: [{port: '80', protocol: TCP}]}]
  - fromEndpoints: [{matchExpressions: [{key: tier, operator: DoesNotExist}]}]
    toPorts: [{ports: [{port: '81', protocol: TCP}]}]`)}, []flow{
			{database, backend, "TCP", 80, true},
			{backend, backend, "TCP", 80, true},
			{frontend, backend, "TCP", 80, false},
			{database, backend, "TCP", 81, false},
			{backend, backend, "TCP", 81, true},
			{world, backend, "TCP", 81, false},
		}},
		{"a label outside the identity selects nobody", []string{cnp("  ingress: [{fromEndpoints: [{matchLabels: {pod-template-hash: 5d4f}}]}]")}, []flow{
			{database, backend, "TCP", 80, false},
		}},
		{"port ranges, with both ends; 0 is all; ANY is not ICMP", []string{cnp(`
  egress:
  - toEndpoints: [{matchLabels: {app: database}}]
    toPorts: [{ports: [{port: '9000', endPort: 9100, protocol: TCP}, {port: '53', protocol: ANY}]}]
  - toEndpoints: [{matchLabels: {app: frontend}}]
    toPorts: [{ports: [{port: '0', protocol: ANY}]}]`)}, []flow{
			{backend, database, "TCP", 8999, false},
			{backend, database, "TCP", 9000, true},
			{backend, database, "TCP", 9050, true},
			{backend, database, "TCP", 9100, true},
			{backend, database, "TCP", 9101, false},
			{backend, database, "UDP", 9050, false},
			{backend, database, "UDP", 53, true},
			{backend, database, "SCTP", 53, true},
			{backend, frontend, "TCP", 65535, true},
			{backend, frontend, "ICMP", 8, false},
		}},
		{"a rule without ports is about ICMP too", []string{cnp("  egress: [{toEndpoints: [{matchLabels: {app: database}}]}]")}, []flow{
			{backend, database, "ICMP", 8, true},
			{backend, frontend, "ICMP", 8, false},
		}},
		{"icmps", []string{cnp("  egress: [{toEndpoints: [{matchLabels: {app: database}}], icmps: [{fields: [{family: IPv4, type: 8}, {family: IPv6, type: 128}]}]}]")}, []flow{
			{backend, database, "ICMP", 8, true},
			{backend, database, "ICMP", 13, false},
			{backend, database, "ICMPv6", 128, true},
			{backend, database, "TCP", 8, false},
		}},
		{"CIDR with except", []string{cnp("  egress: [{toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.9.0.0/16]}], toPorts: [{ports: [{port: '9000', protocol: TCP}]}]}]")}, []flow{
			{backend, lan, "TCP", 9000, true},
			{backend, hole, "TCP", 9000, false},
			{backend, world, "TCP", 9000, false},
			{backend, database, "TCP", 9000, false}, // 10.244.0.3, but a pod
			{backend, lan, "TCP", 9001, false},
		}},
		{"a prefix within the hole of another rule", []string{cnp("  egress: [{toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.9.0.0/16]}, {cidr: 10.9.2.0/24}]}]")}, []flow{
			{backend, lan, "TCP", 9000, true},
			{backend, hole, "TCP", 9000, true},
			{backend, addr("10.9.3.1"), "TCP", 9000, false},
		}},
		{"all of IPv4 is no pod, no node and no IPv6", []string{cnp("  egress: [{toCIDR: [0.0.0.0/0]}]")}, []flow{
			{backend, world, "TCP", 443, true},
			{backend, lan, "TCP", 443, true},
			{backend, addr("::ffff:203.0.113.7"), "TCP", 443, true},
			{backend, world6, "TCP", 443, false},
			{backend, database, "TCP", 443, false},
			{backend, host, "TCP", 443, false},
			{backend, EntityPeer(APIServer), "TCP", 443, false},
		}},
		{"entities", []string{cnp("  egress: [{toEntities: [kube-apiserver]}, {toEntities: [world], toPorts: [{ports: [{port: '443', protocol: TCP}]}]}]")}, []flow{
			{backend, EntityPeer(APIServer), "TCP", 6443, true},
			{backend, world, "TCP", 443, true},
			{backend, world6, "TCP", 443, true},
			{backend, stripe, "TCP", 443, true},
			{backend, world, "TCP", 80, false},
			{backend, database, "TCP", 443, false},
			{backend, host, "TCP", 6443, false},
		}},
		{"all and cluster", []string{cnp(`
  egress:
  - {toEntities: [all], toPorts: [{ports: [{port: '1', protocol: TCP}]}]}
  - {toEntities: [cluster], toPorts: [{ports: [{port: '2', protocol: TCP}]}]}`)}, []flow{
			{backend, world, "TCP", 1, true},
			{backend, foreign, "TCP", 1, true},
			{backend, host, "TCP", 1, true},
			{backend, world, "TCP", 2, false},
			{backend, foreign, "TCP", 2, true},
			{backend, host, "TCP", 2, true},
		}},
		{"deny wins, wherever it stands", []string{cnp(`
  ingress: [{fromEntities: [all]}]
  ingressDeny: [{fromEndpoints: [{matchLabels: {app: frontend}}], toPorts: [{ports: [{port: '80', protocol: TCP}]}]}]`)}, []flow{
			{frontend, backend, "TCP", 80, false},
			{frontend, backend, "TCP", 81, true},
			{database, backend, "TCP", 80, true},
		}},
		{"a narrow allow does not weaken a broad deny", []string{cnp(`
  egress: [{toCIDR: [10.1.2.3/32], toPorts: [{ports: [{port: '443', protocol: TCP}]}]}]
  egressDeny: [{toCIDR: [10.0.0.0/8]}]`)}, []flow{
			{backend, lan, "TCP", 443, false},
		}},
		{"deny without a peer", []string{cnp("  enableDefaultDeny: {egress: false}\n  egressDeny: [{toPorts: [{ports: [{port: '25', protocol: TCP}]}]}]")}, []flow{
			{backend, world, "TCP", 25, false},
			{backend, database, "TCP", 25, false},
			{backend, world, "TCP", 26, true},
		}},
		{"an empty deny rule denies nothing", []string{cnp("  enableDefaultDeny: {egress: false}\n  egressDeny: [{}]")}, []flow{
			{backend, world, "TCP", 25, true},
		}},
		{"deny of the host beats allow-localhost", []string{cnp("  ingressDeny: [{fromEntities: [host]}]")}, []flow{
			{host, backend, "TCP", 80, false},
		}},
		{"without enableDefaultDeny only denies act", []string{cnp(`
  enableDefaultDeny: {ingress: false, egress: false}
  egress: [{toEndpoints: [{matchLabels: {app: database}}]}]
  egressDeny: [{toCIDR: [10.0.0.0/8]}]`)}, []flow{
			{backend, world, "TCP", 443, true},
			{backend, frontend, "TCP", 443, true},
			{backend, lan, "TCP", 443, false},
			{frontend, backend, "TCP", 443, true},
		}},
		{"one rule with default deny is enough", []string{
			cnp("  enableDefaultDeny: {egress: false}\n  egressDeny: [{toCIDR: [10.0.0.0/8]}]"),
			cnp("  egress: [{toEndpoints: [{matchLabels: {app: database}}]}]"),
		}, []flow{
			{backend, database, "TCP", 443, true},
			{backend, world, "TCP", 443, false},
		}},
		{"default deny of a direction without rules is ignored", []string{cnp("  enableDefaultDeny: {ingress: true, egress: true}\n  egress: [{}]")}, []flow{
			{frontend, backend, "TCP", 443, true},
			{backend, world, "TCP", 443, false},
		}},
		{"names", []string{cnp("  egress: [{toFQDNs: [{matchName: api.stripe.com}], toPorts: [{ports: [{port: '443', protocol: TCP}]}]}]")}, []flow{
			{backend, stripe, "TCP", 443, true},
			{backend, shared, "TCP", 443, true}, // also an address of example.com
			{backend, world, "TCP", 443, false},
			{backend, stripe, "TCP", 80, false},
		}},
		{"a pattern, which the shared address matches by either name", []string{cnp("  egress: [{toFQDNs: [{matchPattern: 'ex*.com'}]}]")}, []flow{
			{backend, stripe, "TCP", 443, false},
			{backend, shared, "TCP", 443, true},
		}},
		{"an address with a name is still in its prefix", []string{cnp("  egress: [{toFQDNs: [{matchName: api.stripe.com}]}]\n  egressDeny: [{toCIDR: [198.51.100.0/24]}]")}, []flow{
			{backend, stripe, "TCP", 443, false},
		}},
		{"NetworkPolicy in Cilium", []string{np(`
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: frontend}}, namespaceSelector: {matchLabels: {team: ops}}}, {ipBlock: {cidr: 10.0.0.0/8, except: [10.9.0.0/16]}}], ports: [{port: 8080, endPort: 8090}]}]`)}, []flow{
			{foreign, backend, "TCP", 8080, true},
			{foreign, backend, "TCP", 8091, false},
			{frontend, backend, "TCP", 8080, false},
			{lan, backend, "TCP", 8085, true},
			{hole, backend, "TCP", 8085, false},
			{backend, frontend, "TCP", 8080, false},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkFlows(t, cilium(t, tt.docs...), tt.flows) })
	}
}

func TestCiliumRefuses(t *testing.T) {
	forty := strings.Repeat("{port: '80', protocol: TCP}, ", 40)
	tests := []struct{ name, doc, want string }{
		{"unknown field", cnp("  ingres: [{}]"), "unknown field"},
		{"unknown field in a selector", cnp("  ingress: [{fromEndpoints: [{matchLabel: {app: a}}]}]"), "unknown"},
		{"unknown field in a rule", cnp("  ingress: [{fromEndpoint: [{}]}]"), "unknown field"},
		{"duplicate field", cnp("  ingress: [{}]\n  ingress: [{}]"), "already set"},
		{"no rules", cnp(""), "Required value"},
		{"absent rules", cnp("  ingress: []\n  egress: []"), "at least one of"},
		{"two kinds of peer", cnp("  egress: [{toCIDR: [10.0.0.0/8], toEndpoints: [{}]}]"), "combining"},
		{"except outside", cnp("  egress: [{toCIDRSet: [{cidr: 10.0.0.0/8, except: [11.0.0.0/8]}]}]"), "does not contain"},
		{"41 ports", cnp("  ingress: [{toPorts: [{ports: [" + forty + "{port: '81', protocol: TCP}]}]}]"), "40"},
		{"no such port", cnp("  ingress: [{toPorts: [{ports: [{port: '80800', protocol: TCP}]}]}]"), "port"},
		{"HTTP on UDP", cnp("  ingress: [{toPorts: [{ports: [{port: '80', protocol: UDP}], rules: {http: [{}]}}]}]"), "TCP"},
		{"HTTP on ANY", cnp("  ingress: [{toPorts: [{ports: [{port: '80'}], rules: {http: [{}]}}]}]"), "TCP"},
		{"HTTP on port 0", cnp("  ingress: [{toPorts: [{ports: [{port: '0', protocol: TCP}], rules: {http: [{}]}}]}]"), "port is 0"},
		{"HTTP in a deny", cnp("  ingressDeny: [{toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{}]}}]}]"), "unknown field"},
		{"bad expression", cnp("  ingress: [{toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: '/a['}]}}]}]"), "missing closing"},
		{"an expression that Envoy refuses", cnp("  ingress: [{toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: '/" + strings.Repeat("a", 100) + "'}]}}]}]"), "program size"},
		{"DNS on ingress", cnp("  ingress: [{toPorts: [{ports: [{port: '53', protocol: UDP}], rules: {dns: [{matchName: a.b}]}}]}]"), "not"},
		{"DNS range of one", cnp("  egress: [{toPorts: [{ports: [{port: '53', endPort: 53, protocol: UDP}], rules: {dns: [{matchName: a.b}]}}]}]"), "endPort"},
		{"bad host", cnp("  ingress: [{toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{host: 'a['}]}}]}]"), "missing closing"},
		{"DNS range", cnp("  egress: [{toPorts: [{ports: [{port: '53', endPort: 54, protocol: UDP}], rules: {dns: [{matchName: a.b}]}}]}]"), "ranges"},
		{"HTTP and DNS", cnp("  egress: [{toPorts: [{ports: [{port: '53', protocol: TCP}], rules: {http: [{}], dns: [{matchName: a.b}]}}]}]"), "oneOf"},
		{"HTTP and DNS for one port", cnp(`
  egress:
  - {toEndpoints: [{}], toPorts: [{ports: [{port: '53', protocol: TCP}], rules: {http: [{}]}}]}
  - {toCIDR: [10.0.0.0/8], toPorts: [{ports: [{port: '53', protocol: TCP}], rules: {dns: [{matchName: a.b}]}}]}`), "both"},
		{"ICMP beside ports", cnp("  egress: [{icmps: [{fields: [{type: 8}]}], toPorts: [{ports: [{port: '53', protocol: UDP}]}]}]"), "ICMPs"},
		{"bad name", cnp("  egress: [{toFQDNs: [{matchName: 'bad name!'}]}]"), "matchName"},
		{"names in a deny", cnp("  egressDeny: [{toFQDNs: [{matchName: a.b}]}]"), "unknown field"},
		{"listener, which the oracle does not know", cnp("  egress: [{toPorts: [{ports: [{port: '443', protocol: TCP}], serverNames: [a.b]}]}]"), "oracle"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			docs, err := Parse([]byte(tt.doc))
			if err == nil {
				_, err = NewCilium(shop(), docs)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// What the cluster does not have gets no verdict.
func TestCiliumUnknownPeers(t *testing.T) {
	o := cilium(t)
	for _, f := range []Flow{
		{backend, PodPeer("shop", "nobody"), "TCP", 80},
		{PodPeer("shop", "nobody"), backend, "TCP", 80},
		{backend, EntityPeer("moon"), "TCP", 80},
		{backend, Peer{}, "TCP", 80},
		{backend, world, "TCPX", 80},
		{backend, world, "ANY", 80},
		{backend, world, "TCP", 0},
	} {
		if v, err := o.Connect(f); err == nil {
			t.Errorf("%s: %+v, want an error", f, v)
		}
		if v, err := o.DNS(f, "a.b"); err == nil {
			t.Errorf("%s: %+v, want an error", f, v)
		}
	}
}
