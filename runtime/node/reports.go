// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cilium/ebpf"
)

// ErrNothingLoaded says that there are no programs that could report anything.
var ErrNothingLoaded = errors.New("no image was loaded on this node since it booted")

// Reports returns the maps `events` and `counters` of the programs. They stay after
// the last unit was unloaded.
func (n *Node) Reports() (events, counters *ebpf.Map, err error) {
	f := n.folder(n.layout)
	events, err = ebpf.LoadPinnedMap(filepath.Join(f.maps(), "events"), nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, ErrNothingLoaded
	} else if err != nil {
		return nil, nil, fmt.Errorf("cannot open the programs' reports: %w", err)
	}
	if counters, err = f.counters(); err != nil {
		events.Close()
		return nil, nil, fmt.Errorf("cannot open the programs' counters: %w", err)
	}
	return events, counters, nil
}

func (f folder) counters() (*ebpf.Map, error) {
	return ebpf.LoadPinnedMap(filepath.Join(f.maps(), "counters"), &ebpf.LoadPinOptions{ReadOnly: true})
}
