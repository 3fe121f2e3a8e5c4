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
		"cell": bpf.Cell{}, "cell_layer": bpf.CellLayer{}, "below_layer": bpf.BelowLayer{},
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
		members := map[string]uint32{}
		for _, m := range s.Members {
			members[m.Name] = m.Offset.Bytes()
		}
		fields := 0
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Name == "_" {
				continue
			}
			fields++
			if at, ok := members[snake(f.Name)]; !ok || uintptr(at) != f.Offset {
				t.Errorf("%s.%s is at %d in Go, and in C at %d (%v)", name, f.Name, f.Offset, at, ok)
			}
		}
		delete(members, "pad")
		if fields != len(members) {
			t.Errorf("%s has %d fields in Go and %d in C", name, fields, len(members))
		}
	}
}

// snake writes a Go name as C has it.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
