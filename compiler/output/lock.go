// SPDX-License-Identifier: Apache-2.0

package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockPatience is how long a run waits for another one that writes the same tree.
const lockPatience = 10 * time.Second

// sibling is the name, beside the tree, of the folder that is the lock and holds the staged tree.
func (t *target) sibling() string { return "." + t.base + ".avert" }

// staged is the name of the staged tree, and after the exchange of the old one.
func (t *target) staged() string { return filepath.Join(t.sibling(), "tree") }

// siblingExists reports whether another run is at work, or was killed.
func (t *target) siblingExists() bool {
	_, err := t.parent.Lstat(t.sibling())
	return err == nil
}

// held is the lock on a tree: an advisory lock on the sibling folder, which the kernel drops when the process ends,
// however it ends.
type held struct {
	t      *target
	folder *os.File
}

// lock takes the lock, for which it waits at most as long as patience, and clears away what a killed run left in the sibling folder.
func (t *target) lock(patience time.Duration) (*held, error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		folder, err := t.tryLock()
		if err != nil {
			return nil, err
		}
		if folder != nil {
			l := &held{t, folder}
			if err := t.removeStaged(); err != nil {
				l.unlock()
				return nil, fmt.Errorf("cannot clear away what an interrupted run left: %w", err)
			}
			return l, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("another run is writing %s: waited %v for it; try again when it is done", t.dir, patience)
		}
	}
}

// tryLock returns the locked sibling folder, or nil when another run has it.
func (t *target) tryLock() (*os.File, error) {
	name := t.sibling()
	where := filepath.Join(filepath.Dir(t.dir), name)
	if err := t.parent.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
			return nil, fmt.Errorf("cannot create %s, in which the new tree is prepared: make %s writable, or choose an output folder in a writable one: %w",
				where, filepath.Dir(t.dir), err)
		}
		return nil, err
	}
	folder, err := t.parent.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the other run has just ended
	}
	if err != nil {
		return nil, err
	}
	switch err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		folder.Close()
		return nil, nil
	case err != nil:
		folder.Close()
		return nil, fmt.Errorf("cannot lock %s: %w", where, err)
	}
	// The run that had the lock removes the folder before it lets go, so the name may stand for another one by now.
	info, err := folder.Stat()
	if err == nil {
		var named fs.FileInfo
		if named, err = t.parent.Lstat(name); err == nil && !os.SameFile(info, named) {
			err = fs.ErrNotExist
			if named.Mode()&fs.ModeSymlink != 0 {
				err = fmt.Errorf("%s is a symbolic link: remove it", where)
			}
		}
	}
	if err == nil && (info.Sys().(*syscall.Stat_t).Uid != uint32(os.Geteuid()) || info.Mode().Perm() != 0o700) {
		err = fmt.Errorf("%s is not a folder that avert made for this user: remove it", where)
	}
	if err != nil {
		folder.Close()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	return folder, nil
}

// unlock removes the sibling folder while the lock is held, so that a waiting run finds it gone, and lets go.
func (l *held) unlock() {
	// After an error a staged tree may be left; the next run clears it away if it cannot be removed now.
	if l.t.removeStaged() == nil {
		_ = l.t.parent.Remove(l.t.sibling())
	}
	l.folder.Close()
}

// removeStaged removes the staged tree, also where it holds folders that are not writable.
func (t *target) removeStaged() error {
	name := t.staged()
	err := t.parent.RemoveAll(name)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = fs.WalkDir(t.parent.FS(), name, func(p string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			_ = t.parent.Chmod(p, 0o700)
		}
		return nil
	})
	return t.parent.RemoveAll(name)
}
