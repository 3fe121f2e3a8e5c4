// SPDX-License-Identifier: Apache-2.0

// Package vm runs commands and Go tests on kernels of Debian, emulated by QEMU, so that what a kernel enforces is tested on
// any machine that runs Linux programs: it needs neither KVM nor root. It is for tests alone, it is not a way to isolate
// anything, and a guest's speed says nothing about a real machine's.
//
// A guest has busybox, loopback, no disk, and is gone after the run. It boots, runs and ends in about 3 s.
package vm

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/avert-dev/avert/internal/needs"
)

// LSM is the major security module of a guest. Each comes with landlock, lockdown, yama and BPF.
type LSM int

// The security modules.
const (
	// None is neither AppArmor nor SELinux.
	None LSM = iota
	AppArmor
	// SELinux starts permissive and without a policy.
	SELinux
)

func (l LSM) parameter() string {
	switch l {
	case AppArmor:
		return "lsm=landlock,lockdown,yama,integrity,apparmor,bpf"
	case SELinux:
		return "lsm=landlock,lockdown,yama,integrity,selinux,bpf enforcing=0"
	}
	return "lsm=landlock,lockdown,yama,integrity,bpf"
}

// Config says what a guest is.
type Config struct {
	// Kernel is one of Kernels.
	Kernel string
	LSM    LSM
	// Files are put into the guest, in this order.
	Files []File
	// Env holds variables of the command as NAME=value, besides PATH and HOME.
	Env []string
	// CPUs is the number of processors; 0 means 1.
	CPUs int
	// SingleThread has one thread of the host emulate all processors in turn. Otherwise each has its own, and one may run an
	// instruction that another is just rewriting: what attaches BPF programs while others pass the same hook needs this.
	SingleThread bool
	// MemoryMB is the memory in MiB; 0 means 256 and what the files need.
	MemoryMB int
	// ICount makes the guest's clock an exact count of instructions, one for each nanosecond: what a guest measures is the
	// same in every run. It needs one processor. The command starts when the kernel has come to rest.
	ICount bool
	// Timeout is for the whole run, without the wait for a free place; 0 means three minutes.
	Timeout time.Duration
	// Append holds further parameters of the kernel.
	Append string
}

const (
	defaultTimeout = 3 * time.Minute
	noTimeout      = -1
)

// Result is what became of a command.
type Result struct {
	// Output is what the command wrote to its standard output and error.
	Output []byte
	// Code is its exit code; 128 and the number of the signal if one ended it; 127 if there is no such command.
	Code int
	// Console is what the kernel said: little, unless something went wrong.
	Console []byte
	// Wall is the time from the start of the emulator to its end.
	Wall time.Duration
}

//go:embed init.sh
var initScript []byte

// Run boots a guest, runs one command in it and ends it. What the command itself does wrong is in Result.Code. An error
// means that the guest could not run it to its end, and shows the end of the console; it is a *needs.Unavailable when the
// machine lacks something.
func Run(ctx context.Context, config Config, argv ...string) (Result, error) {
	m, err := assemble(ctx, config, argv)
	if err != nil {
		return Result{}, err
	}
	mark := "avert-exit-" + rand.Text()
	if err := m.files.put("/avert/mark", modeFile|0o600, []byte(mark)); err != nil {
		return Result{}, err
	}
	return m.run(ctx, mark)
}

// assemble collects all that a guest consists of.
func assemble(ctx context.Context, config Config, argv []string) (*machine, error) {
	if config.ICount && config.CPUs > 1 {
		return nil, errors.New("instructions are counted on one processor")
	}
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		return nil, &needs.Unavailable{Reason: "needs the program qemu-system-x86_64 (package qemu-system-x86), to run a kernel"}
	}
	dir, err := prepare(ctx, config.Kernel)
	if err != nil {
		return nil, err
	}
	m := &machine{config: config, qemu: qemu, kernel: filepath.Join(dir, "vmlinux"), files: tree{}}
	script, err := job(config, argv)
	if err != nil {
		return nil, err
	}
	files, err := busybox(ctx)
	if err != nil {
		return nil, err
	}
	var loaded []string
	for _, module := range modules {
		if ko := filepath.Join(dir, module); exists(ko) {
			files = append(files, File{Guest: "/avert/" + module + ".ko", Host: ko})
			loaded = append(loaded, module)
		}
	}
	files = append(files,
		File{Guest: "/init", Data: initScript, Mode: 0o755},
		File{Guest: "/avert/modules", Data: []byte(strings.Join(loaded, "\n"))},
		File{Guest: "/avert/job", Data: []byte(script)})
	for _, f := range append(files, config.Files...) {
		if err := m.files.add(f); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// busybox returns the programs of every guest.
func busybox(ctx context.Context) ([]File, error) {
	program, err := exec.LookPath("busybox")
	if err != nil {
		return nil, &needs.Unavailable{Reason: "needs the program busybox (package busybox-static), for the guests"}
	}
	files, err := Program(program)
	if err != nil {
		return nil, err
	}
	files = append(files, File{Guest: "/bin/busybox", Host: program, Mode: 0o755})
	applets, err := exec.CommandContext(ctx, program, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("busybox --list: %w", err)
	}
	for _, applet := range strings.Fields(string(applets)) {
		if applet != "busybox" {
			files = append(files, File{Guest: "/bin/" + applet, Link: "busybox"})
		}
	}
	return files, nil
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// job is the script that becomes the command.
func job(config Config, argv []string) (string, error) {
	if len(argv) == 0 {
		return "", errors.New("no command for the guest")
	}
	var b strings.Builder
	if config.ICount {
		b.WriteString("sleep 10\n") // of the guest's time; until then the kernel still starts up in the background
	}
	for _, e := range config.Env {
		if !variable.MatchString(e) {
			return "", fmt.Errorf("%q is not NAME=value", e)
		}
		name, value, _ := strings.Cut(e, "=")
		fmt.Fprintf(&b, "export %s=%s\n", name, quote(value))
	}
	b.WriteString("exec")
	for _, arg := range argv {
		b.WriteString(" " + quote(arg))
	}
	b.WriteString("\n")
	if strings.Contains(b.String(), "\x00") {
		return "", errors.New("a command or variable with a NUL byte")
	}
	return b.String(), nil
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
