// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"os"
	"path/filepath"
	"slices"
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

func TestChanging(t *testing.T) {
	f := folder(t.TempDir())
	if err := f.create(); err != nil {
		t.Fatal(err)
	}
	expect := func(want ...uint32) {
		t.Helper()
		got, err := f.changing()
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v, not %v", got, err, want)
		}
	}
	expect()
	for _, slot := range []uint32{7, 1023, 0, 7} {
		if err := f.change(slot); err != nil {
			t.Error(err)
		}
	}
	expect(0, 7, 1023)
	for range 2 {
		if err := f.changed(7); err != nil {
			t.Error(err)
		}
	}
	expect(0, 1023)
	for _, name := range []string{"1024", "x", "-1"} {
		path := filepath.Join(f.changes(), name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if got, err := f.changing(); err == nil {
			t.Errorf("%s is a slot: %v", name, got)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
