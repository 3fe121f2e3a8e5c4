// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/guard"
)

// TestExceptions: what waivers, comments, levels and ignored files leave of the
// findings about one policy, which are network-default and process-default.
func TestExceptions(t *testing.T) {
	const both = "network-default process-default"
	for _, test := range []struct {
		name, config, policy, today, want string
	}{
		{"nothing", "", policyText, "2026-11-24", both},
		{"waiver", `waivers: [{rule: network-default, paths: ["shop/**"], reason: r, owner: o, expires: "2026-11-24"}]`, policyText, "2026-11-24", "process-default"},
		{"one file by name", `waivers: [{rule: network-default, paths: [shop/p.yaml], reason: r, owner: o, expires: "2026-11-24"}]`, policyText, "2026-11-24", "process-default"},
		{"waiver of other files", `waivers: [{rule: network-default, paths: ["bank/**"], reason: r, owner: o, expires: "2026-11-24"}]`, policyText, "2026-11-24", both},
		{"expired", `waivers: [{rule: network-default, paths: ["**"], reason: r, owner: o, expires: "2026-11-24"}]`, policyText, "2026-11-25", "AV0605 " + both},
		{"no owner", `waivers: [{rule: network-default, paths: ["**"], reason: r, owner: " ", expires: "2026-11-24"}]`, policyText, "2026-11-24", "AV0604"},
		{"ignored", `guardrails: {ignore: ["shop/*"]}`, policyText, "2026-11-24", ""},
		{"off", `guardrails: {rules: [{id: network-default, level: off}]}`, policyText, "2026-11-24", "process-default"},
		{"unknown parameter", `guardrails: {rules: [{id: network-default, parameters: {x: y}}]}`, policyText, "2026-11-24", "AV0603"},
		{"list for text", `guardrails: {rules: [{id: policy-audit, parameters: {until: ["2026-01-01"]}}]}`, policyText, "2026-11-24", "AV0102"},
		{"comment in the line", "", strings.Replace(policyText, "shop}", "shop}  # avert:ignore network-default: elsewhere", 1), "2026-11-24", "process-default"},
		{"comment above", "", strings.Replace(policyText, "metadata:", "# avert:ignore network-default, process-default: elsewhere\n# and more\nmetadata:", 1), "2026-11-24", ""},
		{"comment elsewhere", "", strings.Replace(policyText, "spec:", "# avert:ignore network-default: elsewhere\nspec:", 1), "2026-11-24", "AV0607 " + both},
		{"comment of no rule", "", strings.Replace(policyText, "shop}", "shop}  # avert:ignore nothing: at all", 1), "2026-11-24", "AV0603 " + both},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := run{files: []*diag.File{diag.NewFile("shop/p.yaml", []byte(test.policy))}, today: test.today, limits: guard.DefaultLimits()}
			if test.config != "" {
				r.config = diag.NewFile(".avert.yaml", []byte("apiVersion: avert.dev/v1alpha1\nkind: Config\n"+test.config+"\n"))
			}
			var got []string
			for _, d := range r.lint(t) {
				got = append(got, string(d.Code))
			}
			slices.Sort(got)
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestLevels: a level replaces the severity, and turns optional rules on.
func TestLevels(t *testing.T) {
	r := folder(t, "../../testdata/bad")
	r.config = diag.NewFile(".avert.yaml", []byte(strings.Replace(string(r.config.Source), "{id: policy-quiet, level: note}", "{id: policy-quiet, level: error}", 1)))
	for _, d := range r.lint(t) {
		if d.Code == "policy-quiet" && d.Severity != diag.Error {
			t.Errorf("%s is a %s", d.Code, d.Severity)
		}
	}
}

// TestSameOutput: findings do not depend on which processor found them.
func TestSameOutput(t *testing.T) {
	first := ""
	for i := range 5 {
		got := printed(t, folder(t, "../../testdata/bad").lint(t))
		if i == 0 {
			first = got
		} else if got != first {
			t.Fatal("two runs differ")
		}
	}
}
