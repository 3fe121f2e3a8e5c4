// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"path"

	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/internal/kerneltest/lsmdiffer"
)

// attribute is what attempts on extended attributes change.
const attribute = "trusted.avert"

// made is an object that is there for an attempt.
type made struct {
	// at is where the node finds it, and fd a descriptor if the process gets one.
	at string
	fd int
	// folders were made for it, the upper ones first.
	folders []string
}

// prepare makes an object.
func (c *container) prepare(o *lsmdiffer.Object) (m *made, err error) {
	m = &made{fd: -1}
	if o.Path != "" {
		m.at = c.root + o.Path
	}
	switch o.Kind {
	case lsmdiffer.Memory:
		m.fd, err = unix.MemfdCreate("memory", unix.MFD_CLOEXEC)
		if err == nil {
			err = fill(m.fd, program)
		}
		if err == nil {
			// What is open for writing cannot be executed.
			m.fd, err = reopen(m.fd)
		}
		return m, err
	case lsmdiffer.PipeFD:
		var ends [2]int
		err := unix.Pipe2(ends[:], unix.O_CLOEXEC)
		m.fd = ends[0]
		return m, errors.Join(err, unix.Close(ends[1]))
	case lsmdiffer.Foreign:
		m.at = c.world + foreignFile
		if err := put(m.at, program, 0o755); err != nil {
			return m, err
		}
		m.fd, err = unix.Open(m.at, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return m, err
	case lsmdiffer.Fixture:
		return m, nil
	}
	if o.Path == "" {
		return m, nil // there is no second object
	}
	if err := m.parents(c.root, path.Dir(o.Path)); err != nil {
		return m, err
	}
	switch o.Kind {
	case lsmdiffer.Absent:
	case lsmdiffer.File, lsmdiffer.Deleted:
		err = put(m.at, program, 0o755)
	case lsmdiffer.Folder:
		err = unix.Mkdir(m.at, 0o755)
	case lsmdiffer.SymbolicLink:
		err = unix.Symlink("nowhere", m.at)
	case lsmdiffer.Pipe:
		err = unix.Mkfifo(m.at, 0o644)
	case lsmdiffer.Program:
		// The image of a process stays when its name is removed.
		err = put(m.at, program, 0o755)
	case lsmdiffer.Script:
		err = put(m.at, []byte("#!"+o.Interpreter+"\n"), 0o755)
	default:
		err = fmt.Errorf("an object of kind %d", o.Kind)
	}
	if err == nil && o.Kind == lsmdiffer.Deleted {
		if m.fd, err = unix.Open(m.at, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			err = unix.Unlink(m.at)
		}
	}
	return m, err
}

// foreignFile is a file of the node's view of the world.
const foreignFile = "/.foreign"

// parents makes the folders that are missing.
func (m *made) parents(root, folder string) error {
	if folder == "/" {
		return nil
	}
	err := unix.Mkdir(root+folder, 0o755)
	switch {
	case err == nil:
		m.folders = append(m.folders, root+folder)
	case errors.Is(err, unix.ENOENT):
		if err := m.parents(root, path.Dir(folder)); err != nil {
			return err
		}
		return m.parents(root, folder)
	case !errors.Is(err, unix.EEXIST):
		return fmt.Errorf("mkdir %q: %w", root+folder, err)
	}
	return nil
}

// remove takes away what prepare made, whatever became of it.
func (m *made) remove(k lsmdiffer.Kind) (err error) {
	if m.fd >= 0 {
		err = unix.Close(m.fd)
	}
	if k == lsmdiffer.Fixture {
		return err
	}
	if m.at != "" && (!k.ByDescriptor() || k == lsmdiffer.Foreign) {
		err = errors.Join(err, removeOne(m.at))
	}
	for i := len(m.folders) - 1; i >= 0; i-- {
		err = errors.Join(err, removeOne(m.folders[i]))
	}
	return err
}

func removeOne(at string) error {
	err := unix.Unlink(at)
	if errors.Is(err, unix.EISDIR) {
		err = unix.Rmdir(at)
	}
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.ENOTDIR) {
		return nil // the other object of a move is in it, or it has gone with a folder that was moved
	}
	if err != nil {
		return fmt.Errorf("remove %q: %w", at, err)
	}
	return nil
}

// state is all of an object that attempts can change.
func (m *made) state(k lsmdiffer.Kind) string {
	var s unix.Stat_t
	var err error
	value := make([]byte, 16)
	n := 0
	if k.ByDescriptor() {
		err = unix.Fstat(m.fd, &s)
		n, _ = unix.Fgetxattr(m.fd, attribute, value)
	} else if err = unix.Lstat(m.at, &s); err == nil {
		n, _ = unix.Lgetxattr(m.at, attribute, value)
	}
	if err != nil {
		return err.Error()
	}
	list := ""
	if k == lsmdiffer.File || k == lsmdiffer.Folder {
		size, _ := unix.Lgetxattr(m.at, accessList, nil)
		list = fmt.Sprint(size)
	}
	return fmt.Sprintf("%d %o %d:%d %d %d %d.%d %s %q", s.Ino, s.Mode, s.Uid, s.Gid, s.Nlink, s.Size, s.Mtim.Sec, s.Mtim.Nsec, list, value[:max(n, 0)])
}

func put(at string, data []byte, mode uint32) error {
	fd, err := unix.Open(at, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, mode)
	if err != nil {
		return fmt.Errorf("make %q: %w", at, err)
	}
	return errors.Join(fill(fd, data), unix.Close(fd))
}

func fill(fd int, data []byte) error {
	n, err := unix.Write(fd, data)
	if err == nil && n != len(data) {
		err = unix.ENOSPC
	}
	return err
}

// reopen exchanges a descriptor for one that can only be read.
func reopen(fd int) (int, error) {
	read, err := unix.Open(fmt.Sprint("/proc/self/fd/", fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return read, errors.Join(err, unix.Close(fd))
}
