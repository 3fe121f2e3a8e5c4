// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/runtime/image"
)

// Node is the node that the process runs on.
type Node struct {
	// BPFFS is where the BPF file system is mounted: /sys/fs/bpf.
	BPFFS string
	// layout is bpf.Layout; tests have others.
	layout uint32
}

// New returns the node with a BPF file system at a folder.
func New(bpffs string) *Node { return &Node{BPFFS: bpffs, layout: bpf.Layout} }

// Change is what a load did.
type Change int

// The changes.
const (
	// Unchanged: the same image governs the same cgroup already.
	Unchanged Change = iota
	// Governs: the same image now governs one more cgroup.
	Governs
	// Replaced: a new revision of a unit that was loaded.
	Replaced
	// Loaded: a unit that was not.
	Loaded
)

func (n *Node) avert() string { return filepath.Join(n.BPFFS, "avert") }

func (n *Node) folder(layout uint32) folder {
	return folder(filepath.Join(n.avert(), fmt.Sprintf("v%d", layout)))
}

// Load puts an image in force for a cgroup, whose folder is given. The input may
// be hostile: nothing of an image that is refused reaches the kernel.
func (n *Node) Load(raw []byte, cgroup string) (change Change, err error) {
	img, err := image.Decode(raw)
	if err != nil {
		return 0, err
	}
	id, err := cgroupID(cgroup)
	if err != nil {
		return 0, err
	}
	if findings := Preflight(n.BPFFS); len(findings) > 0 {
		return 0, &NotReady{findings}
	}
	if err := os.Mkdir(n.avert(), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return 0, err
	}
	err = n.locked(unix.LOCK_EX, func(present []uint32) error {
		if err := n.refuseDowngrade(present); err != nil {
			return err
		}
		f := n.folder(n.layout)
		if err := f.install(); err != nil {
			return err
		}
		s, err := f.open()
		if err != nil {
			return err
		}
		defer s.close()
		if change, err = s.load(raw, img, id); err != nil {
			return err
		}
		for _, layout := range present {
			if layout < n.layout {
				if err := n.folder(layout).give(img.Identity.Unit); err != nil {
					return fmt.Errorf("the unit is in force, but layout %d still has it too: %w", layout, err)
				}
			}
		}
		return nil
	})
	return change, err
}

// refuseDowngrade holds that no newer layout enforces: this program could neither
// take units over from it nor leave them to it.
func (n *Node) refuseDowngrade(present []uint32) error {
	for _, layout := range present {
		if layout <= n.layout {
			continue
		}
		if programs, err := n.folder(layout).attached(); err != nil {
			return err
		} else if len(programs) > 0 {
			return fmt.Errorf("a newer avert-node enforces with layout %d, and this one knows layouts up to %d: use the newer one, with images that the newer avert compiles, or unload everything with it first", layout, n.layout)
		}
	}
	return nil
}

// ErrNotLoaded says that there is no such unit.
var ErrNotLoaded = errors.New("is not loaded")

// Unload takes a unit out of force, under every layout that this program knows.
// After the last one nothing is attached.
func (n *Node) Unload(unit string) error {
	return n.locked(unix.LOCK_EX, func(present []uint32) error {
		found := false
		for _, layout := range present {
			if layout > n.layout {
				continue
			}
			err := n.folder(layout).retire(unit)
			if err != nil && !errors.Is(err, ErrNotLoaded) {
				return err
			}
			found = found || err == nil
		}
		if !found {
			return fmt.Errorf("%s %w", unit, ErrNotLoaded)
		}
		return nil
	})
}

// retire unloads a unit, and detaches the programs when it was the last one. The
// error is ErrNotLoaded when there is no such unit.
func (f folder) retire(unit string) error {
	s, err := f.open()
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotLoaded
	} else if err != nil {
		return err
	}
	defer s.close()
	if err := s.repair(); err != nil {
		return err
	}
	units, err := s.units()
	if err != nil {
		return err
	}
	u := find(units, unit)
	if u == nil {
		return ErrNotLoaded
	}
	if err := s.unload(u); err != nil {
		return err
	}
	if len(units) == 1 {
		return f.detach()
	}
	return nil
}

// give leaves a unit to a newer layout, and removes this one after the last unit.
func (f folder) give(unit string) error {
	if err := f.retire(unit); err != nil && !errors.Is(err, ErrNotLoaded) {
		return err
	}
	if programs, err := f.attached(); err != nil || len(programs) > 0 {
		return err
	}
	return os.RemoveAll(string(f))
}

// List returns what is loaded, by layout and name.
func (n *Node) List() (out []*Unit, err error) {
	err = n.locked(unix.LOCK_SH, func(present []uint32) error {
		for _, layout := range present {
			s, err := n.folder(layout).open()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				return err
			}
			units, err := s.units()
			s.close()
			if err != nil {
				return err
			}
			out = append(out, units...)
		}
		return nil
	})
	return out, err
}

// locked calls a function with the layouts that are present, and keeps loaders out
// meanwhile: all others, or with LOCK_SH those that change something.
func (n *Node) locked(how int, do func(present []uint32) error) error {
	// Up to Linux 5.10 maps count as locked memory.
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	dir, err := os.Open(n.avert())
	if errors.Is(err, fs.ErrNotExist) {
		return do(nil) // nothing was ever loaded
	} else if err != nil {
		return err
	}
	defer dir.Close()
	for err = unix.EINTR; err == unix.EINTR; {
		err = unix.Flock(int(dir.Fd()), how)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", n.avert(), err)
	}
	present, err := layouts(n.avert())
	if err != nil {
		return err
	}
	return do(present)
}
