// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/avert-dev/avert/compiler/syntax"
)

// FindConfig returns the path of the configuration for the files and folders
// that args name, as Read takes them, or "" when there is none: the nearest
// .avert.yaml in the folder that holds them all or one above it, else in the
// working folder or one above that. It looks no further up than the root of a
// repository, the home folder, which may be "", and the root of the file
// system. The path is relative to the working folder.
func FindConfig(args []string, home string) (string, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("cannot tell the working folder: %w", err)
	}
	path := ""
	if dir := common(args, cwd); dir != "" {
		path, err = upwards(dir, home)
	}
	if path == "" && err == nil {
		path, err = upwards(cwd, home)
	}
	if path == "" || err != nil {
		return "", err
	}
	return filepath.Rel(cwd, path)
}

// common is the deepest folder that holds everything that args name, or "".
func common(args []string, cwd string) string {
	dir := ""
	for _, arg := range args {
		if arg == "-" {
			continue
		}
		if !filepath.IsAbs(arg) {
			arg = filepath.Join(cwd, arg)
		}
		if info, err := os.Stat(arg); err != nil || !info.IsDir() {
			arg = filepath.Dir(arg)
		}
		if dir == "" {
			dir = filepath.Clean(arg)
		}
		for !within(dir, arg) {
			dir = filepath.Dir(dir)
		}
	}
	return dir
}

// within says whether a folder is or holds a path; both are absolute.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// upwards looks in dir and above it.
func upwards(dir, home string) (string, error) {
	for {
		path := filepath.Join(dir, syntax.ConfigName)
		if ok, err := exists(path); ok || err != nil {
			return path, err
		}
		repository, err := exists(filepath.Join(dir, ".git"))
		if err != nil {
			return "", err
		}
		up := filepath.Dir(dir)
		if repository || dir == home || dir == up {
			return "", nil
		}
		dir = up
	}
}

func exists(path string) (bool, error) {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return false, nil
	default:
		return false, fmt.Errorf("cannot look for %s: %w", path, cause(err))
	}
}
