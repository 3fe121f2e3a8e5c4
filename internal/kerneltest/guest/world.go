// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/internal/kerneltest/wire"
)

// world is the root file system of the processes: a tmpfs of its own, so that a case can have any file at any path, and what
// a program of the guest needs is in nobody's way.
type world struct {
	job  *wire.Job
	root string // before all paths; empty if it is the root of this process
}

// The folder of the world that is not part of any case, and the probe in it that becomes the first program.
const (
	own      = ".avert"
	launcher = "/" + own + "/probe"
)

func newWorld(job *wire.Job) (*world, error) {
	const root = "/avert/world"
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	if err := unix.Mount("tmpfs", root, "tmpfs", 0, "mode=755"); err != nil {
		return nil, fmt.Errorf("mount the world: %w", err)
	}
	for _, kernel := range []string{"/proc", "/sys"} {
		if err := os.Mkdir(root+kernel, 0o755); err != nil {
			return nil, err
		}
		if err := unix.Mount(kernel, root+kernel, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return nil, fmt.Errorf("mount %s in the world: %w", kernel, err)
		}
	}
	if err := os.Chdir(root); err != nil {
		return nil, err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return nil, fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return nil, fmt.Errorf("leave the old root: %w", err)
	}
	if err := errors.Join(os.Chdir("/"), os.Mkdir("/"+own, 0o755), os.WriteFile(launcher, job.Program, 0o755)); err != nil {
		return nil, err
	}
	// Yama asks for a capability to trace a process that is no descendant. AppArmor is what is tested.
	return &world{job: job}, os.WriteFile("/proc/sys/kernel/yama/ptrace_scope", []byte("0"), 0)
}

// newContainer prepares the root of a container.
func newContainer(job *wire.Job) (*world, error) {
	w := &world{job, wire.Root}
	options := "mode=755"
	if len(job.SELinux) > 0 {
		// The kernel takes a policy in one write.
		if err := os.WriteFile("/sys/fs/selinux/load", job.SELinux, 0); err != nil {
			return nil, fmt.Errorf("load the policy: %w", err)
		}
		if err := os.WriteFile("/sys/fs/selinux/enforce", []byte("1"), 0); err != nil {
			return nil, err
		}
		options += ",context=system_u:object_r:container_file_t:s0"
	}
	if err := unix.Mount("tmpfs", w.root, "tmpfs", 0, options); err != nil {
		return nil, fmt.Errorf("mount the root of the container: %w", err)
	}
	return w, nil
}

// clear removes all that is not the world's own.
func (w *world) clear() error {
	entries, err := os.ReadDir(w.root + "/")
	for _, e := range entries {
		if name := e.Name(); name != own && name != "proc" && name != "sys" {
			err = errors.Join(err, os.RemoveAll(w.root+"/"+name))
		}
	}
	return err
}

// make makes a file in place of what was there.
func (w *world) make(f wire.File) error {
	f.Path = w.root + f.Path
	if f.Kind == wire.Absent {
		return errors.Join(makeParents(f.Path), os.RemoveAll(f.Path))
	}
	err := w.put(f)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) {
		if err := makeParents(f.Path); err != nil {
			return err
		}
		err = w.put(f)
	}
	if errors.Is(err, syscall.EEXIST) {
		if err := os.RemoveAll(f.Path); err != nil {
			return err
		}
		err = w.put(f)
	}
	return err
}

// put makes a file where there is none, in a folder that exists.
func (w *world) put(f wire.File) error {
	switch f.Kind {
	case wire.Program:
		return write(f.Path, w.job.Program, 0o755)
	case wire.Dynamic:
		return write(f.Path, w.job.Dynamic, 0o755)
	case wire.Loader:
		return write(f.Path, w.job.Loader, 0o755)
	case wire.Script:
		return write(f.Path, []byte("#!"+f.Text+"\n"), 0o755)
	case wire.Regular:
		return write(f.Path, []byte(f.Text+"\n"), 0o644)
	case wire.Dir:
		return unix.Mkdir(f.Path, 0o755)
	case wire.Symlinked:
		return unix.Symlink(f.Text, f.Path)
	}
	return fmt.Errorf("of the unknown kind %d", f.Kind)
}

// write avoids package os, which takes an emulated processor three times as long.
func write(path string, data []byte, mode uint32) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, mode)
	if err != nil {
		return err
	}
	n, err := unix.Write(fd, data)
	if err == nil && n != len(data) {
		err = unix.ENOSPC
	}
	return errors.Join(err, unix.Close(fd))
}

// makeParents makes the folders above a path, in place of files that are no folders.
func makeParents(path string) error {
	parent := filepath.Dir(path)
	if parent == path {
		return nil
	}
	info, err := os.Stat(parent)
	if err == nil && info.IsDir() {
		return nil
	}
	if err := makeParents(parent); err != nil {
		return err
	}
	if err := os.Remove(parent); err != nil && !errors.Is(err, syscall.ENOENT) {
		return err
	}
	return os.Mkdir(parent, 0o755)
}
