// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/avert-dev/avert/runtime/audit"
	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/runtime/lsm"
	"github.com/avert-dev/avert/runtime/node"
	"github.com/avert-dev/avert/runtime/process"
)

// idle is how long an event may wait for more of its records.
const idle = 100 * time.Millisecond

// follow reads reports until the context ends: those of the programs, and with an
// explainer the kernel's audit log.
func (a *app) follow(ctx context.Context, x *audit.Explainer, o options) error {
	processes := process.Open(o.proc)
	events, counters, err := node.New(o.bpffs).Reports()
	switch {
	case errors.Is(err, node.ErrNothingLoaded) && x == nil:
		return fmt.Errorf("%w: load one (avert-node load), or name rule tables with --rules to read the kernel's audit log", err)
	case errors.Is(err, node.ErrNothingLoaded):
		return a.followAudit(ctx, x, processes)
	case err != nil:
		return err
	}
	programs, err := lsm.NewReader(events, counters)
	if err != nil {
		return err
	}
	defer programs.Close()
	if x == nil {
		return a.followPrograms(ctx, programs, processes, o)
	}
	// One that fails ends the other.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		defer stop()
		done <- a.followPrograms(ctx, programs, processes, o)
	}()
	err = a.followAudit(ctx, x, processes)
	stop()
	return errors.Join(err, <-done)
}

// followAudit reads the kernel's audit log until the context ends.
func (a *app) followAudit(ctx context.Context, x *audit.Explainer, processes *process.Processes) error {
	socket, err := audit.Listen()
	if err != nil {
		return err
	}
	defer socket.Close()
	x.Processes = processes
	drops := newDrops(a)
	fmt.Fprintln(a.stderr, "avert-node: reading the kernel's audit log")
	var assembler audit.Assembler
	for ctx.Err() == nil {
		record, lost, err := socket.Receive(idle)
		if lost += drops.since(time.Now()); lost > 0 {
			if err := a.line(&event.Event{Time: event.Stamp(time.Now()), Source: event.AuditLog, Node: event.Text(x.Node), Lost: lost}); err != nil {
				return err
			}
		}
		var groups []*audit.Group
		switch {
		case err == nil:
			x.Look(&record)
			groups = assembler.Add(record)
		case errors.Is(err, audit.ErrIdle):
			groups = assembler.Flush()
		case errors.Is(err, audit.ErrMalformed):
			fmt.Fprintf(a.stderr, "avert-node: %v\n", err)
		default:
			return err
		}
		if err := a.print(x, groups); err != nil {
			return err
		}
	}
	return a.print(x, assembler.Flush())
}

// drops watches how many records the kernel drops before anybody reads them.
type drops struct {
	known  bool
	lost   uint32
	asked  time.Time
	stderr io.Writer
}

const (
	// askEvery is how often the kernel is asked.
	askEvery = time.Second
	// enoughBacklog is a limit that bursts of denials hardly reach; the kernel's
	// own is 64.
	enoughBacklog = 1024
)

func newDrops(a *app) *drops {
	d := &drops{asked: time.Now(), stderr: a.stderr}
	s, err := audit.ReadStatus()
	switch {
	case err != nil:
		fmt.Fprintf(a.stderr, "avert-node: alerts that the kernel drops are not counted: %v\n", err)
	case s.BacklogLimit > 0 && s.BacklogLimit < enoughBacklog:
		fmt.Fprintf(a.stderr, "avert-node: the kernel keeps %d audit records at most and drops others in a burst; boot it with audit_backlog_limit=8192\n", s.BacklogLimit)
	}
	d.known, d.lost = err == nil, s.Lost
	return d
}

// since returns how many were dropped since the last answer, at most once in
// askEvery.
func (d *drops) since(now time.Time) uint64 {
	if !d.known || now.Sub(d.asked) < askEvery {
		return 0
	}
	d.asked = now
	s, err := audit.ReadStatus()
	if err != nil {
		d.known = false
		fmt.Fprintf(d.stderr, "avert-node: alerts that the kernel drops are no longer counted: %v\n", err)
		return 0
	}
	n := s.Lost - d.lost // also past the end of the counter
	d.lost = s.Lost
	return uint64(n)
}
