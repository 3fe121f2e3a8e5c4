//go:build guest

// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/avert-dev/avert/bpf"
)

// TestGuestLoad: the verifier takes every program whose hook the kernel has.
func TestGuestLoad(t *testing.T) {
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	spec, err := bpf.Spec()
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	old := strings.HasPrefix(release(t), "5.10.")
	if old {
		for _, name := range []string{"labels_task", "scratch_task", "second_task"} {
			m := spec.Maps[name]
			m.Type, m.Flags, m.MaxEntries = ebpf.Array, 0, 1
			m.Key, m.Value = nil, nil
		}
		delete(spec.Programs, "path_chown") // no structures by value before 6.1
		for _, name := range []string{"has_task_storage", "has_path_chown"} {
			if err := spec.Variables[name].Set(false); err != nil {
				t.Fatal(err)
			}
		}
	}
	for hook, variable := range map[string]string{"inode_setattr": "setattr_dentry", "inode_setxattr": "setxattr_dentry", "inode_removexattr": "removexattr_dentry"} {
		var fn *btf.Func
		if err := kernel.TypeByName("bpf_lsm_"+hook, &fn); err != nil {
			t.Fatal(err)
		}
		for i, p := range fn.Type.(*btf.FuncProto).Params {
			if p.Name == "dentry" {
				if err := spec.Variables[variable].Set(uint32(i)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	var rename *btf.Func
	if err := kernel.TypeByName("bpf_lsm_path_rename", &rename); err != nil {
		t.Fatal(err)
	}
	if err := spec.Variables["rename_has_flags"].Set(len(rename.Type.(*btf.FuncProto).Params) > 4); err != nil {
		t.Fatal(err)
	}
	for name, p := range spec.Programs {
		if p.AttachType != ebpf.AttachTraceIter {
			var fn *btf.Func
			function := p.AttachTo
			if p.Type == ebpf.LSM {
				function = "bpf_lsm_" + function
			}
			if kernel.TypeByName(function, &fn) != nil {
				t.Logf("%s: no hook", name)
				delete(spec.Programs, name)
			}
		}
	}
	for name, p := range spec.Programs {
		one := spec.Copy()
		one.Programs = map[string]*ebpf.ProgramSpec{name: p}
		c, err := ebpf.NewCollection(one)
		var v *ebpf.VerifierError
		if errors.As(err, &v) {
			t.Errorf("%s: %+.60v", name, v)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		info, err := c.Programs[name].Info()
		if err == nil {
			n, _ := info.VerifiedInstructions()
			t.Logf("%s: verified %d instructions", name, n)
		}
		c.Close()
	}
}

func release(t *testing.T) string {
	data, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
