// SPDX-License-Identifier: Apache-2.0

package diff_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/diff"
)

// TestCases are changes that random policies seldom have.
func TestCases(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"a loader as a script": {
			"  process:\n    default: Block\n    rules: [{name: a, action: Allow, paths: [/bin/x]}]\n",
			"  process:\n    default: Block\n    rules: [{name: a, action: Allow, paths: [/bin/x]}, {name: b, action: Allow, names: [ld.so]}]\n",
			"exec /lib/ld.so /ld.so (and more)",
		},
		"a label that only has to exist": {
			"  network:\n    default: Block\n    rules: [{name: a, action: Allow, direction: Ingress, peers: [{podSelector: {matchExpressions: [{key: app, operator: DoesNotExist}]}}]}]\n",
			"  network:\n    default: Block\n    rules: [{name: a, action: Allow, direction: Ingress, peers: [{podSelector: {}}]}]\n",
			"ingress TCP 1 pod app=other in shop",
		},
		"the base is given up": {
			"  syscalls: {default: Allow}\n",
			"  syscalls: {default: Allow, base: None}\n  accept: [{rule: syscalls/base, reason: x}]\n",
			"call ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var results [2]*compiler.Result
			for i, text := range []string{c.old, c.new} {
				text = "apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: p, namespace: shop}\nspec:\n  selector: {}\n" + text
				results[i] = compiler.Understand(compiler.Input{Files: []*diag.File{diag.NewFile("p.yaml", []byte(text))}})
				if results[i].Program == nil {
					t.Fatalf("%v", results[i].Findings)
				}
			}
			scopes, err := compiler.Compare(results[0], results[1])
			if err != nil {
				t.Fatal(err)
			}
			text := string(diff.Text(scopes))
			if !strings.Contains(text, "newly allowed: "+c.want) {
				t.Error(cmp.Diff(c.want, text))
			}
		})
	}
}
