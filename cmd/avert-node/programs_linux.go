// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/runtime/lsm"
	"github.com/avert-dev/avert/runtime/node"
	"github.com/avert-dev/avert/runtime/process"
)

// followPrograms reads the reports of the attached programs until the context ends.
func (a *app) followPrograms(ctx context.Context, reader *lsm.Reader, processes *process.Processes, o options) error {
	cgroups := &lsm.Cgroups{Root: "/sys/fs/cgroup", List: node.CgroupPaths}
	x := &lsm.Explainer{Node: o.node, Image: node.New(o.bpffs).Image, Time: lsm.SinceBoot, Processes: processes, Cgroup: cgroups.Path}
	before, err := reader.Lost()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "avert-node: reading the reports of the attached programs; %d were lost before\n", before)
	asked := time.Now()
	for ctx.Err() == nil {
		r, err := reader.Receive(idle)
		if time.Since(asked) >= askEvery {
			asked = time.Now()
			if err := a.lost(reader, o.node); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, lsm.ErrIdle):
			continue
		case errors.Is(err, lsm.ErrMalformed):
			fmt.Fprintf(a.stderr, "avert-node: %v\n", err)
			continue
		case err != nil:
			return err
		}
		for _, e := range x.Events(r) {
			if err := a.line(&e); err != nil {
				return err
			}
		}
	}
	return a.lost(reader, o.node)
}

// lost says how many reports were lost since it last did.
func (a *app) lost(reader *lsm.Reader, node string) error {
	n, err := reader.Lost()
	if err != nil || n == 0 {
		return err
	}
	return a.line(&event.Event{Time: event.Stamp(time.Now()), Source: event.LSM, Node: event.Text(node), Lost: n})
}
