// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"strings"
	"testing"
)

// request is one expectation: a request and whether the server gets it.
type request struct {
	from   Peer
	method string
	target string
	want   bool
}

const (
	onlyData = "  - {fromEndpoints: [{matchLabels: {app: frontend}}], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{method: GET, path: '/api/v1/data'}]}}]}\n"
	webData  = "  - {fromEndpoints: [{matchLabels: {tier: web}}], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{method: POST, path: '/other'}]}}]}\n"
)

func TestCiliumHTTP(t *testing.T) {
	data := func(want bool) request { return request{frontend, "GET", "/api/v1/data", want} }
	secret := func(want bool) request { return request{frontend, "GET", "/secret", want} }
	tests := []struct {
		name     string
		docs     []string
		requests []request
	}{
		{"no policy", nil, []request{secret(true)}},
		{"the whole path and method match, with the query", []string{cnp("  ingress:\n" + onlyData)}, []request{
			data(true), secret(false),
			{frontend, "POST", "/api/v1/data", false},
			{frontend, "GETX", "/api/v1/data", false},
			{frontend, "get", "/api/v1/data", false},
			{frontend, "GET", "/api/v1/data/", false},
			{frontend, "GET", "/x/api/v1/data", false},
			{frontend, "GET", "/api/v1/data?a=b", false},
			{database, "GET", "/api/v1/data", false},
		}},
		{"an expression that allows a query", []string{cnp(`
  ingress:
  - {fromEndpoints: [{}], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{method: GET|HEAD, path: '^/api/v1\.0/data(\?.*)?'}]}}]}`)}, []request{
			{frontend, "HEAD", "/api/v1.0/data", true},
			{frontend, "GET", "/api/v1.0/data?a=b", true},
			{frontend, "GET", "/api/v1.0/data?", true},
			{frontend, "GET", "/api/v1x0/data", false},
			{frontend, "GET", "/api/v1.0/datax", false},
			{frontend, "POST", "/api/v1.0/data", false},
		}},
		{"an alternation is matched as a whole", []string{cnp("  ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: '/a|/b'}]}}]}]")}, []request{
			{frontend, "GET", "/a", true},
			{frontend, "GET", "/b", true},
			{frontend, "GET", "/a/b", false},
			{frontend, "GET", "/ax", false},
		}},
		{"no HTTP rule in the list matches", []string{cnp("  ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{}]}}]}]")}, []request{
			secret(true),
		}},
		{"an empty list of HTTP rules is L4", []string{cnp("  ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: []}}]}]")}, []request{
			secret(true),
		}},
		{"several selectors of one remote are united", []string{cnp("  ingress:\n" + onlyData + webData)}, []request{
			data(true), secret(false),
			{frontend, "POST", "/other", true},
			{frontend, "GET", "/other", false},
			{foreign, "POST", "/other", false},
		}},
		{"two documents, one selector", []string{cnp("  ingress:\n" + onlyData), cnp("  ingress:\n" + strings.Replace(onlyData, "data", "more", 1))}, []request{
			data(true), secret(false),
			{frontend, "GET", "/api/v1/more", true},
		}},
		{"L4 beside L7, same selector and port", []string{cnp("  ingress:\n" + onlyData + "  - {fromEndpoints: [{matchLabels: {app: frontend}}], toPorts: [{ports: [{port: '80', protocol: TCP}]}]}")}, []request{
			data(true), secret(true),
		}},
		{"L4 beside L7, another selector of the remote", []string{cnp("  ingress:\n" + onlyData + "  - {fromEndpoints: [{matchLabels: {tier: web}}], toPorts: [{ports: [{port: '80', protocol: TCP}]}]}")}, []request{
			data(true), secret(true),
		}},
		{"L4 of everybody beside L7", []string{cnp("  ingress:\n" + onlyData + "  - {toPorts: [{ports: [{port: '80', protocol: TCP}]}]}")}, []request{
			secret(true),
		}},
		{"L4 range beside L7", []string{cnp("  ingress:\n" + onlyData + "  - {toPorts: [{ports: [{port: '1', endPort: 100, protocol: TCP}]}]}")}, []request{
			secret(true),
		}},
		{"L3 beside L7", []string{cnp("  ingress:\n" + onlyData + "  - {fromEndpoints: [{matchLabels: {app: frontend}}]}")}, []request{
			secret(true),
		}},
		{"NetworkPolicy beside CiliumNetworkPolicy", []string{cnp("  ingress:\n" + onlyData), np("  policyTypes: [Ingress]\n  ingress: [{from: [{podSelector: {matchLabels: {app: frontend}}}]}]")}, []request{
			secret(true),
		}},
		{"L4 of other remotes does not matter", []string{cnp("  ingress:\n" + onlyData + "  - {fromEndpoints: [{matchLabels: {app: database}}], toPorts: [{ports: [{port: '80', protocol: TCP}]}]}")}, []request{
			data(true), secret(false),
			{database, "GET", "/secret", true},
		}},
		{"L4 of another port does not matter", []string{cnp("  ingress:\n" + onlyData + "  - {fromEndpoints: [{matchLabels: {app: frontend}}], toPorts: [{ports: [{port: '81', protocol: TCP}, {port: '80', protocol: UDP}]}]}")}, []request{
			data(true), secret(false),
		}},
		{"L7 of a range", []string{cnp("  ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: '70', endPort: 90, protocol: TCP}], rules: {http: [{path: /a}]}}]}]")}, []request{
			{frontend, "GET", "/a", true},
			secret(false),
		}},
		{"deny beside L7", []string{cnp("  ingress:\n" + onlyData + "  ingressDeny: [{fromEndpoints: [{matchLabels: {tier: web}}]}]")}, []request{
			data(false), secret(false),
		}},
		{"without default deny L7 restricts nothing", []string{cnp("  enableDefaultDeny: {ingress: false}\n  ingress:\n" + onlyData)}, []request{
			data(true), secret(true),
			{database, "GET", "/secret", true},
		}},
		{"with default deny by another policy it does", []string{cnp("  enableDefaultDeny: {ingress: false}\n  ingress:\n" + onlyData), cnp("  ingress: [{}]")}, []request{
			data(true), secret(false),
		}},
		{"the node is let in beside L7 as at L4", []string{cnp("  ingress:\n" + onlyData)}, []request{
			{host, "GET", "/secret", true},
		}},
		{"and by L7 rules of its own too", []string{cnp("  ingress: [{fromEntities: [host], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: /a}]}}]}]")}, []request{
			{host, "GET", "/secret", true},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := cilium(t, tt.docs...)
			for _, r := range tt.requests {
				v, err := o.HTTP(Flow{r.from, backend, "TCP", 80}, Request{Method: r.method, Target: r.target, Host: "backend"})
				if err != nil || v.Allowed() != r.want {
					t.Errorf("%s %s from %s: %+v, %v; want %v", r.method, r.target, r.from, v, err, r.want)
				}
			}
		})
	}
}

