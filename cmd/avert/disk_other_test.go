// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/avert-dev/avert/internal/needs"
)

func mount(ts *testscript.TestScript, _ bool, _ []string) {
	needs.Missing(ts.Value(testKey{}).(testing.TB), "needs Linux to mount a small file system")
}

var fill, remount = mount, mount
