// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// deepPath is a secret or a program so far below that the path is long.
type deepPath struct {
	top, component string
	times          int
	name, source   string // source is a file of the world to copy
}

// deep are paths of more bytes and of more components than are read.
var deep = map[string]deepPath{
	"4,096 bytes":  {"/secret", strings.Repeat("l", 250), 20, "key", "/secret/key"},
	"deep folders": {"/secret", "d", 300, "key", "/secret/key"},
	"deep program": {"/blocked", strings.Repeat("l", 250), 20, "tool", "/blocked/tool"},
}

// make makes the folders and the file.
func (d deepPath) make(root string) error {
	data, err := os.ReadFile(root + d.source)
	if err != nil {
		return err
	}
	folder := open(root+d.top, unix.O_PATH|unix.O_DIRECTORY)
	for range d.times {
		if err := unix.Mkdirat(folder, d.component, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
			return err
		}
		folder = d.step(folder)
	}
	fd, err := unix.Openat(folder, d.name, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o755)
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, data)
	return errors.Join(err, unix.Close(fd), unix.Close(folder))
}

func (d deepPath) step(folder int) int {
	next, err := unix.Openat(folder, d.component, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err = errors.Join(err, unix.Close(folder)); err != nil {
		fail(err)
	}
	return next
}

// folder goes down to the last folder.
func (d deepPath) folder() int {
	fd := open(d.top, unix.O_PATH|unix.O_DIRECTORY)
	for range d.times {
		fd = d.step(fd)
	}
	return fd
}

// files are the rows about names of files.
var files = map[string]func() error{
	"6 read": func() error { return then(os.Link("/secret/key", "/tmp/key"), "/tmp/key") },
	"6 exec": func() error {
		if err := os.Link("/blocked/tool", "/tmp/tool"); err != nil {
			return err
		}
		return runs("/tmp/tool")
	},
	"6 write": func() error {
		if err := os.Link("/frozen/file", "/tmp/file"); err != nil {
			return err
		}
		return changed(os.WriteFile("/tmp/file", []byte("forged"), 0))
	},
	"6 linkat with a descriptor": func() error {
		fd := open("/secret/key", unix.O_PATH)
		return then(unix.Linkat(fd, "", unix.AT_FDCWD, "/tmp/key", unix.AT_EMPTY_PATH), "/tmp/key")
	},
	"6 linkat through /proc": func() error {
		fd := open("/secret/key", unix.O_PATH)
		return then(unix.Linkat(unix.AT_FDCWD, fdPath(fd), unix.AT_FDCWD, "/tmp/key", unix.AT_SYMLINK_FOLLOW), "/tmp/key")
	},

	"7 file":   func() error { return then(os.Rename("/secret/key", "/tmp/key"), "/tmp/key") },
	"7 folder": func() error { return then(os.Rename("/secret", "/moved"), "/moved/key") },
	"7 exchange": func() error {
		return then(unix.Renameat2(unix.AT_FDCWD, "/free/key", unix.AT_FDCWD, "/secret/key", unix.RENAME_EXCHANGE), "/free/key")
	},
	"7 over a frozen file": func() error { return changed(os.Rename("/free/key", "/frozen/file")) },
	"7 program": func() error {
		if err := os.Rename("/blocked/tool", "/tmp/tool"); err != nil {
			return err
		}
		return runs("/tmp/tool")
	},

	"12 self/root":         func() error { return reads("/proc/self/root/secret/key") },
	"12 PID/root":          func() error { return reads(fmt.Sprintf("/proc/%d/root/secret/key", os.Getpid())) },
	"12 fd of a folder":    func() error { return reads(fdPath(open("/secret", unix.O_PATH)) + "/key") },
	"12 cwd":               func() error { return then(os.Chdir("/secret"), "/proc/self/cwd/key") },
	"12 exec through root": func() error { return runs("/proc/self/root/blocked/tool") },

	"13 O_PATH": func() error { return reads(fdPath(open("/secret/key", unix.O_PATH))) },
	"13 O_PATH and write": func() error {
		return changed(os.WriteFile(fdPath(open("/frozen/file", unix.O_PATH)), []byte("forged"), 0))
	},
	"13 open_by_handle_at": func() error {
		handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, "/secret/key", 0)
		if err != nil {
			return fmt.Errorf("name_to_handle_at: %w", err)
		}
		fd, err := unix.OpenByHandleAt(open("/", unix.O_RDONLY|unix.O_DIRECTORY), handle, unix.O_RDONLY)
		if err != nil {
			return fmt.Errorf("open_by_handle_at: %w", err)
		}
		return readsFrom(fd)
	},

	"14 4,096 bytes":  func() error { return readsAt(deep["4,096 bytes"].folder(), "key") },
	"14 deep folders": func() error { return readsAt(deep["deep folders"].folder(), "key") },
	"14 deep program": func() error { return becomes(deep["deep program"].folder(), "tool", 0) },

	"30 newline":      func() error { return reads("/secret/new\nline") },
	"30 not UTF-8":    func() error { return reads("/secret/\xff\xfe") },
	"30 255 bytes":    func() error { return reads("/secret/" + strings.Repeat("n", 255)) },
	"30 deleted":      func() error { return reads("/secret/key (deleted)") },
	"30 exec newline": func() error { return runs("/blocked/new\nline") },
	"30 exec deleted": func() error { return runs("/blocked/tool (deleted)") },
}

// then reads what is secret by another name, after what gives it that name.
func then(err error, path string) error {
	if err != nil {
		return err
	}
	return reads(path)
}
