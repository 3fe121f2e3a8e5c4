// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// cgroupID returns the id of a cgroup: the inode number of its folder.
func cgroupID(path string) (uint64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	var at unix.Statfs_t
	if err := unix.Statfs(path, &at); err != nil {
		return 0, err
	}
	if !info.IsDir() || at.Type != unix.CGROUP2_SUPER_MAGIC {
		return 0, fmt.Errorf("%s is not the folder of a cgroup (version 2)", path)
	}
	return info.Sys().(*syscall.Stat_t).Ino, nil
}

// CgroupPaths returns the folders of the cgroups at and below root by their ids.
// Cgroups that go meanwhile may be left out.
func CgroupPaths(root string) map[uint64]string {
	out := map[uint64]string{}
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			out[info.Sys().(*syscall.Stat_t).Ino] = path
		}
		return nil
	})
	return out
}
