// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/internal/kerneltest/lsmdiffer"
	"github.com/avert-dev/avert/runtime/lsm"
)

// program is the worker.
var program []byte

type guest struct {
	containers []*container
	reports    *lsm.Reader
}

// newGuest makes all containers and loads their policies.
func newGuest(containers []lsmdiffer.Container) (*guest, error) {
	g := &guest{}
	var err error
	if program, err = os.ReadFile(workerProgram); err != nil {
		return nil, err
	}
	for i, c := range containers {
		w, err := newContainer(i, c)
		if err != nil {
			return nil, err
		}
		if err := load(c.Image, w.cgroup); err != nil {
			return nil, fmt.Errorf("load %s: %w", c.Image, err)
		}
		g.containers = append(g.containers, w)
	}
	g.reports, err = openReports()
	return g, err
}

// step carries out a step.
func (g *guest) step(s *lsmdiffer.Step) (out lsmdiffer.Outcome, err error) {
	c := g.containers[s.Container]
	switch s.Do {
	case lsmdiffer.Swap:
		return out, load(s.From.Path, c.cgroup)
	case lsmdiffer.SwapBack:
		before, err := inForce(c.cgroup)
		if err != nil {
			return out, err
		}
		return out, errors.Join(load(s.From.Path, c.cgroup), before.restore())
	case lsmdiffer.LoseForks:
		return out, loseForks()
	case lsmdiffer.Start:
		if err := c.enter(); err != nil {
			return out, err
		}
		c.depth = 1
	case lsmdiffer.Fork:
		if c.lost {
			return lsmdiffer.Outcome{Skipped: true}, nil
		}
		c.depth++
		_, err := c.processes.must(unix.SYS_FORK)
		return out, err
	case lsmdiffer.Exit:
		if c.depth == 0 {
			return out, nil
		}
		if c.lost {
			return lsmdiffer.Outcome{Skipped: true}, nil
		}
		c.depth--
		return out, c.leave(c.depth == 0)
	}
	if c.lost {
		return lsmdiffer.Outcome{Skipped: true}, nil
	}
	return g.attempt(c, s)
}

// attempt makes the objects of an attempt, makes it, looks at what came of it, and takes them away again.
func (g *guest) attempt(c *container, s *lsmdiffer.Step) (out lsmdiffer.Outcome, err error) {
	from, err := c.prepare(&s.From)
	if err != nil {
		return out, err
	}
	to, err := c.prepare(&s.To)
	if err != nil {
		return out, err
	}
	switch {
	case s.Do == lsmdiffer.ExecLink:
		err = unix.Symlink(s.From.Path, c.root+s.From.Spelled)
	case s.Do == lsmdiffer.Removexattr && s.From.Kind.ByDescriptor():
		err = unix.Fsetxattr(from.fd, attribute, []byte("old"), 0)
	case s.Do == lsmdiffer.Removexattr:
		err = unix.Setxattr(from.at, attribute, []byte("old"), 0)
	case needsDescriptor(s.Do) && from.fd < 0:
		from.fd, err = unix.Open(from.at, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return out, err
	}
	before := from.state(s.From.Kind) + to.state(s.To.Kind)
	result, err := c.try(s, from)
	if err != nil {
		return out, err
	}
	if result < 0 && result > -4096 {
		out.Errno = int(-result)
	}
	out.Changed = from.state(s.From.Kind)+to.state(s.To.Kind) != before
	executes := s.Do == lsmdiffer.Start || s.Do == lsmdiffer.Exec || s.Do == lsmdiffer.ExecAt || s.Do == lsmdiffer.ExecLink
	if executes && (out.Errno == 0) != s.Passes {
		c.lost = true
	}
	if executes && out.Errno == 0 {
		c.processes.base = result
	}
	if from.fd >= 0 {
		_, err = c.processes.must(unix.SYS_CLOSE, received)
	}
	if s.Do == lsmdiffer.ExecLink {
		err = errors.Join(err, unix.Unlink(c.root+s.From.Spelled))
	}
	err = errors.Join(err, to.remove(s.To.Kind), from.remove(s.From.Kind))
	for err == nil {
		r, wrong := g.reports.Receive(0)
		if errors.Is(wrong, lsm.ErrIdle) {
			break
		}
		err = wrong
		if err == nil {
			out.Reports = append(out.Reports, lsmdiffer.Report{Event: r.Event, Paths: [2]string{r.Objects[0].Path, r.Objects[1].Path}})
		}
	}
	return out, err
}
