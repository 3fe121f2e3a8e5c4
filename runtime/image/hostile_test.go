// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference/sample"
	"github.com/avert-dev/avert/runtime/image"
)

// operations reach every part of a table, and with long paths many states.
func operations() []policy.Operation {
	named := func(path string) policy.Object { return policy.Object{Path: path} }
	long := "/" + strings.Repeat("etc/", 100) + "a"
	var out []policy.Operation
	for _, path := range []string{"/", "/secret", "/etc/\xff\n", "/bin/cat", "/lib/ld.so", long} {
		lineage := []string{path, "/bin/cat"}
		for _, n := range policy.AccessNames {
			out = append(out, policy.Operation{Kind: policy.OpFile, Lineage: lineage, Access: n.Access, Object: named(path)})
		}
		out = append(out,
			policy.Operation{Kind: policy.OpExec, Lineage: lineage, Images: []policy.Object{named(path), {Class: policy.Unnamed}, named(path)}},
			policy.Operation{Kind: policy.OpRename, Lineage: lineage, Object: named(path), Target: named("/etc"), Directory: true, Exchange: true},
			policy.Operation{Kind: policy.OpLink, Lineage: lineage, Object: named(path), Target: policy.Object{Class: policy.Unresolved}})
	}
	for _, o := range policy.SystemOperations {
		out = append(out, policy.Operation{Kind: policy.OpSystem, System: o})
	}
	return out
}

// survives decides everything by an image, if it is one.
func survives(data []byte) error {
	m, err := image.Decode(data)
	if err != nil {
		return err
	}
	for _, op := range operations() {
		m.Decide(op)
	}
	return nil
}

// repaired gives an image the length and hash that it has.
func repaired(data []byte) []byte {
	if len(data) >= bpf.HeaderSize {
		binary.LittleEndian.PutUint64(data[16:], uint64(len(data)))
	}
	return rehash(data)
}

// TestCut: an image that is cut at any length is refused, also when its header
// says that it is that long.
func TestCut(t *testing.T) {
	t.Parallel()
	whole := build(t).encode()
	for n := range whole {
		for _, data := range [][]byte{bytes.Clone(whole[:n]), repaired(bytes.Clone(whole[:n]))} {
			if survives(data) == nil {
				t.Errorf("%d of %d bytes are an image", n, len(whole))
			}
		}
	}
	if survives(repaired(append(bytes.Clone(whole), make([]byte, 8)...))) == nil {
		t.Error("an image with more behind it is an image")
	}
}

// TestFlips: an image with any bit flipped is refused by its hash. With another
// hash it is refused for what it says, or decides without a panic or a loop.
func TestFlips(t *testing.T) {
	t.Parallel()
	data := build(t).encode()
	hash := bytes.Clone(data[24:56])
	accepted := 0
	for i := range len(data) * 8 {
		data[i/8] ^= 1 << (i % 8)
		if _, err := image.Decode(data); err == nil {
			t.Errorf("bit %d may be flipped", i)
		}
		if i/8 < 24 || i/8 >= 56 {
			if survives(rehash(data)) == nil {
				accepted++
			}
			copy(data[24:], hash)
		}
		data[i/8] ^= 1 << (i % 8)
	}
	if accepted == 0 || accepted > len(data)*8/2 {
		t.Errorf("of %d flips %d leave an image", len(data)*8, accepted)
	}
	t.Logf("of %d flips with the hash mended %d leave an image", len(data)*8, accepted)
}

