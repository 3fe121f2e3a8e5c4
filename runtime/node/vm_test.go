// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"fmt"
	"testing"
	"time"

	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/testimage"
	"github.com/avert-dev/avert/internal/vm"
)

// images are what guests load: two revisions of one unit, which both block /both
// and one of /a and /b, and other units.
var images = map[string]string{
	"a.img":     source("checkout", "/a"),
	"b.img":     source("checkout", "/b"),
	"other.img": source("other", "/a"),
	"keep.img":  source("keep", "/a"),
}

func source(name, path string) string {
	return fmt.Sprintf(`apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: %s, namespace: shop}
spec:
  selector: {matchLabels: {app: %[1]s}}
  file:
    default: Allow
    rules:
      - {name: secret, action: Block, access: [read], paths: [/both, %s]}
`, name, path)
}

// TestKernels holds on every kernel what guest_test.go says.
func TestKernels(t *testing.T) {
	t.Parallel()
	inGuests(t, vm.Config{CPUs: 2}, "^TestGuest")
}

// TestUpgrade holds what upgrade_guest_test.go says. It attaches programs while
// another processor passes their hooks.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	inGuests(t, vm.Config{CPUs: 2, SingleThread: true}, "^TestUpgradeGuest$")
}

// inGuests runs tests in guests with images to load and files to open.
func inGuests(t *testing.T, config vm.Config, run string) {
	node, err := vm.Build("github.com/avert-dev/avert/cmd/avert-node")
	needs.NoError(t, err)
	files := []vm.File{
		{Guest: "/a", Data: []byte("a")}, {Guest: "/b", Data: []byte("b")}, {Guest: "/both", Data: []byte("both")},
		{Guest: "/bin/avert-node", Data: node, Mode: 0o755},
	}
	for name, text := range images {
		files = append(files, vm.File{Guest: "/images/" + name, Data: testimage.Compile(t, "5.10", text)})
	}
	vm.Matrix(t, func(t *testing.T, kernel string) {
		config.Kernel, config.MemoryMB, config.Timeout, config.Files = kernel, 512, 10*time.Minute, files
		config.Append = "preempt=voluntary" // up to 6.1; what preemption is cannot be read with the least capabilities
		vm.Test(t, config, run)
	})
}
