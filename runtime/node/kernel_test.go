// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/avert-dev/avert/bpf"
)

// kernelWith is a kernel of which the functions have these parameters.
func kernelWith(t *testing.T, functions map[string][]string) *btf.Spec {
	t.Helper()
	number := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	types := map[string]btf.Type{"int": number}
	var all []btf.Type
	for name, parameters := range functions {
		proto := &btf.FuncProto{Return: number}
		for _, p := range parameters {
			if types[p] == nil {
				types[p] = &btf.Pointer{Target: &btf.Struct{Name: p, Size: 4, Members: []btf.Member{{Name: "x", Type: number}}}}
			}
			proto.Params = append(proto.Params, btf.FuncParam{Name: "p", Type: types[p]})
		}
		all = append(all, &btf.Func{Name: name, Type: proto, Linkage: btf.StaticFunc})
	}
	b, err := btf.NewBuilder(all, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// functions returns what the programs attach to, with the parameters of a kernel
// that has them behind another one, or without the optional hooks.
func functions(t *testing.T, spec *ebpf.CollectionSpec, late bool) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, p := range spec.Programs {
		_, may := optional[p.AttachTo]
		switch {
		case p.Type == ebpf.LSM && (late || !may):
			out["bpf_lsm_"+p.AttachTo] = []string{"int"}
		case p.AttachType == ebpf.AttachTraceIter:
			out["bpf_iter_"+p.AttachTo] = []string{"int"}
		case p.Type == ebpf.Tracing:
			out[p.AttachTo] = []string{"int"}
		}
	}
	for _, hook := range []string{"inode_setattr", "inode_setxattr", "inode_removexattr"} {
		out["bpf_lsm_"+hook] = []string{"dentry"}
		if late {
			out["bpf_lsm_"+hook] = []string{"mnt_idmap", "dentry"}
		}
	}
	out["bpf_lsm_path_rename"] = []string{"path", "dentry", "path", "dentry"}
	if late {
		out["bpf_lsm_path_rename"] = append(out["bpf_lsm_path_rename"], "int")
	}
	return out
}

func TestAdapt(t *testing.T) {
	for _, late := range []bool{false, true} {
		spec, err := bpf.Spec()
		if err != nil {
			t.Fatal(err)
		}
		all := len(spec.Programs)
		k := &kernel{taskStorage: late, pathChown: late, mountNamespace: 4026531841, types: kernelWith(t, functions(t, spec, late))}
		if err := k.adapt(spec); err != nil {
			t.Fatal(err)
		}
		var hooks []string
		for _, h := range k.missing {
			hooks = append(hooks, h.Name)
		}
		removed := []string{"inode_remove_acl", "inode_set_acl", "path_chown", "userns_create"}
		if late {
			if len(k.missing) > 0 || spec.Programs["task_free"] != nil || len(spec.Programs) != all-1 {
				t.Errorf("missing %v, %d of %d programs", hooks, len(spec.Programs), all)
			}
		} else if !slices.Equal(hooks, removed) || len(spec.Programs) != all-len(removed) || spec.Programs["task_free"] == nil {
			t.Errorf("missing %v, %d of %d programs", hooks, len(spec.Programs), all)
		}
		if storage := spec.Maps["governed_task"].Type == ebpf.TaskStorage; storage != late || (spec.Maps["labels_hash"].MaxEntries == 1) != late {
			t.Errorf("task storage: %v", storage)
		}
		for name, want := range map[string]uint32{"setattr_dentry": 0, "setxattr_dentry": 0, "removexattr_dentry": 0, "host_mnt_ns": 4026531841} {
			if late && name != "host_mnt_ns" {
				want = 1
			}
			var got uint32
			if err := spec.Variables[name].Get(&got); err != nil || got != want {
				t.Errorf("%s is %d, not %d: %v", name, got, want, err)
			}
		}
		for _, name := range []string{"rename_has_flags", "has_task_storage", "has_path_chown"} {
			var got bool
			if err := spec.Variables[name].Get(&got); err != nil || got != late {
				t.Errorf("%s is %v: %v", name, got, err)
			}
		}
	}
}

func TestAdaptRefuses(t *testing.T) {
	spec, err := bpf.Spec()
	if err != nil {
		t.Fatal(err)
	}
	have := functions(t, spec, true)
	delete(have, "bpf_lsm_file_open")
	delete(have, "mnt_want_write")
	err = (&kernel{types: kernelWith(t, have)}).adapt(spec)
	if err == nil || !strings.Contains(err.Error(), "no bpf_lsm_file_open, mnt_want_write, which") {
		t.Errorf("%v", err)
	}
}

// TestBuild: another object, another adaptation, another namespace and other
// programs have another mark.
func TestBuild(t *testing.T) {
	seen := map[string]bool{}
	for _, mark := range [][]byte{
		buildOf([]byte("ab"), "c", 1).mark([]string{"x", "y"}),
		buildOf([]byte("a"), "bc", 1).mark([]string{"x", "y"}),
		buildOf([]byte("ab"), "d", 1).mark([]string{"x", "y"}),
		buildOf([]byte("ab"), "c", 2).mark([]string{"x", "y"}),
		buildOf([]byte("ab"), "c", 1).mark([]string{"x"}),
		buildOf([]byte("ab"), "c", 1).mark(nil),
	} {
		if len(mark) != 32 || seen[string(mark)] {
			t.Errorf("mark %x", mark)
		}
		seen[string(mark)] = true
	}
	if !seen[string(buildOf([]byte("ab"), "c", 1).mark([]string{"x", "y"}))] {
		t.Error("one build has two marks")
	}
	if !strings.Contains(adaptation, "func (k *kernel) adapt(") {
		t.Error("what adapts the programs is elsewhere")
	}
}

// TestTemplates: tables are what the object's maps take.
func TestTemplates(t *testing.T) {
	spec, err := bpf.Spec()
	if err != nil {
		t.Fatal(err)
	}
	for class := range bpf.TableSizes {
		name := slotsName(class)
		inner, table := spec.Maps[name].InnerMap, template(bpf.TableSizes[class])
		if inner.Type != table.Type || inner.KeySize != table.KeySize || inner.ValueSize != table.ValueSize || inner.MaxEntries != table.MaxEntries || inner.Flags != table.Flags {
			t.Errorf("%s has %v, not %v", name, inner, table)
		}
	}
	if m := spec.Maps[heads]; m.InnerMap.ValueSize != uint32(binary.Size(bpf.Head{})) {
		t.Errorf("a head has %d bytes", m.InnerMap.ValueSize)
	}
}