// TestRefusals changes an image so that one thing is wrong, and looks for the
// reason.
func TestRefusals(t *testing.T) {
	t.Parallel()
	slot := func(at int, value uint32) func(*built) {
		return func(b *built) { b.slots[(int(b.head.Starts[0])-headSize/4)+at] = value }
	}
	mask := func(offset int, value uint64) func(*built) {
		return func(b *built) { binary.LittleEndian.PutUint64(b.after[offset:], value) }
	}
	for _, test := range []struct {
		name   string
		change func(*built)
		want   string
	}{
		{"no name", func(b *built) { b.identity.Unit = "" }, `"" is no name of a unit`},
		{"a name of a path", func(b *built) { b.identity.Unit = "../x" }, `"../x" is no name of a unit`},
		{"a name for terminals", func(b *built) { b.identity.Unit = "a\x1b[2J" }, "is neither a name nor a revision"},
		{"a revision for terminals", func(b *built) { b.identity.Revision = "a\nb" }, "is neither a name nor a revision"},
		{"a long name", func(b *built) { b.identity.Unit = strings.Repeat("a", 1025) }, "is neither a name nor a revision"},
		{"a bad atom", func(b *built) { b.identity.Atoms = [][]string{{"/***"}} }, "image: identity: "},
		{"another number of atoms", func(b *built) { b.identity.Atoms = nil }, "0 atoms in the identity, 1 in the table"},
		{"rules of another unit", func(b *built) { b.identity.Unit = "shop-db" }, `the rules are those of "shop-web"`},
		{"rules of other policies", func(b *built) { b.identity.Policies = []string{"shop/db"} }, "those of the rules"},
		{"no rules", func(b *built) { b.rules = nil }, "not a rule table"},
		{"generation", func(b *built) { b.head.Generation = 1 }, "belong to the loader"},
		{"carried", func(b *built) { b.head.Carried = 1 }, "belong to the loader"},
		{"carry", func(b *built) { b.head.Carry[15][63] = 255 }, "belong to the loader"},
		{"no layers", func(b *built) { b.head.Layers = 0 }, "0 layers, not 1 to 4"},
		{"many layers", func(b *built) { b.head.Layers = 5 }, "5 layers, not 1 to 4"},
		{"more layers than the cells have", func(b *built) { b.head.Layers = 4 }, "do not lie in the table"},
		{"a layer beyond", func(b *built) { b.head.Layer[1].Closed = 1 }, "layer 1 is set, and there are 1"},
		{"many parts", func(b *built) { b.head.Parts = 5 }, "5 parts, at most 4"},
		{"a start beyond", func(b *built) { b.head.Starts[3] = b.head.Starts[0] }, "part 3 has a start, and there are 1"},
		{"many conditions", func(b *built) { b.head.Conditions = 64 }, "64 conditions, at most 63"},
		{"a condition beyond", func(b *built) { b.head.Conds[63].Exe = 1 }, "condition 63 is set, and there are 1"},
		{"two atoms in a field", func(b *built) { b.head.Conds[0].Exe = 3 }, "several atoms in one field"},
		{"an atom that is not there", func(b *built) { b.head.Conds[0].Exe = 2 }, "condition 0 uses an atom that is not kept"},
		{"an atom of parents that is not kept", func(b *built) { b.head.Conds[0].Parent = 1 }, "condition 0 uses an atom that is not kept"},
		{"parents", func(b *built) { b.head.Parents = 2 }, "not among the 1"},
		{"many atoms", func(b *built) { b.head.Atoms = 65 }, "65 atoms, at most 64"},
		{"a default", func(b *built) { b.head.Layer[0].System = 4 }, "layer 0: 4 is no default"},
		{"closed", func(b *built) { b.head.Layer[0].Closed = 8 }, "layer 0: unknown flags 0x8"},
		{"covered", func(b *built) { b.head.Layer[0].SystemCovers = 1 << 7 }, "unknown operations"},
		{"relevant", func(b *built) { b.head.Layer[0].Relevant = 1 << 12 }, "unknown accesses"},
		{"a mask of system", func(b *built) { b.head.Layer[0].Operations[6].Allow = 2 }, "operation 6 of system: condition 1 does not exist"},
		{"an unknown operation", func(b *built) { b.head.Layer[0].Operations[7].Allow = 1 }, "operation 7 of system does not exist"},
		{"a layer of no policy", func(b *built) {
			b.head.Layers = 2
			b.after = append(b.after, make([]byte, 400)...)
			b.head.Bytes += 400
		}, "2 layers, but 0 policies in mode Audit"},
		{"reports of nothing", func(b *built) { b.head.Layer[0].Operations[0].Loud = 1 }, "what does not block reports blocks"},
		{"a class", func(b *built) { b.head.Classes['x'] = 1 }, "byte 120 has class 1"},
		{"anonymous objects in the head", func(b *built) { b.head.Anonymous = 8 }, "objects without a path: refers to"},
		{"anonymous objects far away", func(b *built) { b.head.Anonymous = 1<<32 - 1 }, "objects without a path: refers to"},
		{"anonymous objects among the slots", func(b *built) { b.head.Anonymous = uint32(headSize / 8) }, "objects without a path: refers to"},
		{"a table of the head alone", func(b *built) { b.head.Bytes = uint32(headSize) }, "bytes of padding"},
		{"a table beyond its section", func(b *built) { b.head.Bytes += 8 }, "says that it has"},
		{"padding of the table", func(b *built) { b.after = append(b.after, 0, 0, 0, 0, 1); b.head.Bytes += 4 }, "padding is not zero"},
		{"a table of no bytes", func(b *built) { b.head.Bytes = 0 }, "says that it has 0 bytes"},
		{"a large table", func(b *built) { b.after = make([]byte, 4<<20); b.head.Bytes += 4 << 20 }, "says that it has"},
		{"a start in the head", func(b *built) { b.head.Starts[0] = 0 }, "part 0 leads to slot 0, which is outside"},
		{"a start at the end", func(b *built) { b.head.Starts[0] = b.head.Bytes/4 - 255 }, "which is outside of the slots"},
		{"a start that is no reference", func(b *built) { b.head.Starts[0] |= 1 << 24 }, "which is no reference"},
		{"a start that is called a sink", func(b *built) { b.head.Starts[0] |= 1 << 23 }, "a sink, which it is not"},
		{"a start where no row begins", func(b *built) { b.head.Starts[0] += uint32(b.head.Classes['/']) }, "where no row begins"},
		{"a default of a row outside", slot(0, 1<<23-1), "which is outside of the slots"},
		{"a row that accepts what is below", slot(1, 1<<24|1<<23|uint32(headSize/8)), "says of a path what holds below a directory"},
		{"a row that accepts the head", slot(1, 1<<24), "bytes at byte 0, which do not lie"},
		{"a cell with an unknown atom", mask(0, 2), "atom 1 does not exist"},
		{"a cell of half a loader", mask(8, 2<<32), "2 is neither a loader nor none"},
		{"a cell with a below outside", mask(8, 1<<32-1), "refers to"},
		{"a cell with an unknown condition", mask(16, 2), "layer 0: condition 1 does not exist"},
		{"a cell that reports what it does not block", mask(16+8+11*32+8, 1), "what does not block reports blocks"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := build(t)
			test.change(b)
			err := survives(b.encode())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got: %v\nwant: %s", err, test.want)
			}
		})
	}
}

