// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/testimage"
	"github.com/avert-dev/avert/internal/vm"
)

// TestMemory runs TestGuestMemory on every kernel.
func TestMemory(t *testing.T) {
	t.Parallel()
	node, err := vm.Build(".")
	needs.NoError(t, err)
	files := []vm.File{{Guest: "/bin/avert-node", Data: node, Mode: 0o755}}
	for revision := 1; revision <= 2; revision++ {
		files = append(files, vm.File{Guest: fmt.Sprintf("/images/%d.img", revision), Data: imageOf(t, fmt.Sprintf("/secret/%d/**", revision))})
	}
	vm.Matrix(t, func(t *testing.T, kernel string) {
		vm.Test(t, vm.Config{Kernel: kernel, CPUs: 2, MemoryMB: 512, Append: "preempt=voluntary", Timeout: 10 * time.Minute, Files: files}, "^TestGuestMemory$")
	})
}

// imageOf returns an image that blocks reading paths.
func imageOf(t *testing.T, paths string) []byte {
	t.Helper()
	return testimage.Compile(t, "5.10", fmt.Sprintf(`apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: checkout, namespace: shop}
spec:
  selector: {matchLabels: {app: checkout}}
  file:
    default: Allow
    rules:
      - {name: secret, action: Block, access: [read], paths: [%s]}
`, paths))
}

// TestSize holds how large the command is as it is distributed: without symbols.
func TestSize(t *testing.T) {
	t.Parallel()
	needs.Tool(t, "go")
	for _, architecture := range []string{"amd64", "arm64"} {
		path := filepath.Join(t.TempDir(), "avert-node")
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		const most = 12_000_000
		if t.Logf("%s: %d bytes", architecture, info.Size()); info.Size() >= most {
			t.Errorf("avert-node for %s has %d bytes, at most %d are right", architecture, info.Size(), most)
		}
	}
}
