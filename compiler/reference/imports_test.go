// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImports holds that deciding here shares nothing with what it is compared
// with.
func TestImports(t *testing.T) {
	const compiler = "github.com/avert-dev/avert/compiler/"
	for _, test := range []struct {
		path    string
		allowed []string
	}{
		{".", []string{compiler + "diag", compiler + "policy", compiler + "reference"}},
		{"./sample", []string{compiler + "diag", compiler + "policy", compiler + "reference/sample", "pgregory.net/rapid"}},
	} {
		out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", test.path).Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		deps := strings.Fields(string(out))
		if len(deps) < 3 {
			t.Errorf("%s: go list found only %v", test.path, deps)
		}
		for _, dep := range deps {
			if !slices.Contains(test.allowed, dep) {
				t.Errorf("%s reaches %s", test.path, dep)
			}
		}
	}
}
