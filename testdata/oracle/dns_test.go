// SPDX-License-Identifier: Apache-2.0

package oracle

import "testing"

func TestCiliumDNS(t *testing.T) {
	const toDNS = "toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}]"
	rules := func(dns string) string {
		return "  - {" + toDNS + ", toPorts: [{ports: [{port: '53', protocol: ANY}], rules: {dns: [" + dns + "]}}]}\n"
	}
	type query struct {
		name          string
		want, learned bool
	}
	tests := []struct {
		name    string
		doc     string
		queries []query
	}{
		{"default deny", cnp("  egress: [{}]"), []query{{"a.b", false, false}}},
		{"at L4 alone nothing is learned", cnp("  egress:\n  - {" + toDNS + ", toPorts: [{ports: [{port: '53', protocol: ANY}]}]}"), []query{{"a.b", true, false}}},
		{"every name", cnp("  egress:\n" + rules("{matchPattern: '*'}")), []query{{"a.b", true, true}, {"a.b.", true, true}}},
		{"one name", cnp("  egress:\n" + rules("{matchName: Api.Stripe.com}")), []query{
			{"api.stripe.com", true, true},
			{"API.stripe.com.", true, true},
			{"x.api.stripe.com", false, false},
			{"apixstripe.com", false, false},
			{"api.stripe.com.shop.svc.cluster.local", false, false},
		}},
		{"patterns", cnp("  egress:\n" + rules("{matchPattern: '*.stripe.com'}, {matchPattern: '**.example.com'}")), []query{
			{"api.stripe.com", true, true},
			{"a.b.stripe.com", false, false},
			{"stripe.com", false, false},
			{"a.b.example.com", true, true},
			{"example.com", false, false},
		}},
		{"united over selectors", cnp("  egress:\n" + rules("{matchName: a.b}") + "  - {toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system}}], toPorts: [{ports: [{port: '53', protocol: UDP}], rules: {dns: [{matchName: c.d}]}}]}"), []query{
			{"a.b", true, true},
			{"c.d", true, true},
			{"e.f", false, false},
		}},
		{"L4 of the same port opens it, and all is learned", cnp("  egress:\n" + rules("{matchName: a.b}") + "  - {toEntities: [all], toPorts: [{ports: [{port: '53', protocol: UDP}]}]}"), []query{
			{"e.f", true, true},
		}},
		{"L4 of all ports does not open it", cnp("  egress:\n" + rules("{matchName: a.b}") + "  - {toEntities: [all]}"), []query{
			{"a.b", true, true},
			{"e.f", false, false},
		}},
		{"nor does a rule of port 0, or of a range", cnp("  egress:\n" + rules("{matchName: a.b}") + "  - {toEntities: [all], toPorts: [{ports: [{port: '0', protocol: UDP}, {port: '53', endPort: 54, protocol: UDP}]}]}"), []query{
			{"a.b", true, true},
			{"e.f", false, false},
		}},
		{"rules for other servers say nothing", cnp("  egress:\n" + rules("{matchName: a.b}") + "  - {toEndpoints: [{}], toPorts: [{ports: [{port: '53', protocol: UDP}], rules: {dns: [{matchName: e.f}]}}]}"), []query{
			{"a.b", true, true},
			{"e.f", false, false},
		}},
		{"a deny closes it", cnp("  egress:\n" + rules("{matchName: a.b}") + "  egressDeny: [{toPorts: [{ports: [{port: '53', protocol: UDP}]}]}]"), []query{
			{"a.b", false, false},
		}},
		{"without default deny all names are allowed, and learned", cnp("  enableDefaultDeny: {egress: false}\n  egress:\n" + rules("{matchName: a.b}")), []query{
			{"e.f", true, true},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := cilium(t, tt.doc)
			for _, q := range tt.queries {
				v, err := o.DNS(Flow{backend, dnsPod, "UDP", 53}, q.name)
				if err != nil || v.Allowed() != q.want || v.Learned != q.learned {
					t.Errorf("%s: %+v, %v; want allowed %v, learned %v", q.name, v, err, q.want, q.learned)
				}
			}
		})
	}
}

// What is sent through a proxy has to speak its protocol.
func TestCiliumWrongProtocol(t *testing.T) {
	o := cilium(t, cnp(`
  egress:
  - {toEntities: [all], toPorts: [{ports: [{port: '53', protocol: TCP}], rules: {dns: [{matchPattern: '*'}]}}]}
  - {toEntities: [all], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{}]}}]}`))
	web, err := o.HTTP(Flow{backend, dnsPod, "TCP", 53}, Request{Method: "GET", Target: "/"})
	if err != nil || web.Allowed() {
		t.Errorf("HTTP through the DNS proxy: %+v, %v", web, err)
	}
	name, err := o.DNS(Flow{backend, dnsPod, "TCP", 80}, "a.b")
	if err != nil || name.Allowed() || name.Learned {
		t.Errorf("DNS through Envoy: %+v, %v", name, err)
	}
}
