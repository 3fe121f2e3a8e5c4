// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"maps"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

var equal = cmp.Options{cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()}

// TestRoundTrip: what String writes, Parse reads, for every operation that
// policies are about.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		op := sample.Operation(ps).Draw(t, "operation")
		if op.Kind == policy.OpNetwork {
			if op.Flow.Family == "" {
				op.Flow.Family = "inet"
			}
			if pod := op.Flow.Peer.Pod; pod != nil {
				pod.NamespaceLabels = maps.Clone(pod.NamespaceLabels)
				pod.NamespaceLabels[operation.NamespaceLabel] = pod.Namespace
			}
		}
		text := operation.String(op)
		got, err := operation.Parse(text, "")
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if d := cmp.Diff(op, got, equal); d != "" {
			t.Fatalf("%s (-want +got):\n%s", text, d)
		}
	})
}

func TestParse(t *testing.T) {
	web := &policy.Pod{Namespace: "shop", Labels: map[string]string{"app": "web"}, NamespaceLabels: map[string]string{operation.NamespaceLabel: "shop"}}
	for text, want := range map[string]policy.Operation{
		"exec /a.sh /bin/sh by /first /current":  {Kind: policy.OpExec, Images: []policy.Object{{Path: "/a.sh"}, {Path: "/bin/sh"}}, Lineage: []string{"/first", "/current"}},
		`  exec "/a b"  by "by"`:                 {Kind: policy.OpExec, Images: []policy.Object{{Path: "/a b"}}, Lineage: []string{"by"}},
		"map anonymous":                          {Kind: policy.OpFile, Access: policy.AccessMap, Object: policy.Object{Class: policy.Anonymous}},
		"rename directory /a to /b existing":     {Kind: policy.OpRename, Object: policy.Object{Path: "/a"}, Target: policy.Object{Path: "/b"}, Directory: true, TargetExists: true},
		"exchange /a with /b":                    {Kind: policy.OpRename, Object: policy.Object{Path: "/a"}, Target: policy.Object{Path: "/b"}, Exchange: true, TargetExists: true},
		"link /a to /b":                          {Kind: policy.OpLink, Object: policy.Object{Path: "/a"}, Target: policy.Object{Path: "/b"}},
		"ingress TCP 80 pod app=web GET /x?y":    {Kind: policy.OpNetwork, Flow: policy.Flow{Direction: policy.Ingress, Family: "inet", Type: "stream", Protocol: "TCP", Port: 80, Peer: policy.Endpoint{Pod: web}, HTTP: &policy.HTTPRequest{Method: "GET", Path: "/x?y"}}},
		"egress UDP 53 dns by /a":                {Kind: policy.OpNetwork, Lineage: []string{"/a"}, Flow: policy.Flow{Direction: policy.Egress, Family: "inet", Type: "dgram", Protocol: "UDP", Port: 53, Peer: policy.Endpoint{ClusterDNS: true}}},
		"egress address 2001:db8::1 name a.test": {Kind: policy.OpNetwork, Flow: policy.Flow{Direction: policy.Egress, Family: "inet6", Type: "raw", Peer: policy.Endpoint{Addr: netip.MustParseAddr("2001:db8::1"), Names: []string{"a.test"}}}},
		"egress family packet type raw":          {Kind: policy.OpNetwork, Flow: policy.Flow{Direction: policy.Egress, Family: "packet", Type: "raw"}},
		"call socket 2 0x3 on arm64":             {Kind: policy.OpSyscall, Syscall: policy.SyscallCall{Arch: "arm64", Name: "socket", Args: [6]uint64{2, 3}}},
		"use CAP_NET_RAW":                        {Kind: policy.OpCapability, Capability: "NET_RAW"},
		"rename /a":                              {Kind: policy.OpFile, Access: policy.AccessRename, Object: policy.Object{Path: "/a"}},
		"use NET_RAW":                            {Kind: policy.OpCapability, Capability: "NET_RAW"},
		"system io_uring":                        {Kind: policy.OpSystem, System: policy.IOUring},
	} {
		got, err := operation.Parse(text, "shop")
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if d := cmp.Diff(want, got, equal); d != "" {
			t.Errorf("%s (-want +got):\n%s", text, d)
		}
	}
}

// TestMistakes: what is wrong is named, and what was probably meant.
func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "an operation is empty; write one such as: exec /usr/bin/id",
		"exce /a":                 `an operation is not "exce"; did you mean exec?`,
		"exec":                    "the image is missing",
		"exec id":                 `the image is an absolute path, and this is "id"`,
		"exec /a by":              "an image of the lineage is missing",
		"exec /a by /b sh":        `an image of the lineage is an absolute path, and this is "sh"`,
		"read /a /b":              `"/b" is one word too many`,
		"rename /a /b":            "the form is: rename A to B",
		"exchange /a to /b":       "the form is: exchange A with B",
		`read "/a`:                "a quotation mark is never closed",
		`read "/a"b`:              `a space is missing after "/a"`,
		"egress TPC 80":           `the path of the request is an absolute path, and this is "80"`,
		"egress tcp 80":           `a part of a flow is not "tcp"; did you mean TCP?`,
		"egress TCP 70000":        `the port is a number of 16 bits, and this is "70000"`,
		"egress address 1.2.3":    `"1.2.3" is no address`,
		"egress pod web":          `the labels of the pod are written key=value,key=value or {}, and this is "web"`,
		"egress family pakcet":    `the family is not "pakcet"; did you mean packet?`,
		"call read 1 2 3 4 5 6 7": "a system call has six arguments",
		"call read x":             `an argument is a number of 64 bits, and this is "x"`,
		"call read on amd46":      `the architecture is not "amd46"; did you mean amd64?`,
		"use CAP_NET_ROW":         `the capability is not "NET_ROW"; did you mean NET_RAW?`,
		"system mont":             `the operation of system is not "mont"; did you mean mount?`,
	} {
		_, err := operation.Parse(text, "shop")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"exec /a by /b", `read "\x00"`, "ingress TCP 80 pod a=b in c d=e GET /", "call a 1 on arm64", "exchange directory /a with /b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		op, err := operation.Parse(text, "n")
		if err != nil {
			return
		}
		again, err := operation.Parse(operation.String(op), "n")
		if err != nil {
			t.Fatalf("%q is written %q: %v", text, operation.String(op), err)
		}
		if d := cmp.Diff(op, again, equal); d != "" {
			t.Fatalf("%q (-first +again):\n%s", text, d)
		}
	})
}
