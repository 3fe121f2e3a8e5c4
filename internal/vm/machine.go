// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/avert-dev/avert/internal/cache"
)

// machine is a guest before it runs.
type machine struct {
	config Config
	qemu   string
	kernel string
	files  tree
}

// start runs the emulator to its end, with stdin and stdout as the terminal of the command. code is the emulator's.
func (m *machine) start(ctx context.Context, stdin io.Reader, stdout io.Writer) (code int, console []byte, wall time.Duration, err error) {
	dir, err := os.MkdirTemp("", "avert-vm-")
	if err != nil {
		return 0, nil, 0, err
	}
	defer os.RemoveAll(dir)
	initrd, log := filepath.Join(dir, "initrd"), filepath.Join(dir, "console")
	archive := m.files.archive()
	if err := os.WriteFile(initrd, archive, 0o600); err != nil {
		return 0, nil, 0, err
	}
	leave, err := enter(ctx)
	if err != nil {
		return 0, nil, 0, err
	}
	defer leave()

	timeout := m.config.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if timeout != noTimeout {
		var cancel func()
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the guest did not end within %v", timeout))
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, m.qemu, m.arguments(initrd, len(archive), log)...)
	var problems bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, &problems
	cmd.WaitDelay = time.Second
	dieWithParent(cmd)
	// Linux takes the end of the thread that starts a command for the end of its parent.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := time.Now()
	err = cmd.Run()
	wall = time.Since(begin)
	console, readErr := os.ReadFile(log)
	if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
		return 0, nil, 0, readErr
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, console, wall, m.failure(context.Cause(ctx), console, problems.Bytes())
	case errors.As(err, &exit) && exit.Exited():
		code, err = exit.ExitCode(), nil
	case err != nil:
		return 0, console, wall, m.failure(fmt.Errorf("the emulator failed: %w", err), console, problems.Bytes())
	}
	if problems.Len() > 0 {
		return code, console, wall, m.failure(errors.New("the emulator complains"), console, problems.Bytes())
	}
	return code, console, wall, nil
}

// run runs the command and judges how it ended. The guest ends its output with the mark and the exit code.
func (m *machine) run(ctx context.Context, mark string) (Result, error) {
	var output bytes.Buffer
	status, console, wall, err := m.start(ctx, nil, &output)
	r := Result{Output: output.Bytes(), Console: console, Wall: wall}
	if err != nil {
		return r, err
	}
	i := bytes.LastIndex(r.Output, []byte("\n"+mark+" "))
	if i < 0 {
		return r, m.failure(errors.New("the guest ended before its command"), console, tail(r.Output))
	}
	digits, _, whole := bytes.Cut(r.Output[i+len(mark)+2:], []byte("\n"))
	r.Output = r.Output[:i]
	if r.Code, err = strconv.Atoi(string(digits)); err != nil || !whole {
		return r, m.failure(errors.New("the guest's last line is damaged"), console, digits)
	}
	// isa-debug-exit shifts the number and sets the lowest bit. Where a policy keeps the guest from the port, it powers off.
	if status != 0 && status != (r.Code&127)<<1|1 {
		return r, m.failure(fmt.Errorf("the guest says that the command ended with %d, and the emulator ended with %d", r.Code, status), console, nil)
	}
	return r, nil
}

// arguments are those of the emulator.
func (m *machine) arguments(initrd string, size int, console string) []string {
	c := m.config
	memory := c.MemoryMB
	if memory == 0 {
		memory = 256 + size>>19 // the archive and what it becomes are there at once
	}
	parameters := "console=ttyS0 quiet panic=-1 no_timer_check " + c.LSM.parameter()
	accelerator := "tcg"
	if c.SingleThread {
		accelerator += ",thread=single"
	}
	args := []string{"-accel", accelerator, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-m", strconv.Itoa(memory), "-smp", strconv.Itoa(max(c.CPUs, 1)),
		"-kernel", m.kernel, "-initrd", initrd, "-serial", "file:" + console, "-chardev", "stdio,id=job,signal=off", "-serial", "chardev:job",
		"-device", "isa-debug-exit,iobase=0xf4,iosize=0x01"}
	if c.ICount {
		args = append(args, "-icount", "shift=0,sleep=off", "-seed", "42", "-rtc", "base=2024-01-01,clock=vm")
		parameters += " nokaslr norandmaps randomize_kstack_offset=off"
	}
	return append(args, "-append", parameters+" "+c.Append)
}

// failure is an error with the end of what there is to read.
func (m *machine) failure(what error, console, more []byte) error {
	if more = bytes.TrimSpace(more); len(more) > 0 {
		what = fmt.Errorf("%w: %s", what, more)
	}
	return fmt.Errorf("kernel %s: %w\n--- the end of the guest's console ---\n%s", m.config.Kernel, what, tail(console))
}

func tail(b []byte) []byte { return b[max(0, len(b)-4096):] }

// queue holds the one of this process that waits for a place; the others come after it in their order.
var queue = make(chan struct{}, 1)

// enter waits until one of the places of this machine is free: more guests than processors only slow each other down.
func enter(ctx context.Context) (leave func(), err error) {
	select {
	case queue <- struct{}{}:
		defer func() { <-queue }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting until other guests end: %w", context.Cause(ctx))
	}
	dir, err := cache.Dir("places")
	if err != nil {
		return nil, err
	}
	for {
		for i := range runtime.NumCPU() {
			leave, err := cache.TryLock(filepath.Join(dir, strconv.Itoa(i)))
			if leave != nil || err != nil {
				return leave, err
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting until other guests end: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
