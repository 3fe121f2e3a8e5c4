// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/internal/kerneltest/lsmdiffer"
)

const workerProgram = "/tools/worker"

// container is a world of files, a cgroup, and a stack of processes.
type container struct {
	world, cgroup string
	processes     *worker
	// root leads to the world as the container sees it.
	root string
	// depth is how many processes there are. lost says that they are not what they should be.
	depth int
	lost  bool
}

func newContainer(number int, c lsmdiffer.Container) (*container, error) {
	w := &container{world: fmt.Sprint("/worlds/", number), cgroup: fmt.Sprint("/sys/fs/cgroup/", number)}
	err := errors.Join(os.MkdirAll(w.world, 0o755), os.Mkdir(w.cgroup, 0o755), unix.Mount("world", w.world, "tmpfs", 0, "mode=755"))
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(w.world+lsmdiffer.Bound, 0o755); err != nil {
		return nil, err
	}
	mount := func(source, at, kind string, flags uintptr) {
		err = errors.Join(err, os.MkdirAll(w.world+at, 0o755), unix.Mount(source, w.world+at, kind, flags, ""))
	}
	mount("proc", "/proc", "proc", 0)
	for _, m := range c.Mounts {
		mount("mount", m, "tmpfs", 0)
	}
	for _, m := range c.Binds {
		mount(w.world+lsmdiffer.Bound, m, "", unix.MS_BIND)
	}
	if err != nil {
		return nil, err
	}
	return w, errors.Join(os.MkdirAll(w.world+strings.Repeat("/d", lsmdiffer.Deep), 0o755), os.Symlink("/", w.world+lsmdiffer.RootLink))
}

// enter makes a process that is in the container but for its program, as a container runtime does: it is in the node's
// cgroup until it is in the container's namespace.
func (c *container) enter() error {
	w, err := startWorker()
	if err != nil {
		return err
	}
	c.processes, c.root, c.lost = w, fmt.Sprint("/proc/", w.pid, "/root"), false
	for _, call := range [][]any{
		{unix.SYS_UNSHARE, unix.CLONE_NEWNS},
		{unix.SYS_MOUNT, 0, "/", 0, unix.MS_REC | unix.MS_PRIVATE, 0},
		{unix.SYS_OPEN, c.cgroup + "/cgroup.procs", unix.O_WRONLY},
		{unix.SYS_CHDIR, c.world},
		{unix.SYS_PIVOT_ROOT, ".", "."},
		{unix.SYS_UMOUNT2, ".", unix.MNT_DETACH},
		{unix.SYS_CHDIR, "/"},
		{unix.SYS_WRITE, received, "0", 1},
		{unix.SYS_CLOSE, received},
	} {
		if _, err := w.must(call[0].(int), call[1:]...); err != nil {
			return fmt.Errorf("enter the container: %w", err)
		}
	}
	return nil
}

// leave ends the process that acts. The last one takes the container with it.
func (c *container) leave(last bool) error {
	if err := c.processes.send(-1, unix.SYS_EXIT_GROUP, 0); err != nil || !last {
		return err
	}
	err := unix.Close(c.processes.socket)
	var status unix.WaitStatus
	for pid := c.processes.pid; ; {
		if _, wrong := unix.Wait4(pid, &status, 0, nil); wrong != unix.EINTR {
			return errors.Join(err, wrong)
		}
	}
}
