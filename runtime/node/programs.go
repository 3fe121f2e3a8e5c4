// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// adopter is the iterator that labels the processes that are in a governed cgroup
// already. It runs when its pin is read.
const adopter = "adopt_tasks"

// installed is the map with the hash of the programs that are attached.
const installed = "installed"

// install attaches the programs of an adapted spec, unless they are. Programs of
// another build are replaced one by one: each is attached before its predecessor
// goes, so that for a moment both decide.
func (f folder) install(spec *ebpf.CollectionSpec) error {
	if err := f.create(); err != nil {
		return err
	}
	want := fingerprint(spec)
	done, err := ebpf.NewMapWithOptions(&ebpf.MapSpec{
		Name: installed, Type: ebpf.Array, KeySize: 4, ValueSize: sha256.Size, MaxEntries: 1, Pinning: ebpf.PinByName,
	}, ebpf.MapOptions{PinPath: f.maps()})
	if err != nil {
		return fmt.Errorf("what is attached: %w", err)
	}
	defer done.Close()
	have := make([]byte, sha256.Size)
	if err := done.Lookup(uint32(0), have); err != nil {
		return fmt.Errorf("what is attached: %w", err)
	}
	attached, err := f.attached()
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(spec.Programs))
	if bytes.Equal(want, have) && slices.Equal(names, attached) {
		return nil
	}
	for name, m := range spec.Maps {
		if !strings.HasPrefix(name, ".") {
			m.Pinning = ebpf.PinByName
		}
	}
	loaded, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: f.maps()}})
	if errors.Is(err, ebpf.ErrMapIncompatible) {
		return fmt.Errorf("avert's programs of another build are attached, whose maps differ from this one's: %w", err)
	} else if err != nil {
		return fmt.Errorf("load the programs: %w", err)
	}
	defer loaded.Close()
	for _, name := range names {
		if err := f.attach(name, spec.Programs[name], loaded.Programs[name]); err != nil {
			return fmt.Errorf("attach %s: %w", name, err)
		}
	}
	for _, name := range attached {
		if spec.Programs[name] == nil {
			if err := unpin(f.link(name)); err != nil {
				return err
			}
		}
	}
	return done.Put(uint32(0), want)
}

// attach puts one program in force, and takes the one that had its place out.
func (f folder) attach(name string, spec *ebpf.ProgramSpec, p *ebpf.Program) error {
	var l link.Link
	var err error
	switch {
	case spec.Type == ebpf.LSM:
		l, err = link.AttachLSM(link.LSMOptions{Program: p})
	case spec.AttachType == ebpf.AttachTraceIter:
		l, err = link.AttachIter(link.IterOptions{Program: p})
	default:
		l, err = link.AttachTracing(link.TracingOptions{Program: p})
	}
	if err != nil {
		return err
	}
	defer l.Close()
	if err := unpin(f.link(next)); err != nil {
		return err
	}
	if err := l.Pin(f.link(next)); err != nil {
		return err
	}
	return unix.Rename(f.link(next), f.link(name))
}

// attached returns the names of the programs that are attached, in order.
func (f folder) attached() ([]string, error) {
	entries, err := os.ReadDir(f.links())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if e.Name() != next {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	return out, nil
}

// detach takes all programs out of force. The maps stay, for who reads events.
func (f folder) detach() error {
	names, err := f.attached()
	for _, name := range append(names, next) {
		err = errors.Join(err, unpin(f.link(name)))
	}
	return err
}

// adopt labels the processes that are in governed cgroups.
func (f folder) adopt() error {
	iterator, err := os.Open(f.link(adopter))
	if err != nil {
		return fmt.Errorf("label running processes: %w", err)
	}
	defer iterator.Close()
	if _, err := io.Copy(io.Discard, iterator); err != nil {
		return fmt.Errorf("label running processes: %w", err)
	}
	return nil
}

// fingerprint is a hash of what is loaded: programs and variables.
func fingerprint(spec *ebpf.CollectionSpec) []byte {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
		p := spec.Programs[name]
		fmt.Fprintf(h, "%s %d %d %s %d\n", name, p.Type, p.AttachType, p.AttachTo, p.Flags)
		for i := range p.Instructions {
			in := &p.Instructions[i]
			fmt.Fprintf(h, "%d %d %d %d %d %s %v\n", in.OpCode, in.Dst, in.Src, in.Offset, in.Constant, in.Reference(), in.Source())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Variables)) {
		fmt.Fprintf(h, "%s=%x\n", name, spec.Variables[name].Value)
	}
	return h.Sum(nil)
}
