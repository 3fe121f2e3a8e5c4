// SPDX-License-Identifier: Apache-2.0

//go:build guest && linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/runtime/process"
)

// The program is also what runs in the container: three programs, one after the
// other in one process.
func TestMain(m *testing.M) {
	next := func(role, path string) {
		os.Setenv("ROLE", role)
		err := syscall.Exec(path, os.Args, os.Environ())
		fmt.Fprintln(os.Stderr, path, err)
		os.Exit(1)
	}
	switch os.Getenv("ROLE") {
	case "first":
		next("entry", "/tools/entry")
	case "entry":
		next("deeds", os.Getenv("LAST"))
	case "deeds":
		deeds()
	}
	os.Exit(m.Run())
}

// The real ids of the container's process; the effective ones are 0.
const (
	realUser  = 1000
	realGroup = 2000
)

// deed is something to do in the container.
type deed struct {
	Does     string
	Path, To []byte
	// Comm is the name that the thread takes before.
	Comm []byte
	// Times is how often to open each of Path and To, in each of two threads.
	Times int
}

// answer is what came of it.
type answer struct {
	Errno   syscall.Errno
	Refused int64
}

// deeds does what its input says.
func deeds() {
	runtime.LockOSThread()
	if err := errors.Join(unix.Setresgid(realGroup, 0, 0), unix.Setresuid(realUser, 0, 0)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var d deed
		if err := in.Decode(&d); err != nil {
			os.Exit(0)
		}
		if d.Comm != nil {
			name := append(d.Comm, 0)
			_ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafePointer(name)), 0, 0, 0)
		}
		var a answer
		if d.Does == "flood" {
			a.Refused = d.flood()
		} else if err := d.do(); err != nil && !errors.As(err, &a.Errno) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_ = out.Encode(a)
	}
}

func (d *deed) do() error {
	path, to := string(d.Path), string(d.To)
	open := func(flags int) error {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
	switch d.Does {
	case "read":
		return open(unix.O_RDONLY)
	case "write":
		return open(unix.O_WRONLY)
	case "read and write":
		return open(unix.O_RDWR)
	case "create":
		return open(unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL)
	case "mkdir":
		return unix.Mkdir(path, 0o700)
	case "unlink":
		return unix.Unlink(path)
	case "rename":
		return unix.Rename(path, to)
	case "link":
		return unix.Link(path, to)
	case "chmod":
		return unix.Chmod(path, 0o600)
	case "chown":
		return unix.Chown(path, 1, 1)
	case "times":
		return unix.Utimes(path, make([]unix.Timeval, 2))
	case "setxattr":
		return unix.Setxattr(path, "trusted.x", nil, 0)
	case "removexattr":
		return unix.Removexattr(path, "trusted.x")
	case "truncate":
		return unix.Truncate(path, 0)
	case "map":
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		_, err = unix.Mmap(fd, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
		return err
	case "exec":
		return unix.Exec(path, []string{path}, nil)
	case "run":
		return exec.Command(path).Run()
	case "mount":
		return unix.Mount("x", path, "tmpfs", 0, "")
	case "bpf":
		attributes := [16]uint32{2, 4, 4, 1} // an array of one element
		fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafePointer(attributes[:])), 64)
		if errno != 0 {
			return errno
		}
		return unix.Close(int(fd))
	case "userns":
		cmd := exec.Command(path)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
		return cmd.Run()
	}
	return fmt.Errorf("nothing is called %q", d.Does)
}

// flood opens files in two threads, and returns how often that was refused.
func (d *deed) flood() int64 {
	var refused atomic.Int64
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for range d.Times {
				for _, path := range []string{string(d.Path), string(d.To)} {
					fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
					if err == nil {
						unix.Close(fd)
					} else if errors.Is(err, unix.EPERM) {
						refused.Add(1)
					}
				}
			}
		})
	}
	all.Wait()
	return refused.Load()
}

// patience is for everything that a guest should do soon.
const patience = time.Minute

// lines hands over the lines of a reader.
func lines(r io.Reader) <-chan string {
	out := make(chan string, 1<<16)
	go func() {
		defer close(out)
		for b := bufio.NewReader(r); ; {
			line, err := b.ReadString('\n')
			if line != "" {
				out <- line
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

func next(t *testing.T, from <-chan string, what string) string {
	t.Helper()
	select {
	case line, ok := <-from:
		if !ok {
			t.Fatalf("%s: the end", what)
		}
		return line
	case <-time.After(patience):
		t.Fatalf("%s: nothing within %v", what, patience)
	}
	return ""
}

// container is the process in the container.
type container struct {
	t       *testing.T
	cmd     *exec.Cmd
	in      *json.Encoder
	answers <-chan string
	// who is what alerts must say of it.
	who event.Process
}

// enter starts the process with arguments in a cgroup, whose path is below the root
// of the hierarchy. Its last program is that of a path.
func (f *follower) enter(cgroup, last string, args ...string) *container {
	t := f.t
	t.Helper()
	dir, err := os.Open(filepath.Join("/sys/fs/cgroup", cgroup))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	cmd := &exec.Cmd{
		Path: "/tools/first", Args: args, Env: []string{"ROLE=first", "LAST=" + last}, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd()), Cloneflags: syscall.CLONE_NEWNS},
	}
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Process.Kill(); cmd.Wait() })
	uid, gid := uint32(realUser), uint32(realGroup)
	who := event.Process{
		PID: cmd.Process.Pid, PPID: os.Getpid(), State: process.Running, Comm: name(filepath.Base(last)), UID: &uid, GID: &gid,
		Exe: event.Text(last), Cgroup: event.Text("/" + cgroup),
		Lineage: &event.Lineage{Parent: [][]event.Text{{"/tools/entry"}}, Ancestor: [][]event.Text{{"/nowhere", "/tools/first"}}},
	}
	for _, a := range args {
		who.Args = append(who.Args, event.Text(a))
	}
	if last == "/tools/deeds" {
		who.Lineage.Exe = [][]event.Text{{"/tools/deeds"}}
	}
	c := &container{t, cmd, json.NewEncoder(in), lines(out), who}
	// What the test links asks for features of the kernel's when it starts, by bpf(2).
	c.do(deed{Does: "read", Path: []byte("/secret/ready")})
	for e := f.next(); e.Object == nil || e.Object.Path != "/secret/ready"; e = f.next() {
		if e.Operation != "bpf" {
			t.Errorf("%s", e.Line())
		}
	}
	return c
}

// name is what the kernel keeps of a thread's.
func name(s string) event.Text { return event.Text(s[:min(len(s), 15)]) }

func (c *container) do(d deed) (a answer) {
	c.t.Helper()
	if d.Comm != nil {
		c.who.Comm = name(string(d.Comm))
	}
	if err := c.in.Encode(d); err != nil {
		c.t.Fatal(err)
	}
	line := next(c.t, c.answers, fmt.Sprintf("the container's answer to %s %q", d.Does, d.Path))
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		c.t.Fatal(err)
	}
	return a
}
