// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// catchSignals makes the first SIGINT or SIGTERM end the process as soon as no
// files are being replaced; a second one ends it at once, which leaves the
// files whole too, but something to clear away.
func (a *app) catchSignals() {
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		s := <-signals
		signal.Reset()
		a.replacing.Lock()
		fmt.Fprintln(a.stderr, "avert: interrupted")
		os.Exit(128 + int(s.(syscall.Signal)))
	}()
}
