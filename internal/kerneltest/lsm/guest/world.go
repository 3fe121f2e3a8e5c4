// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/internal/kerneltest/lsm"
)

// world is a container's root file system and its cgroup, as the node sees them.
type world struct {
	trial        lsm.Trial
	root, cgroup string
}

// Folders of the node that every container has, too.
var shared = []string{"/bin", "/tools", "/lib", "/lib64", "/dev"}

func newWorld(number int, trial lsm.Trial) (*world, error) {
	// Loading takes longer than an attempt: containers of one policy share two cgroups.
	w := &world{trial, "/worlds/" + strconv.Itoa(number), fmt.Sprintf("/sys/fs/cgroup/%s-%d", trial.Policy, number%2)}
	err := errors.Join(os.MkdirAll(w.root, 0o755), os.MkdirAll(w.cgroup, 0o755), os.MkdirAll("/sys/fs/cgroup/elsewhere", 0o755),
		unix.Mount("world", w.root, "tmpfs", 0, "mode=755"))
	if err != nil {
		return nil, err
	}
	for _, folder := range append(shared, "/proc", "/cgroup", "/tmp", "/m", "/volume", "/over") {
		err = errors.Join(err, os.Mkdir(w.root+folder, 0o755))
	}
	return w, errors.Join(err, w.populate())
}

// populate makes the files that rows are about.
func (w *world) populate() error {
	tool, err := os.ReadFile("/tools/tool")
	if err != nil {
		return err
	}
	dynamic, err := os.ReadFile("/tools/dynamic")
	if err != nil {
		return err
	}
	key, script := []byte("secret"), []byte("#!/bin/sh\necho ran\n")
	long := strings.Repeat("n", 255)
	files := map[string][]byte{
		"/secret/key": key, "/secret/new\nline": key, "/secret/\xff\xfe": key, "/secret/" + long: key, "/secret/key (deleted)": key,
		"/blocked/tool": tool, "/blocked/dynamic": dynamic, "/blocked/script": script, "/blocked/new\nline": tool, "/blocked/tool (deleted)": tool,
		"/free/tool": tool, "/free/key": []byte("known"), "/free/script": script, "/free/for-blocked": []byte("#!/blocked/tool\n"), "/free/outer": []byte("#!/free/for-blocked\n"),
		"/from/tool": tool, "/frozen/file": []byte("frozen"), "/frozen/folder/file": []byte("frozen"), "/race/a/x/key": key,
		"/layers/lower/secret/key": key, "/layers/lower/frozen/file": []byte("frozen"), "/layers/upper/secret/upper": key,
	}
	for name, data := range files {
		err := errors.Join(os.MkdirAll(filepath.Dir(w.root+name), 0o755), os.WriteFile(w.root+name, data, 0o755))
		if err != nil {
			return err
		}
	}
	for _, folder := range []string{"/layers/work", "/frozen/empty", "/race/b"} {
		if err := os.Mkdir(w.root+folder, 0o755); err != nil {
			return err
		}
	}
	err = unix.Setxattr(w.root+"/frozen/file", "trusted.kept", []byte("kept"), 0)
	if d, ok := deep[w.trial.Name]; ok {
		err = errors.Join(err, d.make(w.root))
	}
	return err
}

