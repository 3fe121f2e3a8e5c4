// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/platform"
)

// findings lists "code message" of what is found in a policy of one section.
func findings(files map[string][]byte) string {
	_, list := run(files)
	var out []string
	for _, d := range list.Sorted() {
		out = append(out, string(d.Code)+" "+d.Message)
	}
	return strings.Join(out, "\n")
}

// TestValues: one rule each; "" wants nothing found.
func TestValues(t *testing.T) {
	const action = "name: r, action: Allow, "
	egress := func(peer string) string {
		return "direction: Egress, ports: [{port: 443}, {protocol: UDP, port: 53}], peers: [" + peer + "]"
	}
	for _, c := range []struct{ section, rule, want string }{
		{"process", `names: ["[", a+b, c=d, "x,y"]`, ""},
		{"process", `names: [..]`, "AV0203"},
		{"process", `names: ["a\0b"]`, "AV0203"},
		{"process", `names: ["{a,b}"]`, "AV0203"},
		{"process", `paths: ["/a/\\*"]`, ""},
		{"process", `paths: ["/a/./b"]`, "AV0203"},
		{"process", `anonymous: true`, ""},
		{"process", `anonymous: false`, "AV0103"},
		{"process", `paths: []`, "AV0102"},
		{"process", `paths: [/a, /a]`, "AV0303"},
		{"process", `paths: [/a], from: {parent: [b]}`, "AV0203"},
		{"process", `paths: [/a], from: {exe: []}`, "AV0102"},
		{"process", `paths: [/a], quiet: false`, ""},
		{"process", `paths: [/a], quiet: "true"`, "AV0102"},
		{"process", `paths: [~]`, "AV0102"},
		{"file", `access: [map], names: [x.so]`, ""},
		{"file", `access: [exec], names: [x.so]`, "AV0202"},
		{"network", egress("{fqdn: API.Example.com.}, {dns: cluster}"), ""},
		{"network", egress("{fqdn: '*.*.example.com'}, {dns: cluster}"), ""},
		{"network", egress("{fqdn: _sip.example.com}, {dns: cluster}"), ""},
		{"network", egress("{fqdn: localhost}, {dns: cluster}"), "AV0209"},
		{"network", egress("{fqdn: -a.example.com}, {dns: cluster}"), "AV0209"},
		{"network", egress("{fqdn: a..example.com}, {dns: cluster}"), "AV0209"},
		{"network", egress("{fqdn: 10.0.0.1}, {dns: cluster}"), "AV0209"},
		{"network", egress("{fqdn: '" + strings.Repeat("a.", 130) + "b'}, {dns: cluster}"), "AV0209"},
		{"network", `peers: [{fqdn: a.example.com}]`, "AV0105"},
		{"network", egress("{cidr: '::ffff:10.0.0.0/104'}"), ""},
		{"network", egress("{cidr: '::/0', except: ['fd00::/8']}"), ""},
		{"network", egress("{cidr: 'fe80::1%eth0/64'}"), "AV0207"},
		{"network", egress("{cidr: 10.0.0.0/8, except: [10.0.0.0/8]}"), "AV0207"},
		{"network", egress("{cidr: 10.0.0.0/8, except: [0.0.0.0/0]}"), "AV0207"},
		{"network", egress("{cidr: 10.0.0.0/8, except: ['fd00::/8']}"), "AV0207"},
		{"network", egress("{cidr: 10.0.0.0/8, except: [10.0.0.0/9, 10.128.0.0/9]}"), "AV0304"},
		{"network", egress("{except: [10.0.0.0/9]}"), "AV0103"},
		{"network", egress("{podSelector: {}, except: [10.0.0.0/9]}"), "AV0105"},
		{"network", egress("{podSelector: {}, namespaceSelector: {matchLabels: {a.b/c: ''}}}"), ""},
		{"network", egress("{podSelector: {matchLabels: {a_/c: d}}}"), "AV0211"},
		{"network", egress("{podSelector: {matchLabels: {a: -d}}}"), "AV0211"},
		{"network", egress("{podSelector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: NotIn, values: [b]}]}}"), "AV0304"},
		{"network", egress("{dns: other}"), "AV0202"},
		{"network", `ports: [{}]`, ""},
		{"network", `ports: [{port: 1, endPort: 65535, protocol: SCTP}]`, ""},
		{"network", `ports: [{port: 65536}]`, "AV0206"},
		{"network", `ports: [{endPort: 1}]`, "AV0206"},
		{"network", `ports: [{port: 80}], http: [{}]`, ""},
		{"network", `ports: [{port: 80}], http: [{path: /a%20b, method: PATCH}]`, ""},
		{"network", `ports: [{port: 80}], http: [{path: "/a b"}]`, "AV0208"},
		{"network", `ports: [{port: 80}], http: [{pathPrefix: "/a/*"}]`, "AV0208"},
		{"network", `ports: [{port: 80}], http: [{pathRegex: "/a/(?=b)"}]`, "AV0208"},
		{"network", `ports: [{port: 80}], http: [{pathRegex: "/a/[0-9]+"}]`, ""},
		{"network", `http: [{}]`, "AV0208"},
		{"network", `ports: [{protocol: UDP, port: 80}], http: [{}]`, "AV0208"},
		{"network", `ports: [{}], http: [{}]`, "AV0208"},
		{"network", `ports: [{port: 80}], http: [{}], families: [inet]`, "AV0105"},
		{"network", `ports: [{port: 80}], http: [{}], types: [stream]`, "AV0105"},
		{"network", `families: [unix, netlink], types: [raw, dgram]`, ""},
		{"network", `families: [file, local]`, "AV0303"},
		{"network", `families: [packet], ports: [{port: 80}]`, "AV0105"},
		{"network", `families: [packet], direction: Ingress`, "AV0105"},
		{"network", `types: [stream], ports: [{protocol: UDP}]`, "AV0304"},
		{"syscalls", `names: [arm_fadvise64_64]`, ""},
		{"syscalls", `names: [NR_read]`, "AV0204"},
		{"syscalls", `names: [read], errno: EPERM`, "AV0105"},
		{"syscalls", `names: [read], errno: 1`, "AV0102"},
		{"syscalls", `names: [read], args: [{index: 0, op: eq, value: 0xffffffffffffffff}]`, ""},
		{"syscalls", `names: [read], args: [{index: 0, op: gt, value: 0xffffffffffffffff}]`, "AV0210"},
		{"syscalls", `names: [read], args: [{index: 0, op: eq, value: 0x10000000000000000}]`, "AV0102"},
		{"syscalls", `names: [read], args: [{index: 0, op: eq, value: 1, mask: 1}]`, "AV0105"},
		{"syscalls", `names: [read], args: [{index: 0, op: maskedEq, value: 1}]`, "AV0103"},
		{"syscalls", `names: [read], args: [{index: 0, op: eq, value: "1"}]`, "AV0102"},
		{"syscalls", `names: [read], from: {exe: [/a]}`, "AV0101"},
		{"capabilities", `names: [NET_RAW], from: {exe: [/a]}`, ""},
		{"capabilities", `names: [net_raw]`, "AV0205"},
		{"capabilities", `names: [ALL]`, "AV0205"},
	} {
		got := findings(map[string][]byte{"a.yaml": []byte(policyWith("  " + c.section + ":\n    default: Block\n    rules:\n      - {" + action + c.rule + "}\n"))})
		if code, _, _ := strings.Cut(got, " "); code != c.want || strings.Contains(got, "\n") {
			t.Errorf("%s {%s}: want %q, found %q", c.section, c.rule, c.want, got)
		}
	}
}

