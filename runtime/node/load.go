// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/runtime/image"
)

// load puts an image in force for a cgroup.
func (s *state) load(raw []byte, img *image.Image, cgroup uint64) (Change, error) {
	if err := s.repair(); err != nil {
		return 0, fmt.Errorf("remove what an earlier run left: %w", err)
	}
	units, err := s.units()
	if err != nil {
		return 0, err
	}
	for _, u := range units {
		if u.Name != img.Identity.Unit && slices.Contains(u.Cgroups, cgroup) {
			return 0, fmt.Errorf("the cgroup is governed by %s, and a cgroup has one policy: unload that first", u.Name)
		}
	}
	unit := find(units, img.Identity.Unit)
	change := Unchanged
	switch sum := img.Header().SHA256; {
	case unit == nil:
		change = Loaded
	case !bytes.Equal(sum[:], unit.kept.header.SHA256[:]):
		change = Replaced
	}
	var current handle
	if change == Unchanged {
		current = unit.handle
	} else if current, err = s.swap(raw, img, unit); err != nil {
		return 0, err
	}
	if unit == nil || !slices.Contains(unit.Cgroups, cgroup) {
		if err := s.cgroups.Put(cgroup, current.policy()); errors.Is(err, unix.E2BIG) {
			return change, fmt.Errorf("%d cgroups are governed, and no more are possible", s.cgroups.MaxEntries())
		} else if err != nil {
			return change, fmt.Errorf("govern the cgroup: %w", err)
		}
		if change == Unchanged {
			change = Governs
		}
	}
	return change, s.adopt()
}

// swap makes an image the current revision of its unit; unit is nil for a first
// one. Every process has the earlier revision or this one at any time.
func (s *state) swap(raw []byte, img *image.Image, unit *Unit) (handle, error) {
	head := *img.Head()
	var slot, instance uint32
	if unit == nil {
		var err error
		if slot, err = s.free(); err != nil {
			return 0, err
		}
		instance = newInstance()
		succeed(&head, nil, nil, nil)
	} else {
		slot, instance = unit.slot, uint32(unit.handle>>32)
		succeed(&head, img.Identity.Atoms, unit.kept.head, unit.kept.identity.Atoms)
	}
	class, err := class(len(img.Table))
	if err != nil {
		return 0, err
	}
	table, first := padded(img.Table, class), make([]byte, binary.Size(&head))
	if _, err := binary.Encode(first, binary.LittleEndian, &head); err != nil {
		return 0, err
	}
	copy(table, first)
	h := newHandle(slot, instance, head.Generation, class)
	if err := s.change(slot); err != nil {
		return 0, err
	}
	if err := pinImage(s.image(h.index()), raw, &head); err != nil {
		return 0, fmt.Errorf("keep the image: %w", err)
	}
	err = together(
		func() error { return insert(s.heads, h.index(), first) },
		func() error { return insert(s.outer[class], h.index(), table) },
	)
	if err != nil {
		return 0, err
	}
	s.handles.store(slot, h)
	if unit == nil {
		return h, s.changed(slot)
	}
	return h, s.finish(slot)
}

// free returns an empty slot.
func (s *state) free() (uint32, error) {
	for slot := range uint32(bpf.MaxPolicies) {
		if s.handles.load(slot) == 0 {
			return slot, nil
		}
	}
	return 0, fmt.Errorf("%d units are loaded, and no more are possible: unload those that avert-node list shows without a cgroup", bpf.MaxPolicies)
}

// newInstance returns a number that labels of earlier units do not have.
func newInstance() uint32 {
	var b [4]byte
	for binary.LittleEndian.Uint32(b[:]) == 0 {
		rand.Read(b[:])
	}
	return binary.LittleEndian.Uint32(b[:])
}

// unload takes a unit out of force.
func (s *state) unload(u *Unit) error {
	for _, cgroup := range u.Cgroups {
		if err := s.cgroups.Delete(cgroup); err != nil {
			return err
		}
	}
	if err := s.change(u.slot); err != nil {
		return err
	}
	s.handles.store(u.slot, 0)
	return s.finish(u.slot)
}
