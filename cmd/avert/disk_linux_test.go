// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/avert-dev/avert/internal/needs"
)

const diskSize = 256 << 10

func mount(ts *testscript.TestScript, _ bool, args []string) {
	needs.Root(ts.Value(testKey{}).(testing.TB))
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		needs.Missing(ts.Value(testKey{}).(testing.TB), "needs to mount a tmpfs: "+err.Error())
	}
	ts.Defer(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

func fill(ts *testscript.TestScript, _ bool, args []string) {
	err := os.WriteFile(ts.MkAbs(args[0]), make([]byte, 2*diskSize), 0o644)
	if !errors.Is(err, syscall.ENOSPC) {
		ts.Fatalf("the disk is not full: %v", err)
	}
}

func remount(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(syscall.Mount("", ts.MkAbs(args[0]), "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
}
