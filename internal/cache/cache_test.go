// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestDir(t *testing.T) {
	root := filepath.Join(t.TempDir(), "cache")
	t.Setenv("AVERT_CACHE", root)
	dir, err := Dir("a", "b")
	if info, statErr := os.Stat(dir); err != nil || statErr != nil || !info.IsDir() || dir != filepath.Join(root, "a", "b") {
		t.Errorf("%q: %v, %v", dir, err, statErr)
	}
}

// TestMake holds that many at once make a thing once, and see it whole.
func TestMake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "thing")
	// What an interrupted run leaves.
	if err := os.Mkdir(path+".partial", 0o700); err != nil {
		t.Fatal(err)
	}
	var builds atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := Make(t.Context(), path, func(path string) error {
				builds.Add(1)
				return errors.Join(os.WriteFile(path, []byte("ha"), 0o600), os.WriteFile(path, []byte("whole"), 0o600))
			})
			if data, readErr := os.ReadFile(path); err != nil || string(data) != "whole" {
				t.Errorf("%q: %v, %v", data, err, readErr)
			}
		})
	}
	all.Wait()
	if builds.Load() != 1 {
		t.Errorf("made %d times", builds.Load())
	}
}

func TestMakeFails(t *testing.T) {
	dir := t.TempDir()
	path, broken := filepath.Join(dir, "thing"), errors.New("broken")
	err := Make(t.Context(), path, func(path string) error {
		return errors.Join(os.WriteFile(path, []byte("ha"), 0o600), broken)
	})
	if left, globErr := filepath.Glob(path + "*"); !errors.Is(err, broken) || globErr != nil || len(left) != 1 || left[0] != path+".lock" {
		t.Errorf("%v; left: %v", err, left)
	}
	if err := Make(t.Context(), path, func(path string) error { return os.Mkdir(path, 0o700) }); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := TryLock(path); second != nil || err != nil {
		t.Errorf("locked twice: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := Lock(ctx, path); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("%v", err)
	}
	unlock()
	second, err := TryLock(path)
	if second == nil || err != nil {
		t.Fatalf("still locked: %v", err)
	}
	second()
}
