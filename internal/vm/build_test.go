// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestSources holds that stored results of tests end with a change of what guests run: also of what is built for guests
// alone, of what is embedded, and of other packages.
func TestSources(t *testing.T) {
	paths, err := sources(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"guest_test.go", "init.sh", "build.go", "../needs/needs.go"} {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(paths, path) {
			t.Errorf("%s is none of the sources: %q", file, paths)
		}
	}
	if err := openSources("."); err != nil {
		t.Error(err)
	}
}