// TestSections refuses sections that do not follow one another.
func TestSections(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*bpf.Header)
		want   string
	}{
		{"another layout", func(h *bpf.Header) { h.Layout = 2 }, "image of layout 2; this program reads layout 1"},
		{"an unknown field", nil, "header: padding is not zero"},
		{"no image", func(h *bpf.Header) { h.Magic[0] = 'a' }, "not an image"},
		{"a gap", func(h *bpf.Header) { h.Table.Offset += 8 }, "section table is at"},
		{"an overlap", func(h *bpf.Header) { h.Rules.Offset -= 8 }, "section rules is at"},
		{"a section beyond the end", func(h *bpf.Header) { h.Table.Length = 1<<64 - 8 }, "section table has 18446744073709551608 bytes, but only"},
		{"an odd section", func(h *bpf.Header) { h.Identity.Length-- }, "not a multiple of 8"},
		{"an early end", func(h *bpf.Header) { h.Rules.Length -= 8 }, "8 bytes follow the last section"},
		{"another length", func(h *bpf.Header) { h.Length = 1 << 40 }, "and says that it has 1099511627776"},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := build(t).encode()
			var h bpf.Header
			if _, err := binary.Decode(data, binary.LittleEndian, &h); err != nil {
				t.Fatal(err)
			}
			if test.change == nil {
				data[12] = 1 // a field without a name
			} else {
				test.change(&h)
				copy(data, raw(h))
			}
			err := survives(rehash(data))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got: %v\nwant: %s", err, test.want)
			}
		})
	}
}

