// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"

	// What avert is made of, which go test does not see: a result must not outlive its change.
	_ "github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/internal/needs"
)

// TestRun holds that the demonstration shows what it is for.
func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	needs.NoError(t, run(t.Context(), &out))
	t.Logf("\n%s", &out)
	steps := strings.Split(out.String(), "\n\n")[3:]
	want := [][]string{
		{"opens /app/config/settings.yaml to read it", "allowed", "no alert"},
		{"opens /etc/passwd to write", "refused: operation not permitted", "alert: Block, rule file/frozen (examples/checkout/policy.yaml:", `"path":"/etc/passwd"`},
		{"executes /bin/sh", "allowed", "it prints: healthy", "alert: Audit, rule process/probe", `"operation":"exec"`},
		{"executes /usr/bin/curl", "refused: operation not permitted", "alert: Block, rule process/tools", `"path":"/usr/bin/curl"`},
		{"executes /bin/sh, which executes node", "allowed", "it prints: open /app/config/settings.yaml: operation not permitted", "alert: Audit, rule process/probe", "alert: Block, rule file/config"},
	}
	if len(steps) != len(want) {
		t.Fatalf("%d steps instead of %d", len(steps), len(want))
	}
	for i, texts := range want {
		rest := steps[i]
		for _, text := range texts {
			_, after, found := strings.Cut(rest, text)
			if !found {
				t.Errorf("step %d does not say %q, in this order:\n%s", i+1, text, steps[i])
				break
			}
			rest = after
		}
	}
}
