// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/avert-dev/avert/compiler/syntax"
)

// FindConfig returns the path of the nearest .avert.yaml in dir or a folder
// above it, or "" when there is none. It looks no further than the root of the
// repository, the home folder and the root of the file system. Both folders
// are absolute; home may be "".
func FindConfig(dir, home string) (string, error) {
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
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, fmt.Errorf("cannot look for %s: %w", path, cause(err))
	}
}
