// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/avert-dev/avert/compiler/ruletable"
)

// readTables reads every rule table in and below folders.
func readTables(folders []string) ([]*ruletable.Table, error) {
	var out []*ruletable.Table
	for _, folder := range folders {
		before := len(out)
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ruletable.Extension) {
				return err
			}
			t, err := readTable(path)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			out = append(out, t)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(out) == before {
			return nil, fmt.Errorf("%s has no rule tables (*%s); avert compile writes them into nodes/apparmor and nodes/selinux", folder, ruletable.Extension)
		}
	}
	return out, nil
}

func readTable(path string) (*ruletable.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, ruletable.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	return ruletable.Decode(data)
}
