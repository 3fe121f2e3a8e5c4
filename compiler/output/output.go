// SPDX-License-Identifier: Apache-2.0

// Package output writes a generated tree of files to a folder, as a whole or not at all, and tells a tree that is
// current from one that is not.
//
// A new tree is staged in a folder beside the target, on the same file system, synced, and exchanged with the target in
// one system call. Whatever happens, an error, a full disk, SIGKILL or a power cut, the target is the whole old tree or
// the whole new one. An index file in the tree names what was generated, so that files of other origin survive, and
// files that are no longer produced can be told from edited ones.
//
// The package knows nothing of what the files hold, and runs on Linux and macOS.
package output

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
)

// File is one file to generate.
type File struct {
	Path string // relative to the tree, with slashes, clean
	Data []byte
}

// Options of Write.
type Options struct {
	// Prune removes generated files that are no longer produced, except those that were edited since.
	Prune bool
}

// Result lists what Write did, by path in the tree; each list is sorted.
type Result struct {
	Written   []string // new or with other content than before
	Unchanged []string // already as wanted, and not touched
	Pruned    []string // generated before, no longer produced, removed
	Kept      []string // generated before, no longer produced, still there: with Prune, because edited since
}

// Kind says how a file on disk differs from the one that would be generated.
type Kind string

// The kinds of Difference.
const (
	Missing    Kind = "missing"    // would be generated, is not there
	Changed    Kind = "changed"    // has other content, or is no regular file
	Stale      Kind = "stale"      // was generated, is no longer produced
	Unreadable Kind = "unreadable" // cannot be read
)

// Difference is one file that is not current.
type Difference struct {
	Path string
	Kind Kind
}

// Write makes dir hold files, apart from what others put there. Missing parents of dir are created. When nothing differs
// nothing is touched. An error leaves the tree at dir as it was, unless its text says that the new one is in place.
//
// Only one run writes a tree at a time: a second one waits a few seconds for the first, then fails.
func Write(dir string, files []File, opt Options) (Result, error) {
	w, err := newWanted(files)
	if err != nil {
		return Result{}, err
	}
	t, err := createTarget(dir)
	if err != nil {
		return Result{}, err
	}
	defer t.close()

	if !t.siblingExists() {
		p, err := newPlan(t, w, opt)
		if err != nil || p.nothingToDo() {
			return p.result, err
		}
	}
	l, err := t.lock(lockPatience)
	if err != nil {
		return Result{}, err
	}
	defer l.unlock()
	// What was seen before the lock was held may be out of date.
	p, err := newPlan(t, w, opt)
	if err != nil || p.nothingToDo() {
		return p.result, err
	}
	if err := p.apply(); err != nil {
		return Result{}, err
	}
	return p.result, nil
}

// Verify lists, sorted by path, where the tree at dir differs from what Write would make of it. Files of other origin
// are no difference. It changes nothing.
func Verify(dir string, files []File) ([]Difference, error) {
	w, err := newWanted(files)
	if err != nil {
		return nil, err
	}
	t, err := openTarget(dir)
	if isAbsent(err) {
		t, err = nil, nil // not even a parent: everything is missing
	}
	if err != nil {
		return nil, err
	}
	defer t.close()

	var found []Difference
	add := func(path string, kind Kind) { found = append(found, Difference{path, kind}) }
	for _, f := range w.files {
		switch same, err := t.holds(f.Path, w.index[f.Path]); {
		case isAbsent(err):
			add(f.Path, Missing)
		case err != nil:
			add(f.Path, Unreadable)
		case !same:
			add(f.Path, Changed)
		}
	}
	old, err := t.readIndex()
	switch {
	case isAbsent(err):
		add(indexName, Missing)
	case err != nil:
		add(indexName, Unreadable)
	default:
		for p := range old {
			if _, produced := w.index[p]; produced {
				continue
			}
			if _, err := t.lstat(p); err == nil {
				add(p, Stale)
			}
			delete(old, p)
		}
		if !maps.Equal(old, w.index) {
			add(indexName, Changed)
		}
	}
	slices.SortFunc(found, func(a, b Difference) int { return strings.Compare(a.Path, b.Path) })
	return found, nil
}

// wanted is the tree to generate.
type wanted struct {
	files []File // sorted by path
	index index
}

// newWanted checks that files are a tree that stays inside its folder.
func newWanted(files []File) (wanted, error) {
	w := wanted{files: slices.Clone(files), index: index{}}
	slices.SortFunc(w.files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, f := range w.files {
		if err := checkPath(f.Path); err != nil {
			return wanted{}, fmt.Errorf("generated file: %w", err)
		}
		if _, twice := w.index[f.Path]; twice {
			return wanted{}, fmt.Errorf("generated file %s: two back-ends produce it", f.Path)
		}
		w.index[f.Path] = hash(f.Data)
	}
	for _, f := range w.files {
		for up := path.Dir(f.Path); up != "."; up = path.Dir(up) {
			if _, file := w.index[up]; file {
				return wanted{}, fmt.Errorf("generated file %s: %s is a generated file, not a folder", f.Path, up)
			}
		}
	}
	return w, nil
}

// pathLimit is the length of the longest path in a tree, in bytes.
const pathLimit = 1024

// checkPath accepts a clean relative path with slashes that stays in the tree and is not the index.
func checkPath(p string) error {
	switch {
	case !fs.ValidPath(p) || p == "." || len(p) > pathLimit:
		return fmt.Errorf("path %q is not a clean relative path inside the tree, of at most %d bytes", p, pathLimit)
	case strings.ContainsFunc(p, func(r rune) bool { return unicode.IsControl(r) || r == '\\' || r == unicode.ReplacementChar }):
		return fmt.Errorf("path %q holds a control character, a backslash or invalid UTF-8", p)
	case p == indexName:
		return fmt.Errorf("path %q is the name of the index", p)
	}
	return nil
}
