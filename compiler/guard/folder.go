// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
)

// Bounds of one source of rules.
const (
	maxFiles = 10_000
	maxBytes = 16 << 20
)

// errTooLarge is about a source beyond the bounds.
var errTooLarge = fmt.Errorf("more than %d files or %d MiB of rules", maxFiles, maxBytes>>20)

// Open reads the rules of a folder, a file, or a bundle, which is a file whose
// name ends in .tar.gz. key is the path of the key that bundles must be signed
// by, or "".
func Open(path, key string) (Source, error) {
	var files []*diag.File
	var err error
	if strings.HasSuffix(path, ".tar.gz") {
		files, err = readBundle(path, key)
	} else {
		files, err = readFolder(path, isRule)
	}
	switch {
	case err != nil:
		return Source{}, fmt.Errorf("guardrails of %s: %w", path, err)
	case len(files) == 0:
		return Source{}, fmt.Errorf("guardrails of %s: there is no file with rules (*.rego; tests do not count)", path)
	}
	return Source{Files: files}, nil
}

// OpenWithTests reads the rules of a folder or file and the tests of them.
func OpenWithTests(path string) ([]*diag.File, error) {
	files, err := readFolder(path, func(name string) bool { return strings.HasSuffix(name, ".rego") })
	if err == nil && len(files) == 0 {
		err = errors.New("there is no file of Rego")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return files, nil
}

// isRule says whether a file has rules, and no tests of them.
func isRule(name string) bool {
	return strings.HasSuffix(name, ".rego") && !strings.HasSuffix(name, "_test.rego")
}

// readFolder reads the wanted files in a folder and below it.
func readFolder(root string, wanted func(name string) bool) ([]*diag.File, error) {
	var out []*diag.File
	left := int64(maxBytes)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != root && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case e.IsDir() || !wanted(path):
			return nil
		}
		info, err := os.Stat(path)
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("it is no regular file")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if left -= info.Size(); left < 0 || len(out) == maxFiles {
			return errTooLarge
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		out = append(out, diag.NewFile(filepath.ToSlash(path), text))
		return nil
	})
	return out, err
}
