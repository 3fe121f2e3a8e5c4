// SPDX-License-Identifier: Apache-2.0

// Package rego holds the built-in guardrails: a folder for each with the rule,
// its METADATA and its test, and lib with what rules share. Go embeds them and
// knows nothing else of them.
package rego

import (
	"embed"
	"io/fs"
	"path"

	"github.com/avert-dev/avert/compiler/diag"
)

//go:embed */rule.rego lib/lib.rego
var files embed.FS

// Files returns all modules, without their tests.
func Files() []*diag.File { return append(read("*/rule.rego"), Lib()...) }

// Lib returns the module that rules share.
func Lib() []*diag.File { return read("lib/lib.rego") }

// read returns the files of a pattern, sorted by name.
func read(pattern string) []*diag.File {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		panic(err) // the pattern is valid
	}
	var out []*diag.File
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		out = append(out, diag.NewFile(path.Join("rego", name), text))
	}
	return out
}
