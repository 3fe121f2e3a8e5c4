// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/avert-dev/avert/bpf"
)

// none says that no atom stands for an earlier one.
const none = 255

// readHead decodes the head of a table.
func readHead(table []byte) (*bpf.Head, error) {
	var h bpf.Head
	if _, err := binary.Decode(table, binary.LittleEndian, &h); err != nil {
		return nil, fmt.Errorf("the head of a table: %w", err)
	}
	return &h, nil
}

// succeed makes next, whose atoms are atoms, the revision after previous: the
// lineages of processes that were labelled under that one and those before it are
// translated. previous is nil for a first revision.
func succeed(next *bpf.Head, atoms [][]string, previous *bpf.Head, earlier [][]string) {
	next.Generation = 1
	if previous == nil {
		return
	}
	next.Generation = previous.Generation + 1
	next.Carried = min(previous.Carried+1, bpf.Carries)
	step := &next.Carry[0]
	for i := range step {
		step[i] = none
		if i < len(earlier) {
			if to := slices.IndexFunc(atoms, func(a []string) bool { return slices.Equal(a, earlier[i]) }); to >= 0 && to < bpf.MaxAtoms {
				step[i] = uint8(to)
			}
		}
	}
	for n := 1; n < int(next.Carried); n++ {
		for i, via := range previous.Carry[n-1] {
			next.Carry[n][i] = none
			if via < bpf.MaxAtoms {
				next.Carry[n][i] = step[via]
			}
		}
	}
}

// class returns the size class of a table of so many bytes.
func class(length int) (int, error) {
	for i, size := range bpf.TableSizes {
		if length <= size {
			return i, nil
		}
	}
	return 0, fmt.Errorf("the table has %d bytes, at most %d are possible", length, bpf.TableSizes[len(bpf.TableSizes)-1])
}

// padded is a table as the value of a map.
func padded(table []byte, class int) []byte {
	return append(bytes.Clone(table), make([]byte, bpf.TableSizes[class]-len(table))...)
}
