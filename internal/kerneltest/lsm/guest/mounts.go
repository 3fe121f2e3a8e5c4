// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// mounts are the rows about mounts, namespaces and cgroups.
var mounts = map[string]func() error{
	"8 bind": func() error { return then(bind("/secret", "/m"), "/m/key") },
	"8 bind over a frozen folder": func() error {
		// Whoever reads the file is shown another one.
		err := os.WriteFile("/tmp/file", []byte("forged"), 0o644)
		if err = errors.Join(err, bind("/tmp", "/frozen")); err != nil {
			return err
		}
		data, err := os.ReadFile("/frozen/file")
		if string(data) != "forged" {
			return errors.Join(err, errors.New("nothing is forged"))
		}
		return ran()
	},
	"8 chroot": func() error { return then(unix.Chroot("/secret"), "/key") },
	"8 chroot and leave": func() error {
		out := open("/", unix.O_PATH|unix.O_DIRECTORY)
		if err := errors.Join(unix.Chroot("/tmp"), unix.Fchdir(out)); err != nil {
			return err
		}
		return reads("secret/key")
	},
	"8 pivot_root": func() error {
		err := first(func() error { return unix.Unshare(unix.CLONE_NEWNS) }, func() error { return bind("/secret", "/secret") },
			func() error { return os.Chdir("/secret") }, func() error { return unix.PivotRoot(".", ".") })
		return then(err, "/key")
	},
	"8 open_tree": func() error {
		fd, err := unix.OpenTree(unix.AT_FDCWD, "/secret", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return fmt.Errorf("open_tree: %w", err)
		}
		return readsAt(fd, "key")
	},
	"8 move_mount": func() error {
		fd, err := unix.OpenTree(unix.AT_FDCWD, "/secret", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err == nil {
			err = unix.MoveMount(fd, "", unix.AT_FDCWD, "/m", unix.MOVE_MOUNT_F_EMPTY_PATH)
		}
		return then(err, "/m/key")
	},

	"9 unshare mount": func() error { return then(unix.Unshare(unix.CLONE_NEWNS), "/secret/key") },
	"9 setns back": func() error {
		before := open("/proc/self/ns/mnt", unix.O_RDONLY)
		err := first(func() error { return unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS) },
			func() error { return unix.Setns(before, unix.CLONE_NEWNS) })
		return then(err, "/secret/key")
	},
	"9 user namespace":   func() error { return again(unix.CLONE_NEWUSER|unix.CLONE_NEWNS, "9", "read") },
	"9 pid namespace":    func() error { return again(unix.CLONE_NEWPID, "9", "read") },
	"9 cgroup namespace": func() error { return again(unix.CLONE_NEWCGROUP|unix.CLONE_NEWNS, "9", "read") },
	"9 read":             func() error { return reads("/secret/key") },
	"9 another cgroup": func() error {
		if err := os.WriteFile("/cgroup/elsewhere/cgroup.procs", []byte("0"), 0); err != nil {
			return err
		}
		return again(unix.CLONE_NEWNS, "9", "read")
	},
	"9 born in another cgroup": func() error {
		cmd := exec.Command("/proc/self/exe", "try", "9", "read")
		cmd.Stdout = os.Stdout
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: open("/cgroup/elsewhere", unix.O_RDONLY|unix.O_DIRECTORY), Unshareflags: unix.CLONE_NEWNS}
		return cmd.Run()
	},

	"32 lazily unmounted": func() error {
		folder := open("/volume/secret", unix.O_PATH|unix.O_DIRECTORY)
		fmt.Println("unmount")
		answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil || answer != "done\n" {
			return errors.Join(err, errors.New(answer))
		}
		if _, err := os.Stat("/volume/secret"); err == nil {
			return errors.New("the volume is still there")
		}
		return readsAt(folder, "key")
	},
	"32 mount in a user namespace": func() error { return again(unix.CLONE_NEWUSER|unix.CLONE_NEWNS, "32", "bind") },
	"32 bind":                      func() error { return then(bind("/secret", "/m"), "/m/key") },
	"32 pipe reopened": func() error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		if _, err := w.Write([]byte("x")); err != nil {
			return err
		}
		fd, err := unix.Open(fdPath(int(r.Fd())), unix.O_RDONLY, 0)
		if err == nil {
			_, err = unix.Read(fd, make([]byte, 1))
		}
		return changed(err)
	},
	"32 memfd reopened": func() error {
		fd, err := unix.MemfdCreate("x", unix.MFD_CLOEXEC)
		if err != nil {
			return err
		}
		return changed(os.WriteFile(fdPath(fd), []byte("x"), 0))
	},
	"32 pidfd": func() error {
		fd, err := unix.PidfdOpen(os.Getpid(), 0)
		if err != nil {
			return err
		}
		_, err = os.Readlink(fdPath(fd))
		return changed(errors.Join(err, unix.PidfdSendSignal(fd, 0, nil, 0)))
	},
}

func bind(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	return nil
}

// first does one thing after the other up to the first error.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
