// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/cilium/ebpf/btf"

	"github.com/avert-dev/avert/bpf"
)

// TestLayout: Go and C have every field at the same place.
func TestLayout(t *testing.T) {
	spec, err := bpf.Spec()
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{
		"head": bpf.Head{}, "layer": bpf.Layer{}, "masks": bpf.Masks{}, "condition": bpf.Condition{}, "state": bpf.State{},
		"cell": bpf.Cell{}, "cell_layer": bpf.CellLayer{}, "below_layer": bpf.BelowLayer{}, "event": bpf.Event{},
	} {
		var s *btf.Struct
		if err := spec.Types.TypeByName(name, &s); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		typ := reflect.TypeOf(value)
		if int(s.Size) != int(typ.Size()) {
			t.Errorf("%s has %d bytes in C and %d in Go", name, s.Size, typ.Size())
		}
		type place struct{ offset, size int }
		members := map[string]place{}
		for _, m := range s.Members {
			size, err := btf.Sizeof(m.Type)
			if err != nil {
				t.Fatal(err)
			}
			members[m.Name] = place{int(m.Offset.Bytes()), size}
		}
		fields := 0
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Name == "_" {
				continue
			}
			fields++
			here := place{int(f.Offset), int(f.Type.Size())}
			if there, ok := members[snake(f.Name)]; !ok || there != here {
				t.Errorf("%s.%s is %+v in Go, and in C %+v (%v)", name, f.Name, here, there, ok)
			}
		}
		delete(members, "pad")
		if fields != len(members) {
			t.Errorf("%s has %d fields in Go and %d in C", name, fields, len(members))
		}
	}
}

// snake writes a Go name as C has it: SystemCovers as system_covers, PPID as ppid.
func snake(name string) string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower {
			b.WriteByte('_')
		}
		lower = !unicode.IsUpper(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// TestMaps: records and counters are as large as the maps and the reader take them.
func TestMaps(t *testing.T) {
	spec, err := bpf.Spec()
	if err != nil {
		t.Fatal(err)
	}
	if size := reflect.TypeFor[bpf.Event]().Size(); size != bpf.EventSize {
		t.Errorf("an event has %d bytes, not %d", size, bpf.EventSize)
	}
	if size := reflect.TypeFor[bpf.Header]().Size(); size != bpf.HeaderSize {
		t.Errorf("a header has %d bytes, not %d", size, bpf.HeaderSize)
	}
	if m := spec.Maps["counters"]; m == nil || int(m.MaxEntries) != len(bpf.Counters) || m.ValueSize != 8 {
		t.Errorf("the map of %d counters is %v", len(bpf.Counters), m)
	}
	if spec.Maps["events"] == nil {
		t.Error("there is no map of events")
	}
}
