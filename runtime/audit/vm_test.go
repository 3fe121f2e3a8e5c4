// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"os"
	"testing"

	"github.com/avert-dev/avert/internal/apparmorbin"
	"github.com/avert-dev/avert/internal/vm"
)

// TestKernels holds on every kernel what guest_test.go says.
//
//proves:apparmor alerts
func TestKernels(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("testdata/profiles")
	if err != nil {
		t.Fatal(err)
	}
	vm.Matrix(t, func(t *testing.T, kernel string) {
		blob, messages, err := apparmorbin.NewParser(t, kernel).Policy(string(source))
		if err != nil {
			t.Fatalf("%v\n%s", err, messages)
		}
		vm.Test(t, vm.Config{Kernel: kernel, LSM: vm.AppArmor, Append: "audit_backlog_limit=8192", Files: []vm.File{
			{Guest: "/profiles", Data: blob},
			{Guest: "/enforced.rules.json", Host: "testdata/enforced.rules.json"},
			{Guest: "/trial.rules.json", Host: "testdata/trial.rules.json"},
			{Guest: "/etc/hostname", Data: []byte("guest\n")},
			{Guest: "/secret/x", Data: []byte("x")},
			{Guest: "/bin/no", Data: []byte("#!/bin/busybox true\n"), Mode: 0o755},
		}}, "^TestGuest")
	})
}

// TestDisabled: a kernel that was told not to audit.
func TestDisabled(t *testing.T) {
	t.Parallel()
	vm.Test(t, vm.Config{Kernel: vm.Kernels[0], Append: "audit=0"}, "^TestNoAudit$")
}
