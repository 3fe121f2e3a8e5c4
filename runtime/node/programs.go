// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/bpf"
)

// adopter is the iterator that labels the processes that are in a governed cgroup
// already. It runs when its pin is read.
const adopter = "adopt_tasks"

// programs are what can be attached to a kernel.
type programs struct {
	spec *ebpf.CollectionSpec
	*kernel
	cache *btf.Cache // of the kernel's types
}

// adapted returns the programs for this kernel.
func adapted() (*programs, error) {
	p := &programs{cache: btf.NewCache()}
	var err error
	if p.kernel, err = readKernel(p.cache); err != nil {
		return nil, err
	}
	if p.spec, err = bpf.Spec(); err != nil {
		return nil, err
	}
	return p, p.adapt(p.spec)
}

// installed is the map with the mark of the programs that are attached.
const installed = "installed"

// adaptation is what makes of the object what is attached.
//
//go:embed kernel.go
var adaptation string

// build is what programs of one build and node have in common: the object, what
// adapts it to a kernel, and the node's mount namespace. All pins are gone after a
// boot, so the kernel is the same.
type build [sha256.Size]byte

func thisBuild() (build, error) {
	namespace, err := mountNamespace()
	if err != nil {
		return build{}, err
	}
	return buildOf(bpf.Object(), adaptation, namespace), nil
}

func buildOf(object []byte, adaptation string, namespace uint32) (b build) {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d %d ", len(object), len(adaptation), namespace)
	h.Write(object)
	io.WriteString(h, adaptation)
	h.Sum(b[:0])
	return b
}

// mark is what is kept of a build whose programs are attached.
func (b build) mark(programs []string) []byte {
	sum := sha256.Sum256([]byte(string(b[:]) + strings.Join(programs, " ")))
	return sum[:]
}

// install attaches the programs of this build, unless they are.
func (f folder) install() error {
	want, err := thisBuild()
	if err != nil {
		return err
	}
	if err := f.create(); err != nil {
		return err
	}
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
	if bytes.Equal(have, want.mark(attached)) {
		return nil
	}
	programs, err := adapted()
	if err != nil {
		return err
	}
	// Until all are replaced they are of no one build.
	if err := done.Put(uint32(0), make([]byte, sha256.Size)); err != nil {
		return err
	}
	if err := f.replace(attached, programs); err != nil {
		return err
	}
	return done.Put(uint32(0), want.mark(slices.Sorted(maps.Keys(programs.spec.Programs))))
}

// replace puts programs in the place of those that are attached, one by one: each
// is attached before its predecessor goes, so that for a moment both decide.
func (f folder) replace(attached []string, programs *programs) error {
	spec := programs.spec
	for name, m := range spec.Maps {
		if !strings.HasPrefix(name, ".") {
			m.Pinning = ebpf.PinByName
		}
	}
	loaded, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: f.maps()}, Cache: programs.cache})
	if errors.Is(err, ebpf.ErrMapIncompatible) {
		return fmt.Errorf("another build of avert-node was used here, whose maps differ from this one's (%w): unload everything with it, and remove %s", err, f)
	} else if err != nil {
		return fmt.Errorf("load the programs: %w", err)
	}
	defer loaded.Close()
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
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
	return nil
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

// adopt labels the processes that are in governed cgroups. A process can have been
// passed before its parent was labelled: so it looks until nothing is found.
func (f folder) adopt() error {
	for range adoptions {
		found, err := f.adoptOnce()
		if err != nil {
			return fmt.Errorf("label running processes: %w", err)
		}
		if found == 0 {
			return nil
		}
	}
	return fmt.Errorf("label running processes: after %d rounds there still are new ones", adoptions)
}

// adoptions is the most rounds of adopt; a fork bomb must not keep it for ever.
const adoptions = 100

// adoptOnce returns the number of processes that it has labelled.
func (f folder) adoptOnce() (int64, error) {
	iterator, err := os.Open(f.link(adopter))
	if err != nil {
		return 0, err
	}
	defer iterator.Close()
	return io.Copy(io.Discard, iterator)
}
