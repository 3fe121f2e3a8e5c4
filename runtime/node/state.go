// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cilium/ebpf"

	"github.com/avert-dev/avert/bpf"
)

// tables are the maps of tables, by size class.
var tables = [len(bpf.TableSizes)]string{"slots_64k", "slots_256k", "slots_1m", "slots_4m"}

// templates returns what the maps in them have to be like.
func templates(spec *ebpf.CollectionSpec) (out [len(tables)]*ebpf.MapSpec, err error) {
	for i, name := range tables {
		m := spec.Maps[name]
		if m == nil || m.InnerMap == nil || int(m.InnerMap.ValueSize) != bpf.TableSizes[i] {
			return out, fmt.Errorf("the programs have no map %s of tables of %d bytes", name, bpf.TableSizes[i])
		}
		out[i] = m.InnerMap
	}
	return out, nil
}

// state is what is loaded under one layout.
type state struct {
	folder
	handles handles
	cgroups *ebpf.Map
	outer   [len(tables)]*ebpf.Map
}

// open opens the maps of a layout. The error is fs.ErrNotExist when there are none.
func (f folder) open() (_ *state, err error) {
	s := &state{folder: f}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	pin := func(name string) (m *ebpf.Map) {
		if err == nil {
			m, err = ebpf.LoadPinnedMap(filepath.Join(f.maps(), name), nil)
		}
		return m
	}
	for i, name := range tables {
		s.outer[i] = pin(name)
	}
	s.cgroups = pin("cgroups")
	policies := pin("policies")
	if err != nil {
		return nil, err
	}
	defer policies.Close()
	s.handles, err = mapHandles(policies)
	return s, err
}

func (s *state) close() {
	for _, m := range append(s.outer[:], s.cgroups) {
		m.Close()
	}
	if s.handles != nil {
		s.handles.close()
	}
}

// governed returns the units of cgroups, by id.
func (s *state) governed() (map[uint64]uint64, error) {
	out := map[uint64]uint64{}
	var cgroup, policy uint64
	entries := s.cgroups.Iterate()
	for entries.Next(&cgroup, &policy) {
		out[cgroup] = policy
	}
	return out, entries.Err()
}

// repair removes what loaders that were killed left.
func (s *state) repair() error {
	if err := errors.Join(unpin(s.link(next)), unpin(filepath.Join(s.images(), next))); err != nil {
		return err
	}
	governed, err := s.governed()
	if err != nil {
		return err
	}
	for cgroup, policy := range governed {
		if current := s.handles.load(uint32(policy) % bpf.MaxPolicies); current == 0 || current.policy() != policy {
			if err := s.cgroups.Delete(cgroup); err != nil {
				return err
			}
		}
	}
	slots, err := s.slots()
	if err != nil {
		return err
	}
	// A loader may have been killed between the swap and the end of the programs
	// that still read the earlier table.
	if len(slots) > 0 {
		if err := settle(); err != nil {
			return err
		}
	}
	for _, slot := range slots {
		if err := s.clear(slot); err != nil {
			return err
		}
	}
	return nil
}

// clear removes every table of a slot but the current one, and the images of an
// empty slot. They are there as long as a table may be.
func (s *state) clear(slot uint32) error {
	current := s.handles.load(slot)
	for class, outer := range s.outer {
		for index := 2 * slot; index <= 2*slot+1; index++ {
			if current != 0 && class == current.class() && index == current.index() {
				continue
			}
			var id uint32
			err := outer.Lookup(index, &id)
			if err == nil {
				err = outer.Delete(index)
			}
			if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
				return fmt.Errorf("remove a table: %w", err)
			}
		}
	}
	if current == 0 {
		return errors.Join(unpin(s.image(2*slot)), unpin(s.image(2*slot+1)))
	}
	return nil
}