// TestRows refuses what automata do not have. The table has one state, which every
// byte leads back to; NUL leads to another at slot 300, which says what is below.
func TestRows(t *testing.T) {
	t.Parallel()
	first := uint32(headSize / 4)
	const n, nul = 600, 300
	const after = 40 + 16 + 8 + 12*32 // a below, and a cell of nothing
	for _, test := range []struct {
		name   string
		change func(*built)
		want   string
	}{
		{"nothing", func(*built) {}, ""},
		{"a sink that is none", func(b *built) { b.head.Starts[0] |= 1 << 23 }, "a sink, which it is not"},
		{"a sink by its default alone", func(b *built) { b.head.Starts[0] |= 1 << 23; b.slots[0] |= 1 << 23 }, "a sink, which it is not"},
		{"a sink by its bytes alone", func(b *built) { b.head.Starts[0] |= 1 << 23; b.slots[2] = 0 }, "a sink, which it is not"},
		{"a sink", func(b *built) { b.head.Starts[0] |= 1 << 23; b.slots[0] |= 1 << 23; b.slots[2] = 0 }, ""},
		{"the last row", func(b *built) { b.slots[0] = first + n - 256 }, ""},
		{"a row beyond the end", func(b *built) { b.after = nil; b.head.Bytes -= after; b.slots[0] = first + n - 255; b.slots[2] = 0 }, "outside of the slots"},
		{"a row in the head", func(b *built) { b.slots[0] = first - 1 }, "outside of the slots"},
		{"a state after NUL outside", func(b *built) { b.slots[2] = 2<<24 | 1<<22 }, "outside of the slots"},
		{"a below in the head", func(b *built) { b.slots[nul+1] = 1<<24 | 1<<23 | (first/2 - 1) }, "do not lie in the table"},
		{"a below beyond the end", func(b *built) { b.slots[nul+1] += after/8 - 4 }, "do not lie in the table"},
		{"a below among the slots", func(b *built) { b.slots[nul+1] = 1<<24 | 1<<23 | (first/2 + 4); clear(b.slots[8:18]) }, "and cells among them"},
		{"a below with an unknown condition", func(b *built) { b.after[8] = 2 }, "layer 0: condition 1 does not exist"},
		{"something instead of nothing", func(b *built) { b.after[40] = 1 }, "where there is something"},
		{"nothing in the head", func(b *built) { b.head.Nothing = 1 }, "a path without rules: refers to"},
		{"nothing beyond the end", func(b *built) { b.head.Nothing++ }, "a path without rules: refers to"},
		{"nothing among the slots", func(b *built) { b.head.Nothing = first/2 + 4; clear(b.slots[8:200]) }, "and cells among them"},
		{"an access that is relevant to no layer", func(b *built) { b.head.Layer[0].Relevant = 0 }, "are relevant, and to the layers 0x0"},
		{"a below for paths", func(b *built) { b.head.Classes['x'] = 2 }, "says of a path what holds below a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := build(t)
			for i := range b.head.Classes {
				b.head.Classes[i] = 3
			}
			b.head.Classes[0] = 2
			b.head.Starts[0] = first
			b.slots = make([]uint32, n)
			for i := range b.slots {
				b.slots[i] = first + uint32(i) // a sink, were it called one
			}
			b.slots[2] = 2<<24 | first + nul
			b.slots[nul+1] = 1<<24 | 1<<23 | (first+n)/2
			b.after = make([]byte, after)
			b.head.Nothing = (first+n)/2 + 5
			b.head.Bytes = uint32(headSize + 4*n + after)
			test.change(b)
			err := survives(b.encode())
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got: %v\nwant: %s", err, test.want)
			}
		})
	}
}

