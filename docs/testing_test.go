// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policytest"
)

// TestTesting runs the tests that testing.md shows, and reads the operations
// that it lists.
func TestTesting(t *testing.T) {
	const page = "testing.md"
	shown := blocks(t, page)
	if len(shown) != 1 {
		t.Fatalf("%s has %d blocks", page, len(shown))
	}
	result := compiler.Understand(compiler.Input{Files: []*diag.File{diag.NewFile("web.yaml", []byte(shown[0].text))}})
	if len(result.Findings) > 0 {
		t.Fatalf("%v", result.Findings)
	}
	r := policytest.Run(result.Set, result.Program, result.Base)
	if len(r.Results) != 3 || r.Failed() > 0 {
		t.Errorf("%s", r.Text(true))
	}

	read := 0
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	listed, _, _ := strings.Cut(string(text), "\n## explain")
	for line := range strings.Lines(listed) {
		cell, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !ok || !strings.HasPrefix(line, "| `") {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z]+ [^`]+)`").FindAllStringSubmatch(cell, -1) {
			if _, err := operation.Parse(m[1], "shop"); err != nil {
				t.Errorf("%s: %s: %v", page, m[1], err)
			}
			read++
		}
	}
	if read < 13 {
		t.Errorf("%s lists %d operations", page, read)
	}
}
