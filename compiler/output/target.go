// SPDX-License-Identifier: Apache-2.0

package output

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
)

// target is a folder to write or verify. Everything goes through its parent as an [os.Root], which no symbolic link
// leaves; in the tree itself no symbolic link is followed.
type target struct {
	dir    string   // absolute, for messages
	parent *os.Root // nil when not even the parent exists
	base   string   // name of the tree in parent
}

// createTarget opens dir for Write: its parent is created, and dir itself must be a folder that can be replaced.
func createTarget(dir string) (*target, error) {
	if dir == "" {
		return nil, errors.New("no output folder given")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil {
		return nil, fmt.Errorf("cannot create the folder that is to hold %s: %w", abs, err)
	}
	t, err := openTarget(abs)
	if err != nil {
		return nil, err
	}
	if err := t.checkReplaceable(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// openTarget opens dir, which need not exist.
func openTarget(dir string) (*target, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	parent, base := filepath.Split(abs)
	if base == "" {
		return nil, fmt.Errorf("%s cannot be the output folder: choose a folder of its own", abs)
	}
	root, err := os.OpenRoot(parent)
	if err != nil {
		return nil, fmt.Errorf("cannot open the folder that holds %s: %w", abs, err)
	}
	t := &target{dir: abs, parent: root, base: base}
	switch info, err := root.Lstat(base); {
	case isAbsent(err):
	case err != nil:
		t.close()
		return nil, err
	case info.Mode()&fs.ModeSymlink != 0:
		t.close()
		return nil, fmt.Errorf("%s is a symbolic link: give the folder that it points to", abs)
	case !info.IsDir():
		t.close()
		return nil, fmt.Errorf("%s is a file: choose another output folder, or remove it", abs)
	}
	return t, nil
}

// checkReplaceable refuses folders that cannot or should not be exchanged for another one.
func (t *target) checkReplaceable() error {
	info, err := t.parent.Lstat(t.base)
	if isAbsent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	outer, err := t.parent.Stat(".")
	if err != nil {
		return err
	}
	if device(info) != device(outer) {
		return t.mountError(t.dir)
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil // the current folder is gone: it is not this one
	}
	for up := cwd; ; up = filepath.Dir(up) {
		if here, err := os.Stat(up); err == nil && os.SameFile(here, info) {
			return fmt.Errorf("%s is, or holds, the current folder, which cannot be replaced as a whole: choose a sub-folder such as %s",
				t.dir, filepath.Join(t.dir, "out"))
		}
		if up == filepath.Dir(up) {
			return nil
		}
	}
}

func (t *target) mountError(dir string) error {
	return fmt.Errorf("%s is a mount point, and the output folder is replaced as a whole: choose a folder that neither is nor holds one, such as a sub-folder of it", dir)
}

func (t *target) close() {
	if t != nil {
		t.parent.Close()
	}
}

// in is the name, relative to the parent, of a path in the tree.
func (t *target) in(p string) string { return path.Join(t.base, p) }

// lstat describes a path in the tree. It fails with ENOTDIR when a parent of it is anything but a folder.
func (t *target) lstat(p string) (fs.FileInfo, error) {
	if t == nil {
		return nil, fs.ErrNotExist
	}
	if p != "." {
		up, err := t.lstat(path.Dir(p))
		if err != nil {
			return nil, err
		}
		if !up.IsDir() {
			return nil, &fs.PathError{Op: "lstat", Path: path.Dir(p), Err: syscall.ENOTDIR}
		}
	}
	return t.parent.Lstat(t.in(p))
}

// holds reports whether a path in the tree is a regular file with the given hash.
func (t *target) holds(p, sum string) (bool, error) {
	info, err := t.lstat(p)
	if err != nil || !info.Mode().IsRegular() {
		return false, err
	}
	f, err := t.parent.Open(t.in(p))
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return false, err
	}
	return hex.EncodeToString(h.Sum(nil)) == sum, nil
}

// readIndex reads the index of the tree.
func (t *target) readIndex() (index, error) {
	info, err := t.lstat(indexName)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", filepath.Join(t.dir, indexName))
	}
	f, err := t.parent.Open(t.in(indexName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	x, err := decodeIndex(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; restore it, or remove the whole folder and generate it again", filepath.Join(t.dir, indexName), err)
	}
	return x, nil
}

// isAbsent tells a path that does not exist, also because a parent of it is no folder, from one that cannot be examined.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// device is the file system that a file is on.
func device(info fs.FileInfo) uint64 {
	return uint64(info.Sys().(*syscall.Stat_t).Dev)
}
