// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/avert-dev/avert/internal/needs"
)

// benchPolicy is a policy of ordinary size.
const benchPolicy = `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: service-%[1]d, namespace: ns-%[2]d}
spec:
  selector: {matchLabels: {app: service-%[1]d}}
  process:
    default: Block
    rules:
      - {name: runtime, action: Allow, paths: [/usr/local/bin/service-%[1]d, "/usr/lib/service/**"]}
      - {name: probe, action: Audit, paths: ["/{usr/,}bin/{sh,dash,busybox}"], from: {exe: [/usr/local/bin/service-%[1]d]}}
      - {name: fetch, action: Allow, paths: [/usr/bin/curl]}
      - {name: tools, action: Block, names: [nc, ncat, socat, wget]}
  file:
    default: Allow
    rules:
      - {name: frozen, action: Block, access: [write, create, delete, rename, link, setattr], paths: ["/etc/**", "/usr/**"]}
      - {name: token, action: Block, access: [read], paths: ["/run/secrets/kubernetes.io/**"]}
  network:
    default: Block
    rules:
      - {name: front, action: Allow, direction: Ingress, peers: [{podSelector: {matchLabels: {app: front-%[1]d}}}], ports: [{port: 8080}]}
      - {name: dns, action: Allow, direction: Egress, peers: [{dns: cluster}]}
      - {name: lan, action: Allow, direction: Egress, peers: [{cidr: 10.0.0.0/8, except: [10.9.0.0/16]}], ports: [{port: 9000, endPort: 9100}]}
  syscalls:
    default: Allow
    rules:
      - {name: trace, action: Block, names: [ptrace, process_vm_readv]}
  capabilities:
    default: Block
    rules: [{name: bind, action: Allow, names: [NET_BIND_SERVICE]}]
  accept:
    - {rule: process/*, reason: held on the nodes by another tool}
    - {rule: file/*, reason: held on the nodes by another tool}
    - {rule: system/*, reason: held on the nodes by another tool}
`

// BenchmarkLint runs `avert lint`, reading, compiling and lowering included, and
// conftest with the same rules on views that were made before and that have a
// policy and its container in one document. What is found must be as many. The
// metrics are processor time and the largest size in memory.
func BenchmarkLint(b *testing.B) {
	conftest := needs.Tool(b, "conftest")
	avert := filepath.Join(b.TempDir(), "avert")
	if out, err := exec.Command("go", "build", "-o", avert, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	rules, data := benchRules(b, avert)
	for _, n := range []int{1, 1000} {
		dir := b.TempDir()
		policies, views := filepath.Join(dir, "policies"), filepath.Join(dir, "views")
		for _, d := range []string{policies, views} {
			if err := os.Mkdir(d, 0o755); err != nil {
				b.Fatal(err)
			}
		}
		for i := range n {
			benchWrite(b, filepath.Join(policies, fmt.Sprintf("p%d.yaml", i)), fmt.Appendf(nil, benchPolicy, i, i%50))
		}
		benchViews(b, avert, policies, views)
		for _, cores := range []string{"1", ""} {
			name := fmt.Sprintf("%d/cores=%s", n, cores)
			if cores == "" {
				name = fmt.Sprintf("%d/cores=all", n)
			}
			b.Run(name+"/avert", func(b *testing.B) {
				benchRun(b, cores, n, "::warning ", avert, "lint", "--format", "github", policies)
			})
			b.Run(name+"/conftest", func(b *testing.B) {
				benchRun(b, cores, n, "FAIL - ", conftest, "test", "--all-namespaces", "--policy", rules, "--data", data, "--no-color", views)
			})
		}
	}
}

// benchRun runs a command that finds one thing in each of n documents: each has
// the mark in the output.
func benchRun(b *testing.B, cores string, n int, mark string, args ...string) {
	var used time.Duration
	var most int64
	for b.Loop() {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = os.Environ()
		if cores != "" {
			cmd.Env = append(cmd.Env, "GOMAXPROCS="+cores)
		}
		out, err := cmd.Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			b.Fatal(err)
		}
		if got := strings.Count(string(out), mark); got != n {
			b.Fatalf("%d found, want %d: %s", got, n, out[:min(len(out), 2000)])
		}
		used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		most = max(most, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	b.ReportMetric(float64(used.Microseconds())/1000/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(most)/1024, "MiB")
}

func benchWrite(b *testing.B, path string, text []byte) {
	b.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		b.Fatal(err)
	}
}

// benchRules writes the rules that lint judges by and their parameters.
func benchRules(b *testing.B, avert string) (rules, data string) {
	b.Helper()
	rules, data = b.TempDir(), b.TempDir()
	out, err := exec.Command(avert, "rules", "--format", "json").Output()
	if err != nil {
		b.Fatal(err)
	}
	var list []struct {
		ID         string
		Optional   bool
		Parameters map[string]any
	}
	if err := json.Unmarshal(out, &list); err != nil {
		b.Fatal(err)
	}
	parameters := map[string]any{}
	for _, r := range list {
		parameters[r.ID] = r.Parameters
		if r.Optional {
			continue
		}
		text, err := os.ReadFile(filepath.Join("../../rego", r.ID, "rule.rego"))
		if err != nil {
			b.Fatal(err)
		}
		benchWrite(b, filepath.Join(rules, r.ID+".rego"), text)
	}
	lib, err := os.ReadFile("../../rego/lib/lib.rego")
	if err != nil {
		b.Fatal(err)
	}
	benchWrite(b, filepath.Join(rules, "lib.rego"), lib)
	text, err := json.Marshal(map[string]any{"avert": map[string]any{"parameters": parameters}})
	if err != nil {
		b.Fatal(err)
	}
	benchWrite(b, filepath.Join(data, "data.json"), text)
	return rules, data
}

// benchViews writes one document for each policy.
func benchViews(b *testing.B, avert, policies, views string) {
	b.Helper()
	out, err := exec.Command(avert, "rules", "view", policies).Output()
	if err != nil {
		b.Fatal(err)
	}
	var list []map[string]any
	if err := json.Unmarshal(out, &list); err != nil {
		b.Fatal(err)
	}
	documents := map[string]map[string]any{}
	for _, v := range list {
		delete(v, "positions")
		id := ""
		if p, ok := v["policy"].(map[string]any); ok {
			id = p["id"].(string)
		} else if u, ok := v["unit"].(map[string]any); ok {
			id = u["policies"].([]any)[0].(string)
		} else {
			continue
		}
		if documents[id] == nil {
			documents[id] = map[string]any{}
		}
		maps.Copy(documents[id], v)
	}
	for id, d := range documents {
		text, err := json.Marshal(d)
		if err != nil {
			b.Fatal(err)
		}
		benchWrite(b, filepath.Join(views, strings.ReplaceAll(id, "/", "_")+".json"), text)
	}
}
