// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/runtime/lsm"
	"github.com/avert-dev/avert/runtime/node"
)

// folder is where the loader pins what it loads.
var folder = fmt.Sprintf("/sys/fs/bpf/avert/v%d/", bpf.Layout)

func load(file, cgroup string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	_, err = node.New("/sys/fs/bpf").Load(raw, cgroup)
	return err
}

func pinned(name string) (*ebpf.Map, error) { return ebpf.LoadPinnedMap(folder+"maps/"+name, nil) }

// openReports opens the reports of the programs.
func openReports() (*lsm.Reader, error) {
	events, err := pinned("events")
	if err != nil {
		return nil, err
	}
	counters, err := pinned("counters")
	if err != nil {
		return nil, err
	}
	return lsm.NewReader(events, counters)
}

// loseForks detaches what labels the children of processes.
func loseForks() error { return os.Remove(folder + "links/task_alloc") }

// revision is one that was in force: its handle, and what the maps of maps held of its unit.
type revision struct {
	slot   uint32
	handle uint64
	inner  []inner
}

// inner is an element of a map of maps.
type inner struct {
	outer string
	index uint32
	held  *ebpf.Map
}

// inForce reads the revision that governs a cgroup, and keeps its tables from being freed.
func inForce(cgroup string) (*revision, error) {
	var s unix.Stat_t
	if err := unix.Stat(cgroup, &s); err != nil {
		return nil, err
	}
	cgroups, err := pinned("cgroups")
	if err != nil {
		return nil, err
	}
	defer cgroups.Close()
	var policy uint64
	if err := cgroups.Lookup(s.Ino, &policy); err != nil {
		return nil, err
	}
	r := &revision{slot: uint32(policy)}
	policies, err := pinned("policies")
	if err != nil {
		return nil, err
	}
	defer policies.Close()
	if err := policies.Lookup(r.slot, &r.handle); err != nil {
		return nil, err
	}
	names, err := os.ReadDir(folder + "maps")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := r.hold(name.Name()); err != nil {
			return nil, fmt.Errorf("%s: %w", name.Name(), err)
		}
	}
	return r, nil
}

// hold notes what a map holds of the unit, if it is one of maps.
func (r *revision) hold(name string) error {
	outer, err := pinned(name)
	if err != nil {
		return err
	}
	defer outer.Close()
	if outer.Type() != ebpf.ArrayOfMaps {
		return nil
	}
	for index := 2 * r.slot; index <= 2*r.slot+1; index++ {
		var id ebpf.MapID
		if err := outer.Lookup(index, &id); errors.Is(err, ebpf.ErrKeyNotExist) {
			continue
		} else if err != nil {
			return err
		}
		held, err := ebpf.NewMapFromID(id)
		if err != nil {
			return err
		}
		r.inner = append(r.inner, inner{name, index, held})
	}
	return nil
}

// restore puts the revision in force again.
func (r *revision) restore() error {
	for _, i := range r.inner {
		outer, err := pinned(i.outer)
		if err != nil {
			return err
		}
		err = errors.Join(outer.Put(i.index, i.held), outer.Close(), i.held.Close())
		if err != nil {
			return err
		}
	}
	policies, err := pinned("policies")
	if err != nil {
		return err
	}
	return errors.Join(policies.Put(r.slot, r.handle), policies.Close())
}
