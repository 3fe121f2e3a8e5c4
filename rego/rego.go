// SPDX-License-Identifier: Apache-2.0

// Package rego holds the built-in guardrails: a folder for each with the rule,
// its METADATA and its test, and lib with what rules share. Go embeds them and
// knows nothing else of them.
package rego

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
)

//go:embed */rule.rego lib/lib.rego
var files embed.FS

// Files returns the modules, sorted by name, without their tests.
func Files() []*diag.File {
	var out []*diag.File
	for _, pattern := range []string{"*/rule.rego", "lib/lib.rego"} {
		names, err := fs.Glob(files, pattern)
		if err != nil {
			panic(err) // the pattern is valid
		}
		for _, name := range names {
			text, err := files.ReadFile(name)
			if err != nil {
				panic(err) // it is embedded
			}
			out = append(out, diag.NewFile(path.Join("rego", name), text))
		}
	}
	slices.SortFunc(out, func(a, b *diag.File) int { return strings.Compare(a.Name, b.Name) })
	return out
}
