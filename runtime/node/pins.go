// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/runtime/image"
)

// folder is where a layout has its pins.
type folder string

func (f folder) maps() string               { return filepath.Join(string(f), "maps") }
func (f folder) links() string              { return filepath.Join(string(f), "links") }
func (f folder) images() string             { return filepath.Join(string(f), "images") }
func (f folder) changes() string            { return filepath.Join(string(f), "changes") }
func (f folder) link(program string) string { return filepath.Join(f.links(), program) }
func (f folder) image(index uint32) string {
	return filepath.Join(f.images(), fmt.Sprintf("%d-%d", index/2, index%2))
}

// next is the name of a pin that becomes another one: of an image or a link.
const next = "next"

func (f folder) create() error {
	for _, dir := range []string{f.maps(), f.links(), f.images(), f.changes()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("a folder for what is loaded: %w", err)
		}
	}
	return nil
}

var layoutName = regexp.MustCompile(`^v(0|[1-9][0-9]{0,8})$`)

// layouts returns the layouts that have pins in the folder avert, in order.
func layouts(avert string) ([]uint32, error) {
	entries, err := os.ReadDir(avert)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []uint32
	for _, e := range entries {
		if m := layoutName.FindStringSubmatch(e.Name()); m != nil {
			n, err := strconv.ParseUint(m[1], 10, 32)
			if err != nil {
				return nil, err
			}
			out = append(out, uint32(n))
		}
	}
	slices.Sort(out)
	return out, nil
}

// change says that a slot is about to be changed, changed that it was: loaders that
// are killed in between leave it to the next one.
func (f folder) change(slot uint32) error {
	err := os.Mkdir(filepath.Join(f.changes(), fmt.Sprint(slot)), 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func (f folder) changed(slot uint32) error {
	return unpin(filepath.Join(f.changes(), fmt.Sprint(slot)))
}

// changing returns the slots whose change was not ended.
func (f folder) changing() ([]uint32, error) {
	entries, err := os.ReadDir(f.changes())
	if err != nil {
		return nil, err
	}
	var out []uint32
	for _, e := range entries {
		slot, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil || slot >= bpf.MaxPolicies {
			return nil, fmt.Errorf("%s is not a slot of avert's", filepath.Join(f.changes(), e.Name()))
		}
		out = append(out, uint32(slot))
	}
	return out, nil
}

// chunk is the value size of the map that an image is in: larger ones need memory
// in one piece.
const chunk = 4096

// longestPin bounds what is read of a pin.
const longestPin = image.MaxBytes + 2*chunk

// pinImage keeps an image, and after it the head of its table as it is in the
// kernel, at path, where an earlier one may be.
func pinImage(path string, raw []byte, head *bpf.Head) error {
	content := slices.Clip(raw)
	content = append(content, make([]byte, -len(raw)&(chunk-1))...)
	content, err := binary.Append(content, binary.LittleEndian, head)
	if err != nil {
		return err
	}
	content = append(content, make([]byte, -len(content)&(chunk-1))...)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "avert_image", Type: ebpf.Array, KeySize: 4, ValueSize: chunk, MaxEntries: uint32(len(content) / chunk)})
	if err != nil {
		return err
	}
	defer m.Close()
	for i := range uint32(len(content) / chunk) {
		if err := m.Put(i, content[i*chunk:(i+1)*chunk]); err != nil {
			return err
		}
	}
	temporary := filepath.Join(filepath.Dir(path), next)
	if err := unpin(temporary); err != nil {
		return err
	}
	if err := m.Pin(temporary); err != nil {
		return err
	}
	return unix.Rename(temporary, path)
}

// keptImage is the pin of an image, as pinImage made it.
type keptImage struct {
	*ebpf.Map
	path   string
	header bpf.Header
}

// openImage opens the pin of an image, also of an earlier layout: what of an image
// is used here is where it was in all of them.
func openImage(path string) (_ *keptImage, err error) {
	k := &keptImage{path: path}
	if k.Map, err = ebpf.LoadPinnedMap(path, &ebpf.LoadPinOptions{ReadOnly: true}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			k.Close()
		}
	}()
	if k.Type() != ebpf.Array || k.ValueSize() != chunk || k.MaxEntries() > longestPin/chunk {
		return nil, k.foreign()
	}
	first, err := k.read(0, bpf.HeaderSize)
	if err != nil {
		return nil, err
	}
	h := &k.header
	if _, err := binary.Decode(first, binary.LittleEndian, h); err != nil || string(h.Magic[:]) != bpf.Magic {
		return nil, k.foreign()
	}
	return k, nil
}

func (k *keptImage) foreign() error { return fmt.Errorf("%s is not an image of avert's", k.path) }

// read returns a part of what is kept.
func (k *keptImage) read(offset, length uint64) ([]byte, error) {
	size := uint64(k.MaxEntries()) * chunk
	if offset > size || length > size-offset {
		return nil, k.foreign()
	}
	first := offset / chunk
	content := make([]byte, (offset+length+chunk-1)/chunk*chunk-first*chunk)
	for at := uint64(0); at < uint64(len(content)); at += chunk {
		if err := k.Lookup(uint32(first+at/chunk), content[at:at+chunk]); err != nil {
			return nil, fmt.Errorf("%s: %w", k.path, err)
		}
	}
	return content[offset-first*chunk:][:length:length], nil
}

// image is the image as it was loaded.
func (k *keptImage) image() ([]byte, error) { return k.read(0, k.header.Length) }

// kept is what is known of an image that was loaded.
type kept struct {
	header   bpf.Header
	identity bpf.Identity
	// head is that of the table as the kernel has it; nil in another layout.
	head *bpf.Head
}

// readImage reads what pinImage kept, but the image itself.
func readImage(path string) (*kept, error) {
	k, err := openImage(path)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	out := &kept{header: k.header}
	identity, err := k.read(k.header.Identity.Offset, k.header.Identity.Length)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(identity, &out.identity); err != nil {
		return nil, k.foreign()
	}
	if k.header.Layout == bpf.Layout {
		out.head, err = k.head()
	}
	return out, err
}

// head is that of the table as the kernel has it.
func (k *keptImage) head() (*bpf.Head, error) {
	content, err := k.read((k.header.Length+chunk-1)/chunk*chunk, uint64(binary.Size(bpf.Head{})))
	if err != nil {
		return nil, err
	}
	return readHead(content)
}

// unpin removes a pin that need not be there.
func unpin(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
