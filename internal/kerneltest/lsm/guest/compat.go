// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

// compats are the rows about 32-bit system calls.
var compats = map[string]func() error{
	"27 int 0x80 open":        func() error { return runs("/tools/compat64", "open", "/secret/key") },
	"27 int 0x80 exec":        func() error { return runs("/tools/compat64", "exec", "/blocked/tool") },
	"27 32-bit program opens": func() error { return runs("/tools/compat32", "open", "/secret/key") },
	"27 32-bit program executes": func() error {
		return runs("/tools/compat32", "exec", "/blocked/tool")
	},
}
