// SPDX-License-Identifier: Apache-2.0

// Package cache keeps what tests fetch and prepare outside of the repository: kernels, packages. It is safe against
// concurrent processes and interrupted runs. It is not a store of anything that cannot be made again: the whole folder may
// be deleted at any time that nothing runs.
package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Dir returns the folder with the given name below the cache, and creates it. The cache is $AVERT_CACHE, or the folder avert
// of the user's caches.
func Dir(name ...string) (string, error) {
	root := os.Getenv("AVERT_CACHE")
	if root == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no folder for the cache: %w; set AVERT_CACHE", err)
		}
		root = filepath.Join(user, "avert")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(append([]string{root}, name...)...)
	return dir, os.MkdirAll(dir, 0o700)
}

// Lock waits for the lock file at path, which one process of the machine holds at a time. The lock ends with the process.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	for {
		unlock, err := TryLock(path)
		if unlock != nil || err != nil {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the lock %s: %w", path, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// TryLock is Lock without waiting: it returns nil and no error when another holds the lock.
func TryLock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case err == nil:
		return func() { f.Close() }, nil
	case errors.Is(err, unix.EWOULDBLOCK), errors.Is(err, unix.EINTR):
		f.Close()
		return nil, nil
	default:
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
}

// Make makes path, a file or a folder, with build unless it is there. build gets another path beside it, where nothing is,
// and what it makes there becomes path when it is complete.
func Make(ctx context.Context, path string, build func(path string) error) error {
	if exists(path) {
		return nil
	}
	unlock, err := Lock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if exists(path) {
		return nil
	}
	partial := path + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := build(partial); err != nil {
		return errors.Join(err, os.RemoveAll(partial))
	}
	return os.Rename(partial, path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
