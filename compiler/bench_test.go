// SPDX-License-Identifier: Apache-2.0

package compiler_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
)

// onePolicy is a policy of ordinary size and the workload that it selects.
func onePolicy(i int) string {
	return fmt.Sprintf(`apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: service-%[1]d, namespace: ns-%[2]d}
spec:
  selector: {matchLabels: {app: service-%[1]d}}
  process:
    default: Block
    rules:
      - {name: runtime, action: Allow, paths: [/usr/local/bin/service-%[1]d, "/opt/service/**"]}
      - {name: probe, action: Audit, paths: ["/{usr/,}bin/{sh,dash,busybox}"], from: {exe: [/usr/local/bin/service-%[1]d]}}
      - {name: tools, action: Block, names: [nc, ncat, socat, curl, wget]}
  file:
    default: Allow
    rules:
      - {name: frozen, action: Block, access: [write, create, delete, rename, link, setattr], paths: ["/etc/**", "/usr/**"]}
      - {name: token, action: Block, access: [read], paths: ["/run/secrets/kubernetes.io/**"]}
  network:
    default: Block
    rules:
      - name: from-frontend
        action: Allow
        direction: Ingress
        peers: [{podSelector: {matchLabels: {app: frontend-%[1]d}}}]
        ports: [{protocol: TCP, port: 8080}]
      - {name: dns, action: Allow, direction: Egress, peers: [{dns: cluster}]}
      - {name: lan, action: Allow, direction: Egress, peers: [{cidr: 10.0.0.0/8, except: [10.9.0.0/16]}], ports: [{protocol: TCP, port: 9000, endPort: 9100}]}
  syscalls:
    default: Allow
    rules:
      - {name: trace, action: Block, names: [ptrace, process_vm_readv], errno: EPERM}
  capabilities:
    default: Block
    rules: [{name: bind, action: Allow, names: [NET_BIND_SERVICE]}]
  accept:
    - {rule: process/*, reason: held on the nodes by another tool}
    - {rule: file/*, reason: held on the nodes by another tool}
    - {rule: system/*, reason: held on the nodes by another tool}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: service-%[1]d, namespace: ns-%[2]d}
spec:
  selector: {matchLabels: {app: service-%[1]d}}
  template:
    metadata: {labels: {app: service-%[1]d}}
    spec:
      containers: [{name: app, image: example}]
`, i, i%50)
}

func inputs(n int) compiler.Input {
	var in compiler.Input
	for i := range n {
		in.Files = append(in.Files, diag.NewFile(fmt.Sprintf("policies/%05d.yaml", i), []byte(onePolicy(i))))
	}
	return in
}

func mustCompile(b testing.TB, in compiler.Input) *compiler.Result {
	r := compiler.Compile(in)
	if r.HasErrors() || len(r.Files) == 0 {
		var s strings.Builder
		diag.Printer{}.Print(&s, r.Findings[:min(len(r.Findings), 5)])
		b.Fatalf("%d findings, %d files\n%s", len(r.Findings), len(r.Files), s.String())
	}
	return r
}

// BenchmarkPolicies compiles policies for every target of the default pool; the
// time per policy must not depend on their number.
func BenchmarkPolicies(b *testing.B) {
	for _, n := range []int{1, 100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			var before, after runtime.MemStats
			for b.Loop() {
				b.StopTimer()
				in := inputs(n)
				runtime.GC()
				runtime.ReadMemStats(&before)
				b.StartTimer()
				mustCompile(b, in)
				b.StopTimer()
				runtime.ReadMemStats(&after)
				b.StartTimer()
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "policies/s")
			b.ReportMetric(float64(after.Sys)/(1<<20), "MiB-from-system")
		})
	}
}

// mixedGlobs draws 60 % exact paths, 25 % directories and 15 % patterns with
// wildcards inside, of about 71 bytes.
func mixedGlobs(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("usr lib share local bin var cache data service config python node modules dist packages java runtime plugins example locale")
	path := func(depth int) string {
		var s strings.Builder
		for range depth {
			fmt.Fprintf(&s, "/%s-%s", words[r.IntN(len(words))], words[r.IntN(len(words))])
		}
		return s.String()
	}
	out := make([]string, n)
	for i := range out {
		switch p := path(5); {
		case i%20 < 12:
			out[i] = fmt.Sprintf("%s/file-%d", p, i)
		case i%20 < 17:
			out[i] = fmt.Sprintf("%s/dir-%d/**", p, i)
		default:
			out[i] = fmt.Sprintf("%s/*/item-%d-*.so", p, i)
		}
	}
	return out
}

// BenchmarkGlobs compiles one policy with many patterns.
func BenchmarkGlobs(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var rules strings.Builder
			for i, g := range mixedGlobs(n) {
				fmt.Fprintf(&rules, "      - {name: r%d, action: Block, access: [write], paths: [\"%s\"]}\n", i, g)
			}
			text := "apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: many, namespace: n}\nspec:\n  selector: {}\n  file:\n    default: Allow\n    rules:\n" + rules.String() +
				"  accept: [{rule: file/*, reason: measured}, {rule: system/*, reason: measured}]\n"
			b.ReportAllocs()
			for b.Loop() {
				mustCompile(b, compiler.Input{Files: []*diag.File{diag.NewFile("many.yaml", []byte(text))}})
			}
		})
	}
}
