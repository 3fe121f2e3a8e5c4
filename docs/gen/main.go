// SPDX-License-Identifier: Apache-2.0

// Command gen writes what is generated of the documentation: diagnostics.md,
// guardrails.md, coverage.md, and the tables of back-ends.md. `go generate ./docs` runs it in docs.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "docs/gen:", err)
		os.Exit(1)
	}
}

func write() error {
	texts, err := pages(".")
	if err != nil {
		return err
	}
	for name, text := range texts {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pages returns the pages by name; docs is the folder that they are in.
func pages(docs string) (map[string][]byte, error) {
	codes, err := diagnostics(filepath.Join(docs, "../testdata/diagnostics"))
	if err != nil {
		return nil, err
	}
	page, err := os.ReadFile(filepath.Join(docs, "back-ends.md"))
	if err != nil {
		return nil, err
	}
	page, err = fill(page)
	if err != nil {
		return nil, err
	}
	table, err := coverage(filepath.Join(docs, ".."))
	if err != nil {
		return nil, err
	}
	rules, err := guardrails()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"guardrails.md": rules, "diagnostics.md": codes, "back-ends.md": page, "coverage.md": table}, nil
}
