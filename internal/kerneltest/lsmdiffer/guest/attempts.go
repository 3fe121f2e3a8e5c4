// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/internal/kerneltest/lsmdiffer"
)

const accessList = "system.posix_acl_access"

// list is an access control list as extended attributes have it: version 2, then entries of a tag, permissions and an id.
var list = func() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range [][3]uint32{{0x01, 7, 1<<32 - 1}, {0x02, 4, 7}, {0x04, 5, 1<<32 - 1}, {0x10, 5, 1<<32 - 1}, {0x20, 5, 1<<32 - 1}} {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, e[2])
	}
	return b
}()

// at makes a descriptor the current folder of system calls.
const at = unix.AT_FDCWD

// moment is a time long ago, twice.
var moment = func() []byte {
	b := binary.LittleEndian.AppendUint64(nil, 1)
	b = binary.LittleEndian.AppendUint64(b, 0)
	return append(b, b...)
}()

// try makes an attempt and returns the result of the system call that is to be judged.
func (c *container) try(s *lsmdiffer.Step, from *made) (int64, error) {
	w := c.processes
	p, to := s.From.Spelled, s.To.Spelled
	// What has no path is used through the descriptor, which a call with a result of its own brings first.
	if from.fd >= 0 {
		if _, err := w.callWith(from.fd, unix.SYS_GETPID); err != nil {
			return 0, err
		}
		p = fmt.Sprint("/proc/self/fd/", received)
	}
	opened := func(path string, flags int) (int64, error) {
		fd, err := w.call(unix.SYS_OPEN, path, flags|unix.O_NONBLOCK, 0o644)
		if err != nil || fd < 0 {
			return fd, err
		}
		_, err = w.must(unix.SYS_CLOSE, fd)
		return fd, err
	}
	switch s.Do {
	case lsmdiffer.Start, lsmdiffer.Exec, lsmdiffer.ExecLink:
		return w.call(unix.SYS_EXECVE, p, 0, 0)
	case lsmdiffer.ExecAt:
		return w.call(unix.SYS_EXECVEAT, received, "", 0, 0, unix.AT_EMPTY_PATH)
	case lsmdiffer.Read:
		return opened(p, unix.O_RDONLY)
	case lsmdiffer.Write:
		return opened(p, unix.O_WRONLY)
	case lsmdiffer.ReadWrite:
		return opened(p, unix.O_RDWR)
	case lsmdiffer.Append:
		return opened(p, unix.O_WRONLY|unix.O_APPEND)
	case lsmdiffer.OpenTrunc:
		return opened(p, unix.O_RDONLY|unix.O_TRUNC)
	case lsmdiffer.Truncate:
		return w.call(unix.SYS_TRUNCATE, p, 1)
	case lsmdiffer.Create:
		return opened(p, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL)
	case lsmdiffer.Mkdir:
		return w.call(unix.SYS_MKDIR, p, 0o755)
	case lsmdiffer.Mknod:
		return w.call(unix.SYS_MKNOD, p, unix.S_IFIFO|0o644, 0)
	case lsmdiffer.Symlink:
		return w.call(unix.SYS_SYMLINK, "nowhere", p)
	case lsmdiffer.Unlink:
		return w.call(unix.SYS_UNLINK, p)
	case lsmdiffer.Rmdir:
		return w.call(unix.SYS_RMDIR, p)
	case lsmdiffer.Chmod:
		return w.call(unix.SYS_CHMOD, p, 0o700)
	case lsmdiffer.Fchmod:
		return w.call(unix.SYS_FCHMOD, received, 0o700)
	case lsmdiffer.Chown:
		return w.call(unix.SYS_CHOWN, p, 1, 1)
	case lsmdiffer.Lchown:
		return w.call(unix.SYS_LCHOWN, p, 1, 1)
	case lsmdiffer.Fchown:
		return w.call(unix.SYS_FCHOWN, received, 1, 1)
	case lsmdiffer.Utimes:
		return w.call(unix.SYS_UTIMENSAT, at, p, moment, unix.AT_SYMLINK_NOFOLLOW)
	case lsmdiffer.Touch:
		return w.call(unix.SYS_UTIMENSAT, at, p, 0, 0)
	case lsmdiffer.Futimes:
		return w.call(unix.SYS_UTIMENSAT, received, 0, moment, 0)
	case lsmdiffer.Setxattr:
		return w.call(unix.SYS_SETXATTR, p, attribute, "new", 3, 0)
	case lsmdiffer.Fsetxattr:
		return w.call(unix.SYS_FSETXATTR, received, attribute, "new", 3, 0)
	case lsmdiffer.Removexattr:
		return w.call(unix.SYS_REMOVEXATTR, p, attribute)
	case lsmdiffer.SetACL:
		return w.call(unix.SYS_SETXATTR, p, accessList, list, len(list), 0)
	case lsmdiffer.Mmap, lsmdiffer.Mprotect:
		return w.mapped(s.Do == lsmdiffer.Mprotect)
	case lsmdiffer.Mount:
		return passed(unix.ENODEV)(w.call(unix.SYS_MOUNT, "x", "/", "unknown", 0, 0))
	case lsmdiffer.BPF:
		return passed(unix.EINVAL)(w.call(unix.SYS_BPF, 1<<20, moment, len(moment)))
	case lsmdiffer.NewUser:
		return w.call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER)
	case lsmdiffer.Rename:
		return w.call(unix.SYS_RENAME, p, to)
	case lsmdiffer.Noreplace:
		return w.call(unix.SYS_RENAMEAT2, at, p, at, to, unix.RENAME_NOREPLACE)
	case lsmdiffer.Exchange:
		return w.call(unix.SYS_RENAMEAT2, at, p, at, to, unix.RENAME_EXCHANGE)
	case lsmdiffer.Link:
		return w.call(unix.SYS_LINK, p, to)
	}
	return 0, fmt.Errorf("nobody can %q", s.Do)
}

// passed makes a success of the error that a system call ends with when nothing refuses it.
func passed(by unix.Errno) func(int64, error) (int64, error) {
	return func(result int64, err error) (int64, error) {
		if result == -int64(by) {
			result = 0
		}
		return result, err
	}
}

// mapped maps the first page of the received file as executable, or makes it so.
func (w *worker) mapped(later bool) (int64, error) {
	const page = 4096
	first := unix.PROT_READ | unix.PROT_EXEC
	if later {
		first = unix.PROT_READ
	}
	address, err := w.call(unix.SYS_MMAP, 0, page, first, unix.MAP_PRIVATE, received, 0)
	if err != nil || address < 0 && address > -page {
		return address, err
	}
	result := int64(0)
	if later {
		result, err = w.call(unix.SYS_MPROTECT, address, page, unix.PROT_READ|unix.PROT_EXEC)
	}
	_, wrong := w.must(unix.SYS_MUNMAP, address, page)
	return result, errors.Join(err, wrong)
}

// needsDescriptor says whether an attempt is made through a descriptor, also of a file with a path.
func needsDescriptor(do lsmdiffer.Do) bool {
	switch do {
	case lsmdiffer.ExecAt, lsmdiffer.Fchmod, lsmdiffer.Fchown, lsmdiffer.Futimes, lsmdiffer.Fsetxattr, lsmdiffer.Mmap, lsmdiffer.Mprotect:
		return true
	}
	return false
}
