// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// one is a policy of the namespace shop.
func one(name, labels, spec string) string {
	return fmt.Sprintf("---\napiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: %s, namespace: shop}\nspec:\n  selector: {%s}\n%s", name, labels, spec)
}

func deployment(name, labels, containers string) string {
	return fmt.Sprintf("---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: shop}\nspec: {template: {metadata: {labels: {%s}}, spec: {containers: [%s]}}}\n", name, labels, containers)
}

// TestMeaning: what is found in whole inputs, as "code place" of each finding.
func TestMeaning(t *testing.T) {
	const (
		app    = "matchLabels: {app: web}"
		tier   = "matchLabels: {tier: front}"
		block  = "  process: {default: Block}\n"
		blocks = "  process: {default: Allow, rules: [{name: b, action: Block, paths: [/opt/**]}]}\n"
	)
	paths := func(rules ...string) string {
		return "  process:\n    default: Block\n    rules:\n      - {" + strings.Join(rules, "}\n      - {") + "}\n"
	}
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		// Blocks.
		{"a Block with from shadows only what has the same from", one("a", app, paths(
			`name: b, action: Block, paths: [/opt/**], from: {exe: [/x, /y]}`,
			`name: same, action: Allow, paths: [/opt/a], from: {exe: [/y, /x]}`,
			`name: other, action: Allow, paths: [/opt/b], from: {exe: [/z]}`,
			`name: any, action: Allow, paths: [/opt/c, /x, /y, /z]`)), []string{"AV0302 same"}},
		{"several Blocks shadow together", one("a", app, paths(
			`name: b, action: Block, paths: [/opt/a]`,
			`name: c, action: Block, names: [c]`,
			`name: both, action: Audit, paths: ["/opt/{a,b/c}"]`,
			`name: more, action: Audit, paths: ["/opt/{a,b}"]`)), []string{"AV0302 both"}},
		{"a directory is not below itself", one("a", app, paths(
			`name: b, action: Block, paths: [/opt/**]`,
			`name: below, action: Allow, paths: ["/opt/{x,y}/*.sh"]`,
			`name: itself, action: Allow, paths: [/opt]`)), []string{"AV0302 below"}},
		{"a union of classes", one("a", app, paths(
			`name: b, action: Block, paths: ["/o/[!a]*", "/o/a*"]`,
			`name: all, action: Allow, paths: ["/o/*"]`,
			`name: deeper, action: Allow, paths: ["/o/**"]`)), []string{"AV0302 all"}},
		{"accesses are blocked apart", one("a", app, `
  file:
    default: Audit
    rules:
      - {name: r, action: Block, access: [read], paths: [/a]}
      - {name: w, action: Block, access: [write, create], paths: [/a]}
      - {name: rw, action: Allow, access: [read, write], paths: [/a]}
      - {name: rd, action: Allow, access: [read, delete], paths: [/a]}
`), []string{"AV0302 rw"}},
		{"system and capabilities", one("a", app, `
  capabilities:
    default: Block
    rules: [{name: b, action: Block, names: [KILL, CHOWN]}, {name: k, action: Allow, names: [KILL]}, {name: f, action: Allow, names: [KILL, FOWNER]}]
  system:
    rules: [{name: b, action: Block, operations: [mount]}, {name: m, action: Allow, operations: [mount]}, {name: u, action: Allow, operations: [mount, userns]}]
`), []string{"AV0302 k", "AV0302 m"}},
		{"selectors of peers", one("a", app, `
  network:
    default: Block
    rules:
      - {name: b, action: Block, peers: [{podSelector: {matchLabels: {a: b}}}]}
      - {name: narrower, action: Allow, peers: [{podSelector: {matchLabels: {a: b, c: d}}}], ports: [{port: 80}]}
      - {name: wider, action: Allow, peers: [{podSelector: {}}]}
      - {name: elsewhere, action: Allow, peers: [{podSelector: {matchLabels: {a: b}}, namespaceSelector: {}}]}
`), []string{"AV0302 narrower"}},

		// Rules without effect.
		{"nothing runs", one("a", app, paths(
			`name: b, action: Block, names: [sh]`,
			`name: run, action: Allow, paths: [/bin/sh, /usr/bin/sh, /app]`,
			`name: dead, action: Allow, paths: [/x], from: {exe: [/bin/sh, /usr/bin/sh]}`,
			`name: never, action: Allow, paths: [/y], from: {ancestor: [/none]}`,
			`name: live, action: Allow, paths: [/z], from: {exe: ["/a*"]}`)), []string{"AV0304 /bin/sh", "AV0304 /none"}},
		{"allowed by default", one("a", app, `
  process: {default: Allow, rules: [{name: p, action: Allow, paths: [/a]}]}
  network:
    default: {ingress: Allow, egress: Block}
    rules: [{name: in, action: Allow, direction: Ingress}, {name: out, action: Allow, direction: Egress}, {name: both, action: Allow}]
  capabilities: {default: Allow, rules: [{name: k, action: Allow, names: [KILL]}, {name: a, action: Audit, names: [CHOWN]}]}
`), []string{"AV0304 p", "AV0304 in", "AV0304 k"}},
		{"a Block of process blocks loaders, and an Allow lets one run", one("a", app, `
  process: {default: Allow, rules: [{name: ld, action: Allow, paths: [/usr/lib/ld.so]}, {name: b, action: Block, names: [nc]}]}
`), nil},
		{"another policy's default", deployment("d", "app: web", "{name: c}") + one("a", app, block) + one("b", app, `
  process: {default: Allow, rules: [{name: p, action: Allow, paths: [/a]}]}
`), nil},
		{"a policy in mode Audit is alone", deployment("d", "app: web", "{name: c}") + one("a", app, block) + one("b", app, `
  mode: Audit
  process: {default: Allow, rules: [{name: p, action: Allow, paths: [/a]}]}
`), []string{"AV0304 p"}},
		{"a policy without a section", one("a", app, "  mode: Audit\n"), []string{"AV0304 a"}},

		// Several policies.
		{"other labels may meet", one("a", app, block) + one("b", tier, block), []string{"AV0313 b"}},
		{"one value each", one("a", app, block) + one("b", "matchLabels: {app: db}", block), nil},
		{"excluded", one("a", app, block) + one("b", "matchExpressions: [{key: app, operator: NotIn, values: [web, db]}]", block), nil},
		{"absent", one("a", app, block) + one("b", "matchExpressions: [{key: app, operator: DoesNotExist}]", block), nil},
		{"everything", one("a", app, block) + one("b", "", block) + one("c", tier, block), []string{"AV0313 b", "AV0313 c"}},
		{"other containers", one("a", app, "  containers: [x]\n"+block) + one("b", tier, "  containers: [y]\n"+block), nil},
		{"network adds up", one("a", app, block) + one("b", tier, "  network: {default: Block}\n"), nil},
		{"workloads tell", deployment("d", "app: web", "{name: c}") + deployment("e", "tier: front", "{name: c}") + one("a", app, block) + one("b", tier, block), nil},
		{"workloads tell of a contradiction", deployment("d", "app: web, tier: front", "{name: c}") +
			one("a", app, paths(`name: r, action: Allow, paths: [/opt/a]`)) + one("b", tier, blocks), []string{"AV0305 r"}},
		{"a Block in mode Audit contradicts nothing", deployment("d", "app: web, tier: front", "{name: c}") +
			one("a", app, paths(`name: r, action: Allow, paths: [/opt/a]`)) + one("b", tier, "  mode: Audit\n"+blocks), nil},
		{"a container that there is not", deployment("d", "app: web", "{name: c}") + one("a", app, "  containers: [c, d]\n"+block), []string{"AV0401 a"}},
		{"a selector of nothing", deployment("d", "app: web", "{name: c}") + one("a", tier, block), []string{"AV0401 a"}},

		// What is forgotten.
		{"twins", one("a", app, paths(
			`name: a, action: Allow, paths: [/bin/sh, /usr/bin/sh]`,
			`name: b, action: Allow, paths: ["/{usr/,}bin/sh2", /usr/lib/x, /library]`,
			`name: c, action: Allow, paths: ["/lib64/**"]`,
			`name: d, action: Allow, paths: ["/{bin,usr/sbin}/x"]`)), []string{`AV0306 "/lib64/**"`, `AV0306 "/{bin,usr/sbin}/x"`}},
		{"DNS of another policy", one("a", app, `
  network: {default: Block, rules: [{name: r, action: Allow, direction: Egress, peers: [{fqdn: a.example.com}]}]}
`) + one("b", tier, `
  network: {default: Block, rules: [{name: dns, action: Allow, direction: Egress, peers: [{dns: cluster}]}]}
`), nil},
		{"DNS by address", one("a", app, `
  network: {default: Block, rules: [{name: r, action: Allow, direction: Egress, peers: [{fqdn: a.example.com}]}, {name: d, action: Audit, direction: Egress, ports: [{protocol: UDP, port: 53}]}]}
`), nil},
		{"DNS blocked", one("a", app, `
  network: {default: Block, rules: [{name: r, action: Allow, direction: Egress, peers: [{fqdn: a.example.com}]}, {name: d, action: Block, direction: Egress, peers: [{dns: cluster}]}]}
`), []string{"AV0312 {"}},
		{"DNS by default", one("a", app, `
  network: {default: {ingress: Block, egress: Audit}, rules: [{name: r, action: Audit, direction: Egress, peers: [{fqdn: a.example.com}]}]}
`), nil},

		// The floor.
		{"personality 8 is in the default profile, 7 is not", one("a", app, `
  syscalls: {default: Allow, rules: [{name: p, action: Allow, names: [personality], args: [{index: 0, op: eq, value: 8}]}, {name: q, action: Allow, names: [personality], args: [{index: 0, op: eq, value: 7}]}]}
`), []string{"AV0308 personality"}},
		{"mount needs a capability that some container may have", one("a", app, `
  syscalls: {default: Allow, rules: [{name: p, action: Allow, names: [mount]}]}
`), nil},
		{"mount in a container that has none", deployment("d", "app: web", "{name: c}") + one("a", app, `
  syscalls: {default: Allow, rules: [{name: p, action: Allow, names: [mount]}]}
`), []string{"AV0308 mount"}},
		{"mount in a privileged container", deployment("d", "app: web", "{name: c, securityContext: {privileged: true}}") + one("a", app, `
  syscalls: {default: Allow, rules: [{name: p, action: Allow, names: [mount]}]}
`), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, list := run(map[string][]byte{"a.yaml": []byte(c.text)})
			var got []string
			for _, d := range list.Sorted() {
				got = append(got, string(d.Code)+" "+d.Span.Text())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s\n%s", diff, printed(t, list))
			}
		})
	}
}

// TestPoolsLackTheCall: an architecture's own calls are unknown on the others.
func TestPoolsLackTheCall(t *testing.T) {
	const config = "apiVersion: avert.dev/v1alpha1\nkind: Config\npools: [{name: a, architectures: [arm64]}]\n"
	got := findings(map[string][]byte{
		".avert.yaml": []byte(config),
		"a.yaml":      []byte(policyWith("  syscalls: {default: Allow, rules: [{name: r, action: Block, names: [arch_prctl, arm_fadvise64_64]}]}\n")),
	})
	if got != "AV0204 no pool has the system call arch_prctl" {
		t.Error(got)
	}
}
