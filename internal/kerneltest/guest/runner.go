// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/avert-dev/avert/internal/kerneltest/wire"
)

const policies = "/sys/kernel/security/apparmor/"

// runner runs cases.
type runner struct {
	world   *world
	outside int // process id
	beside  *beside
	c       *wire.Case
	process *probe
}

func (r *runner) run(c *wire.Case) (outcomes []wire.Outcome, err error) {
	r.c = c
	for i, blob := range r.c.Blobs {
		if err := os.WriteFile(policies+".replace", blob, 0); err != nil {
			return nil, fmt.Errorf("load blob %d: %w", i, err)
		}
	}
	for i := range r.c.Steps {
		o, err := r.step(i)
		if err != nil {
			return nil, fmt.Errorf("step %d (%s): %w", i, r.c.Steps[i].Op, err)
		}
		outcomes = append(outcomes, o)
	}
	if err := r.stop(); err != nil {
		return nil, err
	}
	if len(r.c.Blobs) == 0 {
		return outcomes, nil
	}
	return outcomes, unload()
}

// unload removes all profiles.
func unload() error {
	list, err := os.ReadFile(policies + "profiles")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(list)) {
		// A line is the name and the mode. Children go with their parents.
		if i := strings.LastIndex(line, " ("); i >= 0 && !strings.Contains(line[:i], "//") {
			if err := os.WriteFile(policies+".remove", []byte(line[:i]), 0); err != nil {
				return fmt.Errorf("remove the profile %s: %w", line[:i], err)
			}
		}
	}
	return nil
}

func (r *runner) stop() error {
	if r.process == nil {
		return nil
	}
	_, err := r.process.end()
	r.process = nil
	return err
}

func (r *runner) step(i int) (wire.Outcome, error) {
	s := &r.c.Steps[i]
	switch {
	case s.Op == wire.Await:
		return wire.Outcome{}, r.beside.await(s.Path)
	case s.Op == wire.Start:
		if err := errors.Join(r.stop(), r.world.clear()); err != nil {
			return wire.Outcome{}, err
		}
	case r.process == nil:
		return wire.Outcome{Gone: true}, nil
	}
	for _, f := range s.Setup {
		if err := r.world.make(f); err != nil {
			return wire.Outcome{}, fmt.Errorf("set up %q: %w", f.Path, err)
		}
	}
	op, n := string(s.Op), s.N
	var payload []byte
	switch s.Op {
	case wire.Start:
		if err := r.launch(r.c.Steps[i+1:]); err != nil {
			return wire.Outcome{}, err
		}
		op = string(wire.Become)
	case wire.BecomeMemFD, wire.SpawnMemFD:
		payload = r.world.job.Program
	case wire.Ptrace, wire.VMRead, wire.Signal:
		if s.Target == wire.Outside {
			n[0] = int64(r.outside)
		}
	}
	if s.Op == wire.Start && len(r.world.job.Runc) > 0 {
		return wire.Outcome{}, nil // the container's program has answered already
	}
	a, err := r.process.ask(op, s.Path, s.Target, n, payload)
	switch {
	case err == io.EOF || errors.Is(err, syscall.EPIPE):
		return r.ended()
	case err != nil:
		return wire.Outcome{}, err
	case a.Stage == killed:
		return wire.Outcome{Killed: syscall.Signal(a.Errno)}, nil
	case a.Errno == 0:
		return wire.Outcome{}, nil
	}
	return wire.Outcome{Stage: int(a.Stage), Errno: syscall.Errno(a.Errno)}, nil
}

// ended is the outcome of an operation that the process did not survive.
func (r *runner) ended() (wire.Outcome, error) {
	status, err := r.process.end()
	r.process = nil
	if code := status.ExitStatus(); code > 128 && len(r.world.job.Runc) > 0 {
		return wire.Outcome{Killed: syscall.Signal(code - 128)}, err
	}
	if err == nil && !status.Signaled() {
		err = fmt.Errorf("the probe ended with exit code %d", status.ExitStatus())
	}
	return wire.Outcome{Killed: status.Signal()}, err
}

// launch starts the process that will execute the first program.
func (r *runner) launch(after []wire.Step) (err error) {
	if runc := r.world.job.Runc; len(runc) > 0 {
		r.process, err = startProbe(runc...)
		return err
	}
	if r.process, err = startProbe(launcher); err != nil {
		return err
	}
	var n [3]int64
	if r.c.NoNewPrivs {
		n[0] = 1
	}
	if mounts(after) {
		n[1] = 1
	}
	var label string
	if r.c.Profile != "" {
		label = "exec " + r.c.Profile
	}
	a, err := r.process.ask("enter", label, "", n, nil)
	if err == nil && a.Errno != 0 {
		err = syscall.Errno(a.Errno)
	}
	if err != nil {
		return fmt.Errorf("enter %s: %w", r.c.Profile, err)
	}
	return nil
}

// mounts says whether the process that is about to start needs mounts of its own.
func mounts(after []wire.Step) bool {
	for i := range after {
		switch after[i].Op {
		case wire.Start:
			return false
		case wire.Mount, wire.Bind, wire.Move, wire.Remount, wire.Propagate, wire.Umount, wire.PivotRoot, wire.MountFD, wire.OpenTree:
			return true
		}
	}
	return false
}
