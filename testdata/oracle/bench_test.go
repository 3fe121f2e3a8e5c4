// SPDX-License-Identifier: Apache-2.0

package oracle

import "testing"

const benchPolicy = "  ingress:\n" + onlyData + webData + "  egress: [{toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.9.0.0/16]}], toPorts: [{ports: [{port: '9000', endPort: 9100, protocol: TCP}]}]}]"

func BenchmarkNewCilium(b *testing.B) {
	docs, err := Parse([]byte(cnp(benchPolicy)))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := NewCilium(shop(), docs); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHTTP(b *testing.B) {
	docs, err := Parse([]byte(cnp(benchPolicy)))
	if err != nil {
		b.Fatal(err)
	}
	o, err := NewCilium(shop(), docs)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := o.HTTP(Flow{frontend, backend, "TCP", 80}, Request{Method: "GET", Target: "/api/v1/data"}); err != nil {
			b.Fatal(err)
		}
	}
}
