// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/syntax"
)

// indexName marks a tree that avert generated (see package output).
const indexName = ".avert-index.json"

// MaxEntries is how many files and folders the folders of one run may hold.
const MaxEntries = 1_000_000

// folder reads what a folder holds, and says whether there was anything.
// real is its path without symbolic links, above those of the folders that led
// here.
func (r *reader) folder(path, real string, above []string) bool {
	if slices.Contains(above, real) {
		r.report(path, &fault{diag.UnreadableInput, "a loop of symbolic links: it leads back to a folder that holds it", "remove the link"})
		return true
	}
	if found, ok := r.folders[real]; ok {
		return found
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		r.fail(fmt.Errorf("cannot read the folder %s: %w", path, cause(err)))
		return true
	}
	found := false
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == indexName }) {
		above = append(slices.Clip(above), real)
		for _, e := range entries {
			if r.entries++; r.entries > MaxEntries {
				r.limit(path, fmt.Sprintf("more than %d files and folders", MaxEntries))
			}
			if r.full {
				break
			}
			if r.entry(filepath.Join(path, e.Name()), filepath.Join(real, e.Name()), e.Type(), above) {
				found = true
			}
		}
	}
	r.folders[real] = found
	return found
}

// entry reads one entry of a folder, and says whether it is or holds input.
func (r *reader) entry(path, real string, mode fs.FileMode, above []string) bool {
	base := filepath.Base(path)
	if strings.HasPrefix(base, ".") && base != syntax.ConfigName {
		return false
	}
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(path)
		if err == nil {
			real, err = filepath.EvalSymlinks(path)
		}
		if broken := brokenLink(path, err); broken != nil {
			r.report(path, broken)
			return true
		}
		if err != nil {
			r.fail(fmt.Errorf("cannot read %s: %w", path, cause(err)))
			return true
		}
		mode = info.Mode().Type()
	}
	if mode.IsDir() {
		return r.folder(path, real, above)
	}
	if ext := filepath.Ext(base); ext != ".yaml" && ext != ".yml" {
		return false
	}
	r.file(path, real, false)
	return true
}

// brokenLink says in words why a symbolic link leads nowhere, or returns nil
// when err is something else.
func brokenLink(path string, err error) *fault {
	if errors.Is(err, syscall.ELOOP) {
		return &fault{diag.UnreadableInput, "a loop of symbolic links", "remove the link"}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	to, err := os.Readlink(path)
	if err != nil {
		return nil
	}
	return &fault{diag.UnreadableInput, fmt.Sprintf("a symbolic link to %s, which does not exist", to), "restore what it points to, or remove it"}
}
