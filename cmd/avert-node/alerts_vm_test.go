// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/testimage"
	"github.com/avert-dev/avert/internal/vm"
)

// alertPolicies govern the container of the guest tests: what is enforced, and a trial.
const alertPolicies = `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  process:
    default: Allow
    rules:
      - {name: blocked, action: Block, paths: [/blocked/**]}
      - {name: watched, action: Audit, paths: [/watched/**]}
  file:
    default: Allow
    rules:
      - {name: secret, action: Block, access: [read], paths: [/secret/**]}
      - {name: frozen, action: Block, access: [write, create, delete, rename, link, setattr, map], paths: [/frozen/**]}
      - {name: born, action: Audit, access: [create], paths: [/born/**]}
      - {name: hushed, action: Block, quiet: true, access: [read], paths: [/hushed/**]}
      - {name: exe, action: Block, access: [read], paths: [/lineage/exe], from: {exe: [/tools/deeds]}}
      - {name: parent, action: Block, access: [read], paths: [/lineage/parent], from: {parent: [/tools/entry]}}
      - {name: ancestor, action: Block, access: [read], paths: [/lineage/ancestor], from: {ancestor: [/tools/first, /nowhere]}}
  system:
    rules:
      - {name: mounts, action: Block, operations: [mount]}
      - {name: programs, action: Block, operations: [bpf]}
      - {name: namespaces, action: Audit, operations: [userns]}
---
apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: trial, namespace: shop}
spec:
  mode: Audit
  selector: {matchLabels: {app: web}}
  file:
    default: Allow
    rules:
      - {name: tried, action: Block, access: [read], paths: [/trial/**, /secret/both]}
  system:
    rules:
      - {name: namespaces, action: Allow, operations: [userns]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers: [{name: app}]
`

// TestAlerts holds on every kernel what alerts_guest_test.go says of the built command.
func TestAlerts(t *testing.T) {
	t.Parallel()
	node, err := vm.Build(".")
	needs.NoError(t, err)
	vm.Matrix(t, func(t *testing.T, kernel string) {
		vm.Test(t, vm.Config{
			Kernel: kernel, CPUs: 2, SingleThread: true, MemoryMB: 768, Timeout: 10 * time.Minute,
			// Up to 6.1 a program may be skipped where preemption is full.
			Append: "preempt=voluntary",
			Files: []vm.File{
				{Guest: "/bin/avert-node", Data: node, Mode: 0o755},
				{Guest: "/web.img", Data: testimage.Compile(t, kernel, alertPolicies)},
			},
		}, "^TestGuestAlerts")
	})
}
