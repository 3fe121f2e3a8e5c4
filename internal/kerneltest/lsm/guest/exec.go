// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const emptyPath = unix.AT_EMPTY_PATH

// execs are the rows about programs.
var execs = map[string]func() error{
	"1 symbolic link": func() error {
		if err := os.Symlink("/blocked/tool", "/tmp/l"); err != nil {
			return err
		}
		return runs("/tmp/l")
	},
	"1 relative path": func() error {
		if err := os.Chdir("/blocked"); err != nil {
			return err
		}
		return runs("./tool")
	},
	"1 dots":                          func() error { return runs("/free/../free/.//../blocked/./tool") },
	"1 execveat with a descriptor":    func() error { return becomes(open("/blocked/tool", unix.O_PATH), "", emptyPath) },
	"1 execveat relative to a folder": func() error { return becomes(open("/blocked", unix.O_PATH), "tool", 0) },
	"1 fexecve through /proc":         func() error { return runs(fdPath(keep(open("/blocked/tool", unix.O_RDONLY)))) },

	"2 blocked script":               func() error { return runs("/blocked/script") },
	"2 blocked interpreter":          func() error { return runs("/free/for-blocked") },
	"2 interpreter that is a script": func() error { return runs("/free/outer") },

	"3 ld.so": func() error { return runs("/lib64/ld-linux-x86-64.so.2", "/blocked/dynamic") },
	"3 mmap": func() error {
		_, err := unix.Mmap(open("/blocked/tool", unix.O_RDONLY), 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
		return changed(err)
	},
	"3 mprotect": func() error {
		mapped, err := unix.Mmap(open("/blocked/tool", unix.O_RDONLY), 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE)
		if err != nil {
			return err
		}
		return changed(unix.Mprotect(mapped, unix.PROT_READ|unix.PROT_EXEC))
	},

	"4 memfd": func() error {
		fd, err := unix.MemfdCreate("x", unix.MFD_CLOEXEC)
		if err != nil {
			return err
		}
		fill(fd)
		return becomes(fd, "", emptyPath)
	},
	"4 unlinked": func() error {
		copied("/blocked/tool", "/free/copy")
		fd := open("/free/copy", unix.O_RDONLY)
		if err := os.Remove("/free/copy"); err != nil {
			return err
		}
		return becomes(fd, "", emptyPath)
	},
	"4 O_TMPFILE": func() error {
		fd := open("/free", unix.O_TMPFILE|unix.O_RDWR)
		fill(fd)
		// What is open for writing cannot be executed.
		read := open(fdPath(fd), unix.O_RDONLY)
		if err := unix.Close(fd); err != nil {
			return err
		}
		return becomes(read, "", emptyPath)
	},
	"5 copy": func() error {
		copied("/blocked/tool", "/tmp/copy")
		return runs("/tmp/copy")
	},

	"15 deleted program started again": func() error { return runs("/free/tool", "again", "/free/tool") },
	"15 renamed over": func() error {
		fd := open("/free/tool", unix.O_RDONLY)
		defer unix.Close(fd)
		if err := os.Rename("/blocked/tool", "/free/tool"); err != nil {
			return err
		}
		return runs("/free/tool")
	},
}

// keep lets a descriptor stay open in what is executed.
func keep(fd int) int {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
		fail(err)
	}
	return fd
}

// fill writes a program into a file.
func fill(fd int) {
	data, err := os.ReadFile("/free/tool")
	for len(data) > 0 && err == nil {
		var n int
		n, err = unix.Write(fd, data)
		data = data[n:]
	}
	if err != nil {
		fail(err)
	}
}

// call makes a system call that package unix has no function for.
func call(number uintptr, a, b, c, d, e uintptr) error {
	if _, _, errno := unix.Syscall6(number, a, b, c, d, e, 0); errno != 0 {
		return errno
	}
	return nil
}

func ptr[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }
