// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/bpf"
)

// Status is what a node has in force, and lacks.
type Status struct {
	// Findings are those of Preflight; with some, what follows may be unknown.
	Findings []Finding
	// TaskStorage: labels are in the tasks themselves; otherwise in a table by task.
	TaskStorage bool
	// Missing are the hooks that the kernel lacks.
	Missing []Hook
	Layouts []LayoutStatus
}

// LayoutStatus is what is in force under one layout.
type LayoutStatus struct {
	Layout uint32
	// Attached are the programs.
	Attached []string
	// Lacking are programs that should be attached, as units are loaded, and are not.
	Lacking  []string
	Units    int
	Counters []Counter
}

// Counter is a number that the programs count.
type Counter struct {
	Name  string
	Value uint64
}

// Status looks at the node.
func (n *Node) Status() (*Status, error) {
	s := &Status{Findings: Preflight(n.BPFFS)}
	err := n.locked(unix.LOCK_SH, func(present []uint32) error {
		var expected []string
		if len(s.Findings) == 0 {
			p, err := adapted()
			if err != nil {
				return err
			}
			s.Missing, s.TaskStorage = p.missing, p.taskStorage
			expected = slices.Sorted(maps.Keys(p.spec.Programs))
		}
		for _, layout := range present {
			l, err := n.folder(layout).status()
			if err != nil {
				return fmt.Errorf("layout %d: %w", layout, err)
			}
			l.Layout = layout
			if layout == n.layout && l.Units > 0 {
				l.Lacking = slices.DeleteFunc(expected, func(name string) bool { return slices.Contains(l.Attached, name) })
			}
			s.Layouts = append(s.Layouts, l)
		}
		return nil
	})
	return s, err
}

func (f folder) status() (LayoutStatus, error) {
	var l LayoutStatus
	s, err := f.open()
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	} else if err != nil {
		return l, err
	}
	defer s.close()
	if l.Attached, err = f.attached(); err != nil {
		return l, err
	}
	for _, h := range s.handles {
		if h != 0 {
			l.Units++
		}
	}
	counters, err := f.counters()
	if err != nil {
		return l, err
	}
	defer counters.Close()
	for i, name := range bpf.Counters {
		var value uint64
		if err := counters.Lookup(uint32(i), &value); err != nil {
			return l, fmt.Errorf("counter %s: %w", name, err)
		}
		l.Counters = append(l.Counters, Counter{name, value})
	}
	return l, nil
}