// TestSpelling: an identity is written in one way.
func TestSpelling(t *testing.T) {
	t.Parallel()
	b := build(t)
	table := append(append(raw(b.head), raw(b.slots)...), b.after...)
	const good = `{"unit":"shop-web","namespace":"shop","policies":["shop/web"],"revision":"sha256:00","atoms":[["/bin/cat"]]}`
	if err := survives(join([]byte(good), table, b.rules)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "null", "[]", good + "x", " " + good, good + "        ",
		strings.Replace(good, `"unit"`, `"Unit"`, 1),
		strings.Replace(good, `:`, `: `, 1),
		strings.Replace(good, `{`, `{"unit":"a",`, 1),
		strings.Replace(good, `{`, `{"more":1,`, 1),
		strings.Replace(good, `"namespace":"shop",`, ``, 1),
		strings.Replace(good, `:00`, ":0\xff", 1),
		strings.Replace(good, `shop-web`, `shop\u002dweb`, 1),
	} {
		if err := survives(join([]byte(bad), table, b.rules)); err == nil || !strings.HasPrefix(err.Error(), "image: identity: ") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestEdits: an image of random policies with a few bytes changed and the hash
// mended is refused, or decides without a panic or a loop.
func TestEdits(t *testing.T) {
	t.Parallel()
	refused, accepted := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		data, _ := compile(t, sample.Policies().Draw(t, "policies"))
		if data == nil {
			t.Skip("nothing for images")
		}
		for range 20 {
			edits := rapid.SliceOfN(rapid.Byte(), 3, 12).Draw(t, "edits")
			if survives(edited(data, edits)) == nil {
				accepted++
			} else {
				refused++
			}
		}
	})
	if !t.Failed() && (refused == 0 || accepted == 0) {
		t.Errorf("%d edited images were refused, %d accepted", refused, accepted)
	}
}

// edited changes a copy of an image: each three bytes of edits are an offset and
// what to put there.
func edited(data, edits []byte) []byte {
	data = bytes.Clone(data)
	for ; len(edits) >= 3; edits = edits[3:] {
		data[int(binary.LittleEndian.Uint16(edits))%len(data)] ^= edits[2]
	}
	return repaired(data)
}

// FuzzDecode looks for images that are accepted and lead a walk astray: those of
// a writer with bytes changed, and the hash mended so that it gets to the rest.
func FuzzDecode(f *testing.F) {
	images := [][]byte{build(f).encode(), rich(f)}
	f.Add(uint8(0), []byte{})
	f.Add(uint8(1), []byte{})
	for i, data := range images {
		table := binary.LittleEndian.Uint64(data[72:])
		for at := table; at < table+200; at += 4 {
			f.Add(uint8(i), []byte{byte(at), byte(at >> 8), 1})
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, edits []byte) {
		_ = survives(edited(images[int(which)%len(images)], edits))
	})
}

// FuzzDecodeWhole begins with text alone.
func FuzzDecodeWhole(f *testing.F) {
	f.Add([]byte(bpf.Magic))
	f.Add(build(f).encode()[:bpf.HeaderSize])
	f.Fuzz(func(t *testing.T, data []byte) { _ = survives(repaired(bytes.Clone(data))) })
}

// rich returns an image of the writer with several layers, conditions, and
// something below directories.
func rich(f *testing.F) []byte {
	for seed := range 1000 {
		data, _ := compile(f, sample.Policies().Example(seed))
		if data == nil {
			continue
		}
		if m := decode(f, data); m.Head().Layers > 1 && m.Head().Conditions > 1 && m.Counts().Belows > 1 && len(data) < 1<<16 {
			return data
		}
	}
	f.Fatal("no policy has such an image")
	return nil
}
