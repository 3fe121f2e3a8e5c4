// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/policy"
)

// Record is what a program reported, checked.
type Record struct {
	bpf.Event
	// Objects are the object and the target; of a class but Named they have no path.
	Objects [2]policy.Object
}

// Decode reads a record of the ring buffer. Paths in it may have any bytes.
func Decode(data []byte) (*Record, error) {
	text := len(data) - bpf.EventSize
	if text != bpf.SmallText && text != bpf.LargeText {
		return nil, fmt.Errorf("a report of %d bytes, not %d or %d", len(data), bpf.EventSize+bpf.SmallText, bpf.EventSize+bpf.LargeText)
	}
	r := &Record{}
	if _, err := binary.Decode(data, binary.LittleEndian, &r.Event); err != nil {
		return nil, err
	}
	e := &r.Event
	const layers = 1<<bpf.MaxLayers - 1
	switch {
	case e.Kind > bpf.KindSystem:
		return nil, fmt.Errorf("a report of kind %d", e.Kind)
	case e.Kind == bpf.KindSystem && int(e.Operation) >= len(policy.SystemOperations):
		return nil, fmt.Errorf("a report of operation %d", e.Operation)
	case e.Access>>bpf.Accesses != 0 || (e.Access == 0) != (e.Kind == bpf.KindSystem):
		return nil, fmt.Errorf("a report of kind %d with the accesses %#x", e.Kind, e.Access)
	case (e.Blocks|e.Audits|e.Carried)&^layers != 0 || e.Carried&^e.Blocks != 0 || e.Blocks|e.Audits == 0:
		return nil, fmt.Errorf("a report of the layers %#x, %#x, %#x", e.Blocks, e.Audits, e.Carried)
	case e.Audits&e.Blocks != 0 || e.Audits&1 != 0 && e.Refused != 0:
		return nil, fmt.Errorf("a report of the layers %#x that both block and audit", e.Audits)
	case e.Blocks&1 != 0 && e.Refused == 0:
		return nil, fmt.Errorf("a report of a refusal that let the operation pass")
	}
	size := text / 3
	for i := range r.Objects {
		n := int(e.Length[i])
		if e.Class[i] > bpf.Unnamed || n > size || n > 0 && e.Class[i] != bpf.Named {
			return nil, fmt.Errorf("a report of an object of class %d with a path of %d bytes", e.Class[i], n)
		}
		start := bpf.EventSize + i*size
		r.Objects[i] = policy.Object{Class: policy.ObjectClass(e.Class[i]), Path: string(data[start : start+n])}
	}
	return r, nil
}

// comm is the name of the thread.
func (r *Record) comm() string {
	name, _, _ := bytes.Cut(r.Comm[:], []byte{0})
	return string(name)
}
