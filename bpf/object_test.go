// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/avert-dev/avert/internal/needs"
)

// TestObject: the committed object is what `make generate` makes of the sources.
func TestObject(t *testing.T) {
	needs.Tool(t, "clang-14")
	needs.Tool(t, "llvm-strip-14")
	source, err := os.ReadFile("spec.go")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^//go:generate (.*)$`).FindStringSubmatch(string(source))
	if line == nil {
		t.Fatal("spec.go does not say how the object is made")
	}
	argv := strings.Fields(line[1])
	at := slices.Index(argv, "-go-package")
	dir := t.TempDir()
	cmd := exec.Command(argv[0], slices.Insert(argv[1:], at-1, "-output-dir", dir)...)
	cmd.Env = append(os.Environ(), "GOPACKAGE=bpf")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"avert_bpfel.o", "avert_bpfel.go"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the sources give: run make generate", name)
		}
	}
}
