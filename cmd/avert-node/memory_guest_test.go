// SPDX-License-Identifier: Apache-2.0

//go:build guest && linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestGuestMemory holds how much memory the commands take at most, with the first
// load of the programs among them.
func TestGuestMemory(t *testing.T) {
	if err := os.Mkdir("/sys/fs/cgroup/web", 0o755); err != nil {
		t.Fatal(err)
	}
	const most = 30 << 10
	for _, command := range []string{
		"status", "load /images/1.img --cgroup /sys/fs/cgroup/web", "load /images/2.img --cgroup /sys/fs/cgroup/web",
		"load /images/2.img --cgroup /sys/fs/cgroup/web", "list", "status", "unload shop-checkout",
	} {
		begin := time.Now()
		peak := peak(t, strings.Fields("avert-node "+command))
		t.Logf("%s: %d KiB, %v", command, peak, time.Since(begin).Round(time.Millisecond))
		if peak < 1<<10 || peak >= most {
			t.Errorf("%s takes %d KiB of memory, at most %d are right", command, peak, most)
		}
	}
}

// peak runs a command to its end and returns the most memory that it had, in KiB.
// That is asked for at its last moment, which the kernel stops it at.
func peak(t *testing.T, argv []string) (kib int) {
	t.Helper()
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	fatal := func(problem any) {
		said, _ := os.ReadFile(output.Name())
		t.Fatalf("%v: %v\n%s", argv, problem, said)
	}
	runtime.LockOSThread() // whoever traces is a thread
	defer runtime.UnlockOSThread()
	pid, err := syscall.ForkExec("/bin/avert-node", argv, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, output.Fd(), output.Fd()}, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	wait := func() {
		if _, err := syscall.Wait4(pid, &status, syscall.WALL, nil); err != nil {
			t.Fatal(err)
		}
	}
	proceed := func(signal syscall.Signal) {
		if err := syscall.PtraceCont(pid, int(signal)); err != nil {
			t.Fatal(err)
		}
		wait()
	}
	wait() // before its first instruction
	if err := syscall.PtraceSetOptions(pid, unix.PTRACE_O_TRACEEXIT|unix.PTRACE_O_EXITKILL); err != nil {
		t.Fatal(err)
	}
	proceed(0)
	for status.Stopped() && status.TrapCause() != unix.PTRACE_EVENT_EXIT {
		proceed(status.StopSignal())
	}
	if !status.Stopped() {
		fatal("it ended unseen")
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fmt.Sscanf(line, "VmHWM: %d kB", &kib)
	}
	proceed(0)
	// Older kernels lack hooks, which status finds.
	if code := status.ExitStatus(); code != exitClean && (code != exitFindings || argv[1] != "status") {
		fatal(fmt.Sprintf("exit code %d", code))
	}
	return kib
}