// Every verdict on a flow that a policy sends through Envoy tells so: nothing
// but HTTP gets through.
func TestCiliumProxies(t *testing.T) {
	o := cilium(t, cnp("  ingress:\n"+onlyData+"  - {fromEndpoints: [{}], toPorts: [{ports: [{port: '80', protocol: TCP}, {port: '81', protocol: TCP}]}]}"))
	for _, tt := range []struct {
		from Peer
		port uint16
		want Proxy
	}{
		{frontend, 80, HTTP},
		{frontend, 81, Direct},
		{database, 80, Direct},
	} {
		v, err := o.Connect(Flow{tt.from, backend, "TCP", tt.port})
		if err != nil || !v.Allowed() || v.Ingress.Proxy != tt.want || v.Egress.Proxy != Direct {
			t.Errorf("%s to port %d: %+v, %v; want ingress through %q", tt.from, tt.port, v, err, tt.want)
		}
	}
}

func TestCiliumHTTPEgressHostAndHeaders(t *testing.T) {
	o := cilium(t, cnp(`
  egress:
  - toEndpoints: [{matchLabels: {app: database}}]
    toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{host: 'db(:80)?', headers: ['X-Key: v', X-Any]}]}}]`))
	with := map[string]string{"x-key": "v", "X-ANY": ""}
	for _, tt := range []struct {
		host   string
		header map[string]string
		want   bool
	}{
		{"db", with, true},
		{"db:80", with, true},
		{"db.evil", with, false},
		{"db", map[string]string{"x-key": "w", "x-any": ""}, false},
		{"db", map[string]string{"x-key": "v"}, false},
	} {
		v, err := o.HTTP(Flow{backend, database, "TCP", 80}, Request{Method: "GET", Target: "/", Host: tt.host, Header: tt.header})
		if err != nil || v.Egress.Allowed != tt.want || !v.Ingress.Allowed {
			t.Errorf("host %s, headers %v: %+v, %v; want %v", tt.host, tt.header, v, err, tt.want)
		}
	}
	if _, err := o.HTTP(Flow{backend, database, "UDP", 80}, Request{}); err == nil {
		t.Error("HTTP over UDP has a verdict")
	}
}
