// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/source"
)

// checkout reads the paths as they are in a commit. A path that the commit does
// not have holds no file: it was added since.
func (a *app) checkout(revision string, paths []string, list *diag.List) ([]source.File, error) {
	commit, err := git(nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil {
		return nil, fmt.Errorf("git knows no commit %q here: %w", revision, err)
	}
	dir, err := os.MkdirTemp("", "avert-diff-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var there []string
	for _, path := range paths {
		if filepath.IsAbs(path) || !filepath.IsLocal(path) {
			return nil, usagef("with --git a path is relative and below the working folder, and %s is not", path)
		}
		found, err := export(strings.TrimSpace(string(commit)), filepath.ToSlash(filepath.Clean(path)), dir)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", path, revision, err)
		}
		if found {
			there = append(there, filepath.Join(dir, path))
		}
	}
	if len(there) == 0 {
		return nil, nil
	}
	files, err := source.Read(there, dir, nil, list)
	for i := range files {
		files[i].Name = revision + ":" + files[i].Name
	}
	return files, err
}

// export writes the files of a commit below path into a folder.
func export(commit, path, dir string) (found bool, err error) {
	tree, err := git(nil, "ls-tree", "-r", "-z", commit, "--", path)
	if err != nil {
		return false, err
	}
	var names []string
	var hashes bytes.Buffer
	for _, entry := range strings.Split(strings.TrimSuffix(string(tree), "\x00"), "\x00") {
		meta, name, ok := strings.Cut(entry, "\t")
		fields := strings.Fields(meta)
		if !ok || len(fields) != 3 || !strings.HasPrefix(fields[0], "100") || !filepath.IsLocal(name) {
			continue // a link or a submodule
		}
		if ext := filepath.Ext(name); name == path || ext == ".yaml" || ext == ".yml" {
			names = append(names, name)
			fmt.Fprintln(&hashes, fields[2])
		}
	}
	if len(names) == 0 {
		return false, nil
	}
	blobs, err := git(&hashes, "cat-file", "--batch")
	if err != nil {
		return false, err
	}
	in := bufio.NewReader(bytes.NewReader(blobs))
	for _, name := range names {
		header, err := in.ReadString('\n') // HASH blob SIZE
		if err != nil {
			return false, err
		}
		fields := strings.Fields(header)
		size, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil {
			return false, fmt.Errorf("git cat-file says %q", header)
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(in, text); err != nil {
			return false, err
		}
		if _, err := in.Discard(1); err != nil {
			return false, err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return false, err
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return false, err
		}
	}
	return true, nil
}

// git runs git in the working folder.
func git(stdin io.Reader, args ...string) ([]byte, error) {
	cmd := exec.Command("git", args...)
	cmd.Stdin = stdin
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(bytes.TrimSpace(exit.Stderr)) > 0 {
		return nil, errors.New(string(bytes.TrimSpace(exit.Stderr)))
	}
	return out, err
}
