// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPages holds that the pages are as the code makes them.
func TestPages(t *testing.T) {
	texts, err := pages("..")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		have, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), string(have)); diff != "" {
			t.Errorf("%s is stale: run go generate ./docs\n%s", name, diff)
		}
	}
}
