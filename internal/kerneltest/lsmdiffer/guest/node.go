// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/runtime/image"
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

// stale is the table of a revision, and the handle that led to it.
type stale struct {
	slot   uint32
	handle uint64
	table  []byte
}

// current reads the revision of a unit that is in force.
func current(file string) (*stale, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	img, err := image.Decode(raw)
	if err != nil {
		return nil, err
	}
	units, err := node.New("/sys/fs/bpf").List()
	if err != nil {
		return nil, err
	}
	for _, u := range units {
		if u.Name == img.Identity.Unit {
			return readTable(u.Cgroups[0])
		}
	}
	return nil, errors.New("the unit is not loaded")
}

// tables returns the map of the tables of a size class, and what those are.
func tables(class int) (name string, inner *ebpf.MapSpec, err error) {
	spec, err := bpf.Spec()
	if err != nil {
		return "", nil, err
	}
	for name, m := range spec.Maps {
		if m.InnerMap != nil && int(m.InnerMap.ValueSize) == bpf.TableSizes[class] {
			return name, m.InnerMap, nil
		}
	}
	return "", nil, fmt.Errorf("no map has tables of %d bytes", bpf.TableSizes[class])
}

// readTable reads the table that governs a cgroup.
func readTable(cgroup uint64) (*stale, error) {
	cgroups, err := pinned("cgroups")
	if err != nil {
		return nil, err
	}
	defer cgroups.Close()
	var policy uint64
	if err := cgroups.Lookup(cgroup, &policy); err != nil {
		return nil, err
	}
	s := &stale{slot: uint32(policy)}
	policies, err := pinned("policies")
	if err != nil {
		return nil, err
	}
	defer policies.Close()
	if err := policies.Lookup(s.slot, &s.handle); err != nil {
		return nil, err
	}
	name, _, err := tables(s.class())
	if err != nil {
		return nil, err
	}
	outer, err := pinned(name)
	if err != nil {
		return nil, err
	}
	defer outer.Close()
	var id uint32
	if err := outer.Lookup(s.index(), &id); err != nil {
		return nil, err
	}
	inner, err := ebpf.NewMapFromID(ebpf.MapID(id))
	if err != nil {
		return nil, err
	}
	defer inner.Close()
	return s, inner.Lookup(uint32(0), &s.table)
}

func (s *stale) class() int    { return int(s.handle >> 24 & 0xff) }
func (s *stale) index() uint32 { return uint32(s.handle & (1<<24 - 1)) }

// restore puts the revision in force again.
func (s *stale) restore() error {
	name, spec, err := tables(s.class())
	if err != nil {
		return err
	}
	inner, err := ebpf.NewMap(spec)
	if err != nil {
		return err
	}
	defer inner.Close()
	outer, err := pinned(name)
	if err != nil {
		return err
	}
	defer outer.Close()
	policies, err := pinned("policies")
	if err != nil {
		return err
	}
	defer policies.Close()
	if err := inner.Put(uint32(0), s.table); err != nil {
		return err
	}
	return errors.Join(outer.Put(s.index(), inner), policies.Put(s.slot, s.handle))
}
