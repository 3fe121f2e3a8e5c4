// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/guard"
)

// own writes a rule with the given body.
func own(pkg, body string) *diag.File {
	return diag.NewFile("own.rego", fmt.Appendf(nil, `# METADATA
# title: Ours
# description: What we want.
# custom:
#   id: ours
#   severity: warning
#   judges: policy
#   action: mend it
package %s

%s
`, pkg, body))
}

const policyText = `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: web, namespace: shop}
spec:
  selector: {}
  capabilities: {default: Block}
`

// TestBadRules: what is wrong with a rule is found in the rule's file.
func TestBadRules(t *testing.T) {
	for _, test := range []struct {
		name string
		file *diag.File
		want string // place and part of the message
	}{
		{"no Rego", diag.NewFile("own.rego", []byte("package x\n\ndeny contains {")), "own.rego:3:15: error[AV0601]: "},
		{"empty", diag.NewFile("own.rego", nil), "own.rego:1:1: error[AV0601]: "},
		{"no metadata", diag.NewFile("own.rego", []byte("package x\n\ndeny contains {}")), "own.rego:1:1: error[AV0601]: a package with deny has no METADATA"},
		{"no deny", own("x", "allow := true"), "own.rego:9:1: error[AV0601]: there is no rule deny"},
		{"no set", own("x", `deny := "yes"`), "own.rego:11:1: error[AV0601]: deny is not a set"},
		{"network", own("x", `deny contains {"msg": "m", "at": 0} if http.send({}).x`), "own.rego:11:40: error[AV0601]: undefined function http.send"},
		{"clock", own("x", `deny contains {"msg": "m", "at": 0} if time.now_ns() > 0`), "own.rego:11:40: error[AV0601]: undefined function time.now_ns"},
		{"unknown function", own("x", `deny contains {"msg": "m", "at": 0} if nothing(1)`), "own.rego:11:40: error[AV0601]: undefined function nothing"},
		{"package of avert", own("avert.rules.network_default", "deny contains {} if false"), "own.rego:9:1: error[AV0601]: packages below avert"},
		{"id of a built-in rule", diag.NewFile("own.rego", []byte(strings.Replace(string(own("x", "deny contains {} if false").Source), "ours", "network-default", 1))), "own.rego:9:1: error[AV0601]: two rules are named network-default"},
		{"recursion", own("x", "a if b\n\nb if a\n\ndeny contains {} if a"), "own.rego:11:1: error[AV0601]: rule data.x.a is recursive"},
		{"no object", own("x", `deny contains "text"`), "own.rego:9:1: error[AV0601]: deny of ours has an element that is no finding: it is no object"},
		{"no message", own("x", `deny contains {"at": 1}`), "msg is not a line of text"},
		{"two lines", own("x", `deny contains {"msg": "a\nb", "at": 1}`), "msg is not a line of text"},
		{"no place", own("x", `deny contains {"msg": "m", "at": 12345}`), "at is not that of a node"},
		{"a fraction", own("x", `deny contains {"msg": "m", "at": 1.5}`), "at is not that of a node"},
		{"another key", own("x", `deny contains {"msg": "m", "at": 1, "severity": "error"}`), "it has a key severity"},
		{"see", own("x", `deny contains {"msg": "m", "at": 1, "see": [1]}`), "own.rego:9:1: error[AV0601]"},
		{"conflict", own("x", "f := 1\n\nf := 2\n\ndeny contains {\"msg\": \"m\", \"at\": f}"), "own.rego:9:1: error[AV0601]: ours cannot be evaluated"},
		{"loop", own("x", "deny contains {\"msg\": \"m\", \"at\": 1} if {\n\tsome i in numbers.range(1, 1000000)\n\tsome j in numbers.range(1, 1000000)\n\ti * j == -1\n}"), "own.rego:9:1: error[AV0602]: ours was stopped"},
		{"memory", own("x", "deny contains {\"msg\": \"m\", \"at\": 1} if {\n\tcount([[i, j] | some i in numbers.range(1, 100000); some j in numbers.range(1, 100000)]) == 0\n}"), "own.rego:9:1: error[AV0602]: ours was stopped: it took more than 64 MiB of memory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := run{files: []*diag.File{diag.NewFile("p.yaml", []byte(policyText))}, own: []*diag.File{test.file}, today: "2026-11-24"}
			r.limits = guard.Limits{Time: 300 * time.Millisecond, Memory: 1 << 40}
			if test.name == "memory" {
				r.limits = guard.Limits{Time: time.Hour, Memory: 64 << 20}
			}
			if got := printed(t, r.lint(t)); !strings.Contains(got, test.want) {
				t.Errorf("want %q in\n%s", test.want, got)
			}
		})
	}
}

// TestOwnRule: a rule of somebody else is judged beside the built-in ones.
func TestOwnRule(t *testing.T) {
	rule := own("guardrails.prefix", "deny contains {\"msg\": sprintf(\"%s has no prefix\", [input.policy.name]), \"at\": input.policy.at, \"hint\": \"team-web\", \"see\": [{\"msg\": \"here\", \"at\": input.policy.capabilities[\"default\"].at}]} if {\n\tnot startswith(input.policy.name, \"team-\")\n}")
	r := run{files: []*diag.File{diag.NewFile("p.yaml", []byte(policyText))}, own: []*diag.File{rule}, today: "2026-11-24", limits: guard.DefaultLimits()}
	const want = `p.yaml:3:18: warning[ours]: web has no prefix
    metadata: {name: web, namespace: shop}
                     ^^^
  see: p.yaml:6:27: here
  hint: team-web
`
	if got := printed(t, r.lint(t)); !strings.Contains(got, want) {
		t.Errorf("want\n%s in\n%s", want, got)
	}
}
