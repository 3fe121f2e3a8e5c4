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
func (f folder) link(program string) string { return filepath.Join(f.links(), program) }
func (f folder) image(index uint32) string {
	return filepath.Join(f.images(), fmt.Sprintf("%d-%d", index/2, index%2))
}

// next is the name of a pin that becomes another one: of an image or a link.
const next = "next"

func (f folder) create() error {
	for _, dir := range []string{f.maps(), f.links(), f.images()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("a folder for what is loaded: %w", err)
		}
	}
	return nil
}

var (
	layoutName = regexp.MustCompile(`^v(0|[1-9][0-9]{0,8})$`)
	imageName  = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})-[01]$`)
)

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

// slots returns the slots that have a pinned image.
func (f folder) slots() ([]uint32, error) {
	entries, err := os.ReadDir(f.images())
	if err != nil {
		return nil, err
	}
	var out []uint32
	for _, e := range entries {
		if m := imageName.FindStringSubmatch(e.Name()); m != nil {
			n, err := strconv.ParseUint(m[1], 10, 32)
			if err != nil || n >= bpf.MaxPolicies {
				return nil, fmt.Errorf("%s is not an image of avert's", filepath.Join(f.images(), e.Name()))
			}
			out = append(out, uint32(n))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
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

// pinned is an image that pinImage kept.
type pinned struct {
	header   bpf.Header
	identity bpf.Identity
	content  []byte
}

// readImage reads what pinImage kept, also of an earlier layout: what of an image
// is used here is where it was in all of them.
func readImage(path string) (*pinned, error) {
	m, err := ebpf.LoadPinnedMap(path, &ebpf.LoadPinOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	foreign := fmt.Errorf("%s is not an image of avert's", path)
	if m.Type() != ebpf.Array || m.ValueSize() != chunk || m.MaxEntries() > longestPin/chunk {
		return nil, foreign
	}
	p := &pinned{content: make([]byte, int(m.MaxEntries())*chunk)}
	for i := range m.MaxEntries() {
		if err := m.Lookup(i, p.content[i*chunk:(i+1)*chunk]); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	h := &p.header
	if _, err := binary.Decode(p.content, binary.LittleEndian, h); err != nil || string(h.Magic[:]) != bpf.Magic ||
		h.Length > uint64(len(p.content)) || h.Identity.Offset > h.Length || h.Identity.Length > h.Length-h.Identity.Offset {
		return nil, foreign
	}
	if err := json.Unmarshal(p.content[h.Identity.Offset:h.Identity.Offset+h.Identity.Length], &p.identity); err != nil {
		return nil, foreign
	}
	return p, nil
}

// raw is the image as it was loaded.
func (p *pinned) raw() []byte { return p.content[:p.header.Length:p.header.Length] }

// head is that of the table as the kernel has it.
func (p *pinned) head() (*bpf.Head, error) {
	return readHead(p.content[(p.header.Length+chunk-1)/chunk*chunk:])
}

// unpin removes a pin that need not be there.
func unpin(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
