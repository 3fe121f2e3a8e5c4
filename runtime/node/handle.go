// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/bpf"
)

// handle is what `policies` holds of a unit: where the table of its current
// revision is, and the instance, by which labels of tasks tell this unit from an
// earlier one in the same slot; and as many bits of the generation as have room, by
// which they tell revisions. 0 is an empty slot.
//
//	bits 32-63  instance
//	bits 24-31  class
//	bits 11-23  generation, its lowest bits
//	bits 0-10   index
type handle uint64

func newHandle(slot, instance, generation uint32, class int) handle {
	return handle(instance)<<32 | handle(class)<<24 | handle(generation&(1<<13-1))<<11 | handle(2*slot+(generation&1))
}

func (h handle) index() uint32 { return uint32(h) & (1<<11 - 1) }
func (h handle) class() int    { return int(h >> 24 & 0xff) }
func (h handle) policy() uint64 {
	return uint64(h)>>32<<32 | uint64(h.index()/2)
}

// handles is the map `policies`, mapped into memory so that readers on other
// processors see a store whole: the kernel's copying of values does not say so.
type handles []uint64

func mapHandles(m *ebpf.Map) (handles, error) {
	mem, err := unix.Mmap(m.FD(), 0, 8*bpf.MaxPolicies, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the handles of units into memory: %w", err)
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(&mem[0])), bpf.MaxPolicies), nil
}

func (h handles) load(slot uint32) handle      { return handle(atomic.LoadUint64(&h[slot])) }
func (h handles) store(slot uint32, to handle) { atomic.StoreUint64(&h[slot], uint64(to)) }

func (h handles) close() error {
	return unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(&h[0])), 8*len(h)))
}

// settle returns when every program that runs now has ended: after an update of a
// map of maps the kernel waits for that (RCU).
func settle() error {
	element := &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	inner, err := ebpf.NewMap(element)
	if err != nil {
		return err
	}
	defer inner.Close()
	outer, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ArrayOfMaps, KeySize: 4, MaxEntries: 1, InnerMap: element})
	if err != nil {
		return err
	}
	defer outer.Close()
	return outer.Put(uint32(0), inner)
}
