// SPDX-License-Identifier: Apache-2.0

package output

import (
	"errors"
	"fmt"
	"syscall"
)

// exchange puts the staged tree in the place of the target in one step; what was there is then in the staged tree's.
func (t *target) exchange(exists bool) error {
	parent, err := t.parent.Open(".")
	if err != nil {
		return err
	}
	defer parent.Close()
	if exists {
		err = swap(int(parent.Fd()), t.staged(), t.base)
	} else {
		err = t.parent.Rename(t.staged(), t.base)
	}
	switch {
	case errors.Is(err, syscall.EBUSY):
		return t.mountError(t.dir)
	case errors.Is(err, syscall.EXDEV), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EOPNOTSUPP):
		return fmt.Errorf("the file system cannot exchange two folders in one step, and %s is as it was: remove it first, or choose a folder on a local file system: %w", t.dir, err)
	case err != nil:
		return fmt.Errorf("cannot put the new tree in place, and %s is as it was: %w", t.dir, err)
	}
	if err := parent.Sync(); err != nil {
		return fmt.Errorf("the new tree is in place at %s, but may not survive a power cut: %w", t.dir, err)
	}
	return nil
}
