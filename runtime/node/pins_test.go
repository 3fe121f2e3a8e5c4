// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLayouts(t *testing.T) {
	dir := t.TempDir()
	if got, err := layouts(filepath.Join(dir, "missing")); err != nil || len(got) > 0 {
		t.Errorf("%v, %v", got, err)
	}
	for _, name := range []string{"v10", "v2", "v0", "v", "v01", "v-1", "v9999999999", "x"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	got, err := layouts(dir)
	if diff := cmp.Diff([]uint32{0, 2, 10}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestSlots(t *testing.T) {
	f := folder(t.TempDir())
	if err := f.create(); err != nil {
		t.Fatal(err)
	}
	pin := func(name string) {
		if err := os.WriteFile(filepath.Join(f.images(), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"7-0", "7-1", "1023-1", "0-0", next, "7-2", "x"} {
		pin(name)
	}
	got, err := f.slots()
	if diff := cmp.Diff([]uint32{0, 7, 1023}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	pin("1024-0")
	if got, err := f.slots(); err == nil {
		t.Errorf("a slot that cannot be: %v", got)
	}
}
