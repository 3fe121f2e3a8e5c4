// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestDependencies: nodes link the reader, and nothing of what writes images.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for path := range strings.Lines(string(out)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(path), "github.com/avert-dev/avert/")
		if !ok {
			continue
		}
		own++
		if !slices.Contains([]string{"bpf", "compiler/automata", "compiler/policy", "compiler/ruletable"}, path) {
			t.Errorf("image imports %s", path)
		}
	}
	if own == 0 {
		t.Error("go list found nothing of avert")
	}
}
