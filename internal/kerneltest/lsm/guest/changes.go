// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const frozen = "/frozen/file"

// changes are the ways of changing a file.
var changes = map[string]func() error{
	"29 truncate": func() error { return changed(unix.Truncate(frozen, 0)) },
	"29 O_TRUNC":  func() error { return opened(unix.O_RDONLY | unix.O_TRUNC) },
	"29 creat":    func() error { return create("/frozen/new") },
	"29 mknod":    func() error { return changed(unix.Mknod("/frozen/new", unix.S_IFREG|0o600, 0)) },
	"29 mkdir":    func() error { return changed(os.Mkdir("/frozen/new", 0o700)) },
	"29 symlink":  func() error { return changed(os.Symlink("file", "/frozen/new")) },
	"29 xattr":    func() error { return changed(unix.Setxattr(frozen, "trusted.kept", []byte("new"), 0)) },
	"29 fsetxattr": func() error {
		return changed(unix.Fsetxattr(open(frozen, unix.O_RDONLY), "trusted.kept", []byte("new"), 0))
	},
	"29 removexattr": func() error { return changed(unix.Removexattr(frozen, "trusted.kept")) },
	"29 fchmod":      func() error { return changed(unix.Fchmod(open(frozen, unix.O_RDONLY), 0o777)) },
	"29 chmod through /proc": func() error {
		return changed(os.Chmod(fdPath(open(frozen, unix.O_PATH)), 0o777))
	},
	"29 fchown": func() error { return changed(unix.Fchown(open(frozen, unix.O_RDONLY), 1, 1)) },
	"29 times": func() error {
		return changed(unix.UtimesNanoAt(unix.AT_FDCWD, fdPath(open(frozen, unix.O_RDONLY)), []unix.Timespec{{Sec: 1}, {Sec: 1}}, 0))
	},
	"29 write":  func() error { return written(unix.O_WRONLY) },
	"29 append": func() error { return written(unix.O_WRONLY | unix.O_APPEND) },
	"29 fallocate": func() error {
		return changed(unix.Fallocate(open(frozen, unix.O_RDWR), 0, 0, 8192))
	},
	"29 unlink": func() error { return changed(os.Remove(frozen)) },
	"29 rmdir":  func() error { return changed(unix.Rmdir("/frozen/empty")) },
}

func opened(flags int) error {
	_, err := unix.Open(frozen, flags, 0)
	return changed(err)
}

func written(flags int) error {
	_, err := unix.Write(open(frozen, flags), []byte("forged"))
	return changed(err)
}

func create(path string) error {
	_, err := unix.Creat(path, 0o600)
	return changed(err)
}

// layers are the row about file systems that lie on others.
var layers = map[string]func() error{
	"28 lower": func() error { return reads("/over/secret/key") },
	"28 upper": func() error { return reads("/over/secret/upper") },
	"28 after copy-up": func() error {
		// The mode is no content: the copy-up happens, and the name stays.
		if err := os.Chmod("/over/secret/key", 0o600); err != nil {
			return fmt.Errorf("copy-up: %w", err)
		}
		return reads("/over/secret/key")
	},
	"28 copy-up":         func() error { return changed(os.WriteFile("/over/frozen/file", []byte("forged"), 0)) },
	"28 delete of lower": func() error { return changed(os.Remove("/over/frozen/file")) },
	"28 volume":          func() error { return reads("/volume/secret/key") },
}
