// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// File is a file, a folder or a symbolic link of the guest. It belongs to root.
type File struct {
	// Guest is the absolute path in the guest. Its parents need not be listed; of files with one path the last one counts.
	Guest string
	// Host is a file to copy, or a folder to copy with all that it holds; symbolic links below it stay links.
	Host string
	// Data is the content when Host is empty.
	Data []byte
	// Link is where a symbolic link points, when Host is empty.
	Link string
	// Mode holds permissions and set-id bits; 0 means those of the host's file, or else 0644. fs.ModeDir makes a folder.
	Mode fs.FileMode
}

// tree is what an initramfs holds, by path without the leading slash.
type tree map[string]entry

type entry struct {
	mode uint32 // as in stat(2)
	data []byte
}

// stat(2) and cpio's newc format have the same numbers.
const (
	modeFile, modeDir, modeLink = 0o100000, 0o040000, 0o120000
	modeSetuid, modeSetgid      = 0o4000, 0o2000
	modeSticky                  = 0o1000
)

func (t tree) put(guest string, mode uint32, data []byte) error {
	name := strings.TrimPrefix(path.Clean("/"+guest), "/")
	if name == "" {
		return nil
	}
	if !strings.HasPrefix(guest, "/") || strings.Contains(guest, "\x00") {
		return fmt.Errorf("%q is not an absolute path of the guest", guest)
	}
	if len(data) > math.MaxInt32 {
		return fmt.Errorf("%s: %d bytes are too many for an initramfs", guest, len(data))
	}
	for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
		if have, ok := t[parent]; !ok {
			t[parent] = entry{mode: modeDir | 0o755}
		} else if have.mode&modeDir == 0 || have.mode&modeLink == modeLink {
			return fmt.Errorf("%s lies below /%s, which is not a folder", guest, parent)
		}
	}
	t[name] = entry{mode, data}
	return nil
}

// add puts a file with what is below it.
func (t tree) add(f File) error {
	mode := permissions(f.Mode)
	switch {
	case f.Host != "":
		return t.copy(f.Host, f.Guest, mode)
	case f.Link != "":
		return t.put(f.Guest, modeLink|0o777, []byte(f.Link))
	case f.Mode.IsDir():
		return t.put(f.Guest, modeDir|mode, nil)
	case mode == 0:
		mode = 0o644
	}
	return t.put(f.Guest, modeFile|mode, f.Data)
}

// copy puts what is at host, following it if it is a link. A mode other than 0 is for the top alone.
func (t tree) copy(host, guest string, mode uint32) error {
	info, err := os.Stat(host)
	if err != nil {
		return err
	}
	if mode == 0 {
		mode = permissions(info.Mode())
	}
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is neither a file nor a folder", host)
		}
		data, err := os.ReadFile(host)
		return errors.Join(err, t.put(guest, modeFile|mode, data))
	}
	if err := t.put(guest, modeDir|mode, nil); err != nil {
		return err
	}
	entries, err := os.ReadDir(host)
	if err != nil {
		return err
	}
	for _, e := range entries {
		from, to := filepath.Join(host, e.Name()), path.Join(guest, e.Name())
		if e.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(from)
			if err = errors.Join(err, t.put(to, modeLink|0o777, []byte(target))); err != nil {
				return err
			}
		} else if err := t.copy(from, to, 0); err != nil {
			return err
		}
	}
	return nil
}

func permissions(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	for bit, value := range map[fs.FileMode]uint32{fs.ModeSetuid: modeSetuid, fs.ModeSetgid: modeSetgid, fs.ModeSticky: modeSticky} {
		if mode&bit != 0 {
			bits |= value
		}
	}
	return bits
}

// archive is the tree in cpio's newc format (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst).
func (t tree) archive() []byte {
	var b bytes.Buffer
	write := func(inode int, name string, e entry) {
		fmt.Fprintf(&b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", inode, e.mode, 0, 0, 1, 0, len(e.data), 0, 0, 0, 0, len(name)+1, 0)
		b.WriteString(name + "\x00")
		pad(&b)
		b.Write(e.data)
		pad(&b)
	}
	// Sorted, a folder comes before what is in it.
	for i, name := range slices.Sorted(maps.Keys(t)) {
		write(i+1, name, t[name])
	}
	write(0, "TRAILER!!!", entry{})
	return b.Bytes()
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
