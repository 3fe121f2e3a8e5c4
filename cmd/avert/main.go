// SPDX-License-Identifier: Apache-2.0

// Command avert compiles runtime policies into the artifacts that enforce
// them, and checks and formats the policies.
//
// It exits with 0 when nothing is wrong or there are only warnings, 1 when
// there are findings, and 2 when it could not do what it was asked. Results go
// to standard output, everything else to standard error.
package main

import (
	"os"
	"runtime/debug"
)

func main() {
	tune()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// tune trades memory for time, as suits a short run: the heap may grow further
// before it is collected, up to a point.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(3 << 29)
	}
}
