// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cilium/ebpf"

	"github.com/avert-dev/avert/bpf"
)

// slotsName returns the name of the map of the tables of a size class.
func slotsName(class int) string {
	if size := bpf.TableSizes[class]; size < 1<<20 {
		return fmt.Sprintf("slots_%dk", size>>10)
	} else {
		return fmt.Sprintf("slots_%dm", size>>20)
	}
}

// heads is the map of the heads of tables.
const heads = "heads"

// template is what the maps in a map of tables or heads have to be like, for values
// of so many bytes.
func template(size int) *ebpf.MapSpec {
	return &ebpf.MapSpec{Name: "avert_table", Type: ebpf.Array, KeySize: 4, ValueSize: uint32(size), MaxEntries: 1}
}

// insert puts a table or head into a map of them.
func insert(outer *ebpf.Map, index uint32, value []byte) error {
	m, err := ebpf.NewMap(template(len(value)))
	if err != nil {
		return fmt.Errorf("make a table: %w", err)
	}
	defer m.Close()
	if err := m.Put(uint32(0), value); err != nil {
		return fmt.Errorf("fill a table: %w", err)
	}
	if err := outer.Put(index, m); err != nil {
		return fmt.Errorf("insert a table: %w", err)
	}
	return nil
}

// state is what is loaded under one layout.
type state struct {
	folder
	handles handles
	cgroups *ebpf.Map
	heads   *ebpf.Map
	outer   [len(bpf.TableSizes)]*ebpf.Map // of tables
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
	for class := range s.outer {
		s.outer[class] = pin(slotsName(class))
	}
	s.heads = pin(heads)
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
	for _, m := range append(s.outer[:], s.cgroups, s.heads) {
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
	slots, err := s.changing()
	if err != nil {
		return err
	}
	for _, slot := range slots {
		if err := s.finish(slot); err != nil {
			return err
		}
	}
	return nil
}

// together does what waits for the same.
func together(one, other func() error) error {
	result := make(chan error)
	go func() { result <- other() }()
	return errors.Join(one(), <-result)
}

// finish ends the change of a slot, wherever it stands: it removes every table but
// the current one, once no program reads it any more, and the images of an empty
// slot.
//
// Each access to a map of maps can take as long as all programs that run: until
// Linux 6.8 the kernel waits for them even after it has found nothing. So what may
// be there is known from the images, and nothing else is asked for.
func (s *state) finish(slot uint32) error {
	if err := settle(); err != nil {
		return fmt.Errorf("wait for programs: %w", err)
	}
	current := s.handles.load(slot)
	for index := 2 * slot; index <= 2*slot+1; index++ {
		if current != 0 && index == current.index() {
			continue
		}
		kept, err := openImage(s.image(index))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		kept.Close()
		class, err := class(int(kept.header.Table.Length))
		if err != nil {
			return err
		}
		remove := func(outer *ebpf.Map) error {
			if err := outer.Delete(index); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
				return fmt.Errorf("remove a table: %w", err)
			}
			return nil
		}
		if err := together(func() error { return remove(s.outer[class]) }, func() error { return remove(s.heads) }); err != nil {
			return err
		}
	}
	if current == 0 {
		if err := errors.Join(unpin(s.image(2*slot)), unpin(s.image(2*slot+1))); err != nil {
			return err
		}
	}
	return s.changed(slot)
}
