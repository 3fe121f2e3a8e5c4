// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"testing"

	"github.com/avert-dev/avert/internal/vm"
)

// TestLoad runs TestGuestLoad on every kernel.
func TestLoad(t *testing.T) {
	vm.Matrix(t, func(t *testing.T, kernel string) {
		vm.Test(t, vm.Config{Kernel: kernel, MemoryMB: 512}, "^TestGuestLoad$")
	})
}
