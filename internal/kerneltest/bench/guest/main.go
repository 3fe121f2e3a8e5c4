// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command guest takes the steps of package bench in a kernel. It is two programs: the node ("run JOB"), and what a container
// runtime is ("enter ROOT CGROUP PROFILE PROGRAM ARGUMENT...").
package main

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/internal/kerneltest/bench"
)

func main() {
	// Namespaces, and the profile of the next exec, belong to threads.
	runtime.LockOSThread()
	var err error
	switch os.Args[1] {
	case "run":
		err = run(os.Args[2])
	case "enter":
		err = enter(os.Args[2], os.Args[3], os.Args[4], os.Args[5:])
	default:
		err = fmt.Errorf("nothing is called %q", os.Args[1])
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// run takes the steps of a job and prints the costs.
func run(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var steps []bench.Step
	if err := gob.NewDecoder(f).Decode(&steps); err != nil {
		return err
	}
	if err := makeRoot(); err != nil {
		return err
	}
	costs := make([]bench.Costs, len(steps))
	for i, s := range steps {
		if costs[i], err = take(s); err != nil {
			return fmt.Errorf("%s %s: %w", s.Do, s.Name, err)
		}
	}
	data, err := json.Marshal(costs)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s%s\n", bench.Mark, data)
	return nil
}

// root is that of the containers, as the node sees it.
const root = "/container"

// makeRoot makes a file system with what is measured.
func makeRoot() error {
	err := errors.Join(os.Mkdir(root, 0o755), unix.Mount("container", root, "tmpfs", 0, "mode=755"), os.Mkdir(root+"/work", 0o755), os.Mkdir(root+"/bin", 0o755))
	program, readErr := os.ReadFile("/tools/measure")
	err = errors.Join(err, readErr, os.WriteFile(root+"/bin/measure", program, 0o755), os.WriteFile(root+"/bin/true", program, 0o755))
	for _, path := range bench.Paths {
		err = errors.Join(err, os.MkdirAll(root+filepath.Dir(path), 0o755), os.WriteFile(root+path, nil, 0o644))
	}
	return err
}

func take(s bench.Step) (bench.Costs, error) {
	cgroup := "/sys/fs/cgroup/" + s.Cgroup
	if err := os.MkdirAll(cgroup, 0o755); err != nil {
		return nil, err
	}
	begin := time.Now()
	switch s.Do {
	case bench.Load:
		out, err := exec.Command("/tools/avert-node", "load", s.Name, "--cgroup", cgroup).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, out)
		}
	case bench.Unload:
		out, err := exec.Command("/tools/avert-node", "unload", s.Name).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, out)
		}
		if err := detached(); err != nil {
			return nil, err
		}
	case bench.LoadAppArmor:
		blob, err := os.ReadFile(s.Name)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile("/sys/kernel/security/apparmor/.replace", blob, 0); err != nil {
			return nil, err
		}
	case bench.Scan:
		return scan(cgroup)
	case bench.Measure:
		return measure(cgroup, s.Name)
	}
	return bench.Costs{bench.Loading: time.Since(begin).Nanoseconds()}, nil
}

// detached waits until the kernel has no program: it lets go of them a moment after the last reference is gone.
func detached() error {
	for {
		if _, err := ebpf.ProgramGetNextID(0); errors.Is(err, os.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// measure runs the program measure in a container.
func measure(cgroup, profile string) (bench.Costs, error) {
	arguments := append([]string{"enter", root, cgroup, profile, "/bin/measure"}, bench.Paths...)
	out, err := exec.Command("/proc/self/exe", arguments...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	costs := bench.Costs{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		at := strings.LastIndexByte(lines.Text(), ' ')
		n, err := strconv.ParseInt(lines.Text()[at+1:], 10, 64)
		if at < 0 || err != nil {
			return nil, fmt.Errorf("%q is no cost", lines.Text())
		}
		costs[lines.Text()[:at]] = n
	}
	return costs, nil
}

// enter becomes the first program of a container, with an AppArmor profile unless that is empty.
func enter(root, cgroup, profile string, argv []string) error {
	err := errors.Join(os.WriteFile(cgroup+"/cgroup.procs", []byte("0"), 0), unix.Unshare(unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	if profile != "" {
		err = errors.Join(err, os.WriteFile("/proc/thread-self/attr/apparmor/exec", []byte("exec "+profile), 0))
	}
	err = errors.Join(err, os.Chdir(root), unix.PivotRoot(".", "."), unix.Unmount(".", unix.MNT_DETACH), os.Chdir("/"))
	if err != nil {
		return fmt.Errorf("the container: %w", err)
	}
	return fmt.Errorf("the first exec: %w", unix.Exec(argv[0], argv, nil))
}