func TestNames(t *testing.T) {
	for name, mended := range map[string]string{
		"a": "a", "a-1": "a-1", "0": "0",
		"A_b.c": "a-b-c", "-a-": "a", "ä": "", "": "", strings.Repeat("a", 64): "",
	} {
		if got := mendLabel(name); got != mended || isLabel(name) != (name == mended && name != "") {
			t.Errorf("%q becomes %q", name, got)
		}
	}
}

func TestAccepts(t *testing.T) {
	policy := func(accept string) map[string][]byte {
		return map[string][]byte{"a.yaml": []byte(policyWith(`
  process: {default: Block, rules: [{name: a, action: Allow, paths: [/a]}]}
  syscalls: {default: Allow, base: None}
  system: {rules: [{name: s, action: Allow, operations: [mount]}]}
  accept: [{rule: "` + accept + `", reason: tested}]
`))}
	}
	for accept, want := range map[string]string{
		"process/a": "", "process/default": "", "process/*": "", "syscalls/base": "", "system/*": "", "system/s": "", "system/default": "",
		"process/b": "AV0309", "file/*": "AV0309", "process": "AV0309", "process/": "AV0309", "*": "AV0309",
	} {
		if got := findings(policy(accept)); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: want %q, found %q", accept, want, got)
		}
	}
}

