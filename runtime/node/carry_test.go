// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/bpf"
)

// TestSucceed: after any number of revisions, the rows of the newest translate the
// atoms of each earlier one to those with the same patterns, unless a revision
// between them has no such atom.
func TestSucceed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		atoms := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"/a", "/b", "/c", "/d", "/e"}), 0, 5, rapid.ID[string])
		revisions := rapid.SliceOfN(atoms, 1, bpf.Carries+4).Draw(t, "atoms")
		lists := func(names []string) [][]string {
			var out [][]string
			for _, n := range names {
				out = append(out, []string{n, n + "/**"})
			}
			return out
		}
		var heads []*bpf.Head
		for i, names := range revisions {
			h := &bpf.Head{}
			if i == 0 {
				succeed(h, lists(names), nil, nil)
			} else {
				succeed(h, lists(names), heads[i-1], lists(revisions[i-1]))
			}
			if int(h.Generation) != i+1 || int(h.Carried) != min(i, bpf.Carries) {
				t.Fatalf("revision %d has generation %d and carries %d", i, h.Generation, h.Carried)
			}
			heads = append(heads, h)
		}
		last := len(revisions) - 1
		for n := range int(heads[last].Carried) {
			earlier := last - 1 - n
			for atom, name := range revisions[earlier] {
				want := slices.Index(revisions[last], name)
				for _, between := range revisions[earlier:last] {
					if !slices.Contains(between, name) {
						want = -1
					}
				}
				if got := heads[last].Carry[n][atom]; got != uint8(want) { // -1 is 255
					t.Fatalf("atom %s of revision %d is %d in revision %d, not %d", name, earlier, got, last, want)
				}
			}
		}
	})
}

func TestClass(t *testing.T) {
	last := len(bpf.TableSizes) - 1
	for _, c := range []struct{ bytes, class int }{{1, 0}, {bpf.TableSizes[0], 0}, {bpf.TableSizes[0] + 1, 1}, {bpf.TableSizes[last], last}, {bpf.TableSizes[last] + 1, -1}} {
		got, err := class(c.bytes)
		if err != nil {
			got = -1
		}
		if got != c.class {
			t.Errorf("%d bytes have class %d, not %d", c.bytes, got, c.class)
		}
		if err == nil && len(padded(make([]byte, c.bytes), got)) != bpf.TableSizes[got] {
			t.Errorf("%d bytes are not padded to the size of their class", c.bytes)
		}
	}
}

func TestHandle(t *testing.T) {
	for _, c := range []struct {
		slot, instance, generation uint32
		class                      int
	}{{0, 1, 1, 0}, {1023, 1<<32 - 1, 1<<32 - 1, 3}, {5, 0x80000000, 2, 2}} {
		h := newHandle(c.slot, c.instance, c.generation, c.class)
		if h.class() != c.class || h.index() != 2*c.slot+c.generation%2 || h.policy() != uint64(c.instance)<<32|uint64(c.slot) {
			t.Errorf("%+v is %#x", c, h)
		}
	}
}
