// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// watchInterval is how often files are looked at. Looking works on every file
// system, which asking the kernel for changes does not.
const watchInterval = 250 * time.Millisecond

// watch runs lint, and again whenever a file changes that it may read: below
// paths, or what lint notes that it is about to read beside them. Only a signal
// ends it.
func (a *app) watch(paths []string, lint func(*readings) error) error {
	if slices.Contains(paths, "-") {
		return usagef("standard input cannot be watched")
	}
	for {
		// What changes while lint runs is seen after it.
		r := &readings{stamps: map[string]stamp{}}
		r.note(paths...)
		if err := lint(r); err != nil && !errors.Is(err, errFindings) {
			fmt.Fprintf(a.stderr, "avert: %v\n", err)
		}
		for maps.Equal(r.stamps, stamps(r.paths)) {
			time.Sleep(watchInterval)
		}
	}
}

// readings are files and folders as they were before they were read.
type readings struct {
	paths  []string
	stamps map[string]stamp
}

// note is called before paths are read. Without a watch r is nil.
func (r *readings) note(paths ...string) {
	if r != nil {
		r.paths = append(r.paths, paths...)
		maps.Copy(r.stamps, stamps(paths))
	}
}

// stamp changes when a file is written.
type stamp struct {
	size     int64
	modified time.Time
}

// watched are the extensions of files that lint may read.
var watched = []string{".yaml", ".yml", ".rego", ".gz", ".pem"}

// stamps looks at files, and those below folders. What cannot be read is absent.
func stamps(paths []string) map[string]stamp {
	out := map[string]stamp{}
	for _, root := range paths {
		// Errors are lint's to report; here they only make a file absent.
		_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || path != root && !slices.Contains(watched, filepath.Ext(path)) {
				return nil
			}
			if info, err := os.Stat(path); err == nil {
				out[path] = stamp{info.Size(), info.ModTime()}
			}
			return nil
		})
	}
	return out
}