// enter becomes the first program of a container: it is in the node's mount namespace until the last moment, so that the
// program's own exec is the first one in the container's.
func enter(root, cgroup string, argv []string) error {
	err := errors.Join(unix.Unshare(unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	if err != nil {
		return fmt.Errorf("a mount namespace: %w", err)
	}
	for _, folder := range shared {
		err = errors.Join(err, unix.Mount(folder, root+folder, "", unix.MS_BIND|unix.MS_REC, ""))
	}
	err = errors.Join(err, unix.Mount("proc", root+"/proc", "proc", 0, ""), unix.Mount("cgroup", root+"/cgroup", "cgroup2", 0, ""),
		unix.Mount("volume", root+"/volume", "tmpfs", 0, ""),
		os.Mkdir(root+"/volume/secret", 0o755), os.WriteFile(root+"/volume/secret/key", []byte("secret"), 0o644))
	if slices.Contains(argv, "28") && !slices.Contains(argv, "volume") {
		layers := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", root+"/layers")
		err = errors.Join(err, unix.Mount("over", root+"/over", "overlay", 0, layers))
	}
	if err != nil {
		return fmt.Errorf("the mounts of the container: %w", err)
	}
	// A process in a pid namespace of its own says 0 for itself.
	if err := os.WriteFile(cgroup+"/cgroup.procs", []byte("0"), 0); err != nil {
		return err
	}
	err = errors.Join(os.Chdir(root), unix.PivotRoot(".", "."), unix.Unmount(".", unix.MNT_DETACH), os.Chdir("/"))
	if err != nil {
		return fmt.Errorf("the root of the container: %w", err)
	}
	return fmt.Errorf("the first exec: %w", unix.Exec(argv[0], argv, os.Environ()))
}

// loaded are the cgroups that are governed, if they are to be.
var loaded = map[string]bool{}

// attempt makes the attempt of the world.
func (w *world) attempt() (out lsm.Outcome, err error) {
	if !loaded[w.cgroup] {
		if err := w.load(0); err != nil {
			return out, err
		}
		loaded[w.cgroup] = true
	}
	argv, ok := entries[w.trial.Name]
	if !ok {
		argv = []string{"/tools/guest", "try", strconv.Itoa(w.trial.Row), w.trial.Name}
	}
	before, err := w.snapshot()
	if err != nil {
		return out, err
	}
	silent, err := w.alerts()
	if err != nil {
		return out, err
	}
	cmd := exec.Command("/proc/self/exe", append([]string{"enter", w.root, w.cgroup}, argv...)...)
	cmd.Env = []string{"PATH=/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	var problems bytes.Buffer
	cmd.Stderr = &problems
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return out, err
	}
	stop := func() error { return nil }
	if f := beside[w.trial.Row]; f != nil {
		stop = f(w, stdin)
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		line := lines.Text()
		out.Output += line + "\n"
		var errno int
		if line == "ran" {
			out.Effect = true
		} else if _, err := fmt.Sscanf(line, "errno %d", &errno); err == nil && out.Errno == 0 {
			out.Errno = errno
		} else if line == "unmount" {
			_, err = stdin.Write([]byte(w.unmount(cmd.Process.Pid)))
			if err != nil {
				return out, err
			}
		}
	}
	// How the program ends says nothing: it has said what came of the attempt.
	_ = cmd.Wait()
	out.Output += problems.String()
	if err := stop(); err != nil {
		return out, err
	}
	loud, err := w.alerts()
	if err != nil {
		return out, err
	}
	out.Alerts = loud - silent
	after, err := w.snapshot()
	for name := range before {
		if before[name] != after[name] {
			out.Changed = append(out.Changed, name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			out.Changed = append(out.Changed, name)
		}
	}
	slices.Sort(out.Changed)
	return out, err
}

// snapshot returns all that can be changed of the files that must not change.
func (w *world) snapshot() (map[string]string, error) {
	out := map[string]string{}
	for _, folder := range []string{"/secret", "/blocked", "/frozen"} {
		err := filepath.WalkDir(w.root+folder, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, unix.ENAMETOOLONG) {
				return fs.SkipDir
			}
			if err != nil {
				return err
			}
			var s unix.Stat_t
			if err := unix.Lstat(path, &s); err != nil {
				if errors.Is(err, unix.ENAMETOOLONG) {
					return fs.SkipDir
				}
				return err
			}
			var content, xattr []byte
			if d.Type().IsRegular() {
				if content, err = os.ReadFile(path); err != nil {
					return err
				}
				xattr = make([]byte, 64)
				n, _ := unix.Lgetxattr(path, "trusted.kept", xattr)
				xattr = xattr[:max(n, 0)]
			}
			out[strings.TrimPrefix(path, w.root)] = fmt.Sprintf("%o %d:%d %d %d %d %q %x", s.Mode, s.Uid, s.Gid, s.Ino, s.Mtim.Nano(), s.Nlink, xattr, content)
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return out, nil
}

func (w *world) remove() error {
	return errors.Join(unix.Unmount(w.root, unix.MNT_DETACH), os.Remove(w.root))
}
