// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// reads is the effect of reading what is secret.
func reads(path string) error { return readsAt(unix.AT_FDCWD, path) }

func readsAt(folder int, path string) error {
	fd, err := unix.Openat(folder, path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %.200q: %w", path, err)
	}
	return readsFrom(fd)
}

func readsFrom(fd int) error {
	content := make([]byte, 64)
	n, err := unix.Pread(fd, content, 0)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if string(content[:n]) != "secret" {
		return fmt.Errorf("the content is %q", content[:n])
	}
	return ran()
}

// runs starts a program in a process of its own; it says itself that it ran.
func runs(path string, arguments ...string) error {
	cmd := exec.Command(path, arguments...)
	cmd.Stdout = os.Stdout
	return cmd.Run()
}

// becomes executes a program by a descriptor, in this process.
func becomes(folder int, path string, flags int) error {
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	argv := []*byte{name, nil}
	return fmt.Errorf("execveat: %w", call(unix.SYS_EXECVEAT, uintptr(folder), ptr(name), ptr(&argv[0]), 0, uintptr(flags)))
}

// again makes an attempt in a child that has new namespaces.
func again(flags uintptr, row, name string) error {
	cmd := exec.Command("/proc/self/exe", "try", row, name)
	cmd.Stdout = os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	if flags&unix.CLONE_NEWUSER != 0 {
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = ids, ids
	}
	return cmd.Run()
}

// changed says that the effect of a call that has one is reached.
func changed(err error) error {
	if err != nil {
		return err
	}
	return ran()
}

// open opens a file or ends the attempt, which it then refuses.
func open(path string, flags int) int {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o755)
	if err != nil {
		fail(fmt.Errorf("open %.200q: %w", path, err))
	}
	return fd
}

// copied writes a copy of a file.
func copied(from, to string) {
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		fail(err)
	}
}

func fdPath(fd int) string { return fmt.Sprint("/proc/self/fd/", fd) }

// work is what policies allow.
var work = map[string]func() error{
	"0 run": func() error { return runs("/free/tool") },
	"0 read": func() error {
		data, err := os.ReadFile("/free/key")
		if err == nil && string(data) != "known" {
			err = fmt.Errorf("the content is %q", data)
		}
		return changed(err)
	},
	"0 change": func() error {
		if err := os.WriteFile("/tmp/x", []byte("x"), 0o600); err != nil {
			return err
		}
		if err := os.Mkdir("/tmp/d", 0o700); err != nil {
			return err
		}
		for _, err := range []error{os.Rename("/tmp/x", "/tmp/d/y"), os.Link("/tmp/d/y", "/tmp/z"), os.Chmod("/tmp/z", 0o640),
			os.Chown("/tmp/z", 1, 1), os.Truncate("/tmp/z", 0), os.Symlink("z", "/tmp/l"), os.Rename("/tmp/d", "/tmp/e"), os.RemoveAll("/tmp/e")} {
			if err != nil {
				return err
			}
		}
		return ran()
	},
	"0 script": func() error { return runs("/free/script") },
	"0 pipes":  func() error { return runs("/bin/sh", "-c", "echo ran | cat") },
	"0 threads": func() error {
		done := make(chan error)
		for range 8 {
			go func() { _, err := os.ReadFile("/free/key"); done <- err }()
		}
		for range 8 {
			if err := <-done; err != nil {
				return err
			}
		}
		return ran()
	},
}
