// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import "os"

// lineages are the rows about processes: what a program below /from started may not read what is secret.
var lineages = map[string]func() error{
	"10 fork":   func() error { return runs("/from/tool", "fork", "/secret/key") },
	"10 double": func() error { return runs("/from/tool", "double", "/secret/key") },
	"10 vfork":  func() error { return runs("/from/tool", "vfork", "/secret/key") },
	"10 parent": func() error { return runs("/from/tool", "parent", "/secret/key") },
	"10 thread": func() error { return runs("/from/tool", "thread", "/secret/key") },
	"10 share":  func() error { return runs("/from/tool", "share", "/secret/key") },

	"11 once": func() error { return runs("/from/tool", "exec", "/free/tool", "read", "/secret/key") },
	"11 twice": func() error {
		return runs("/from/tool", "exec", "/free/tool", "exec", "/free/tool", "double", "/secret/key")
	},
	"11 through a script": func() error {
		err := os.WriteFile("/tmp/script", []byte("#!/bin/sh\nexec /free/tool read /secret/key\n"), 0o755)
		if err != nil {
			return err
		}
		return runs("/from/tool", "exec", "/tmp/script")
	},
	"11 failed exec between": func() error {
		// The shell goes on after an exec that fails late, in what it is.
		if err := os.WriteFile("/tmp/broken", []byte("\x7fELF broken"), 0o755); err != nil {
			return err
		}
		return runs("/from/tool", "exec", "/bin/sh", "-c", "/tmp/broken 2>/dev/null; (exec /tmp/broken) 2>/dev/null; exec /free/tool read /secret/key")
	},
}