func TestConfig(t *testing.T) {
	pools := func(text string) ([]*platform.Pool, string) {
		list := &diag.List{}
		got := Config(diag.NewFile(".avert.yaml", []byte("apiVersion: avert.dev/v1alpha1\nkind: Config\n"+text)), list)
		return got, printed(t, list)
	}
	got, found := pools(`
targets: [seccomp, cilium]
pools:
  - {name: arm, architectures: [arm64], kernel: 5.10.1-generic, kubernetes: "1.30.2", cni: {name: cilium, version: "1.16", dns: {namespace: dns, matchLabels: {app: coredns}}}, lsm: [selinux], selinux: {toolchain: "3.8"}, runtime: {name: cri-o, version: "1.31"}}
  - {name: rest, targets: [networkpolicy]}
`)
	if found != "" {
		t.Fatal(found)
	}
	rest := defaultPool()
	rest.Name, rest.Targets = "rest", []string{"networkpolicy"}
	want := []*platform.Pool{
		{
			Name: "arm", Kernel: linux.KernelVersion{Major: 5, Minor: 10, Patch: 1}, LSMs: []string{"selinux"}, Architectures: []linux.Arch{"arm64"},
			Kubernetes: platform.Version{Major: 1, Minor: 30, Patch: 2}, Targets: []string{"cilium", "seccomp"},
			CNI:     platform.CNI{Name: "cilium", Version: platform.Version{Major: 1, Minor: 16}, DNSNamespace: "dns", DNSLabels: map[string]string{"app": "coredns"}},
			Runtime: platform.Runtime{Name: "cri-o", Version: platform.Version{Major: 1, Minor: 31}},
			SELinux: platform.SELinux{Toolchain: platform.Version{Major: 3, Minor: 8}},
		},
		rest,
	}
	spans := map[string]string{"cilium": "cilium", "seccomp": "seccomp", "networkpolicy": "networkpolicy"}
	for _, p := range got {
		for i, at := range p.TargetSpans {
			if at.Text() != spans[p.Targets[i]] {
				t.Errorf("%s is at %q", p.Targets[i], at.Text())
			}
		}
		p.TargetSpans, p.Span = nil, diag.Span{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	if got, found := pools("targets: [seccomp]"); found != "" || len(got) != 1 || got[0].Name != "default" || got[0].Targets[0] != "seccomp" {
		t.Errorf("without pools: %+v %s", got, found)
	}
	for text, want := range map[string]string{
		"pools: [{name: A}]":                                "AV0201",
		"pools: [{name: a}, {name: a}]":                     "AV0301",
		"pools: [{kernel: \"6.1\"}]":                        "AV0103",
		"pools: [{name: a, kernel: 6.1}]":                   "AV0102",
		"pools: [{name: a, kernel: \"six\"}]":               "AV0213",
		"pools: [{name: a, lsm: [armor]}]":                  "AV0202",
		"pools: [{name: a, cni: {name: calicoo}}]":          "AV0202",
		"pools: [{name: a, architectures: [x86_64]}]":       "AV0202",
		"targets: [seccomp, seccomp]":                       "AV0303",
		"---\napiVersion: avert.dev/v1alpha1\nkind: Config": "AV0104",
	} {
		if got, found := pools(text); !strings.Contains(found, "["+want+"]") || len(got) == 0 {
			t.Errorf("%s: want %s, found %s", text, want, found)
		}
	}
	list := &diag.List{}
	if got := Config(diag.NewFile(".avert.yaml", nil), list); len(got) != 1 || list.HasErrors() {
		t.Errorf("an empty configuration: %v", printed(t, list))
	}
}
