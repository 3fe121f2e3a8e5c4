// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"

	"github.com/avert-dev/avert/bpf"
)

// Unit is an effective policy that is loaded.
type Unit struct {
	Name      string
	Namespace string
	// Policies are "namespace/name" of all that govern it.
	Policies []string
	// Revision is that of the policies' sources, Image the SHA-256 of the image.
	Revision, Image string
	// Generation counts the revisions on this node from 1; 0 for another layout's.
	Generation uint32
	// Layout is the one that it is loaded under.
	Layout uint32
	// Cgroups are the ids of the cgroups that it governs, sorted.
	Cgroups []uint64

	slot   uint32
	handle handle
	kept   *kept
}

// units returns what is loaded under a layout, by name.
func (s *state) units() ([]*Unit, error) {
	governed, err := s.governed()
	if err != nil {
		return nil, err
	}
	var out []*Unit
	for slot := range uint32(bpf.MaxPolicies) {
		h := s.handles.load(slot)
		if h == 0 {
			continue
		}
		k, err := readImage(s.image(h.index()))
		if err != nil {
			return nil, fmt.Errorf("slot %d is in use, but what it holds is not known: %w", slot, err)
		}
		id := &k.identity
		u := &Unit{
			Name: id.Unit, Namespace: id.Namespace, Policies: id.Policies, Revision: id.Revision, Layout: k.header.Layout,
			Image: hex.EncodeToString(k.header.SHA256[:]), slot: slot, handle: h, kept: k,
		}
		if k.head != nil {
			u.Generation = k.head.Generation
		}
		for cgroup, policy := range governed {
			if policy == h.policy() {
				u.Cgroups = append(u.Cgroups, cgroup)
			}
		}
		slices.Sort(u.Cgroups)
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b *Unit) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

func find(units []*Unit, name string) *Unit {
	if i := slices.IndexFunc(units, func(u *Unit) bool { return u.Name == name }); i >= 0 {
		return units[i]
	}
	return nil
}

// Image returns the image that a report is about: of the unit that policy names,
// which is its instance and slot as programs report them, in one of its
// generations. The kernel keeps the current one and the one before; the error is
// fs.ErrNotExist for others.
func (n *Node) Image(policy uint64, generation uint32) ([]byte, error) {
	slot := uint32(policy)
	f := n.folder(n.layout)
	s, err := f.open()
	if err != nil {
		return nil, err
	}
	defer s.close()
	if slot >= bpf.MaxPolicies || s.handles.load(slot).policy() != policy {
		return nil, fmt.Errorf("unit %#x: %w", policy, fs.ErrNotExist)
	}
	k, err := openImage(f.image(2*slot + (generation & 1)))
	if err != nil {
		return nil, err
	}
	defer k.Close()
	if head, err := k.head(); err != nil {
		return nil, err
	} else if head.Generation != generation {
		return nil, fmt.Errorf("generation %d of unit %#x: %w", generation, policy, fs.ErrNotExist)
	}
	return k.image()
}
