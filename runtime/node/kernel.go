// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"
)

// kernel is what the programs are adapted to.
type kernel struct {
	taskStorage bool
	// pathChown: a program can have the hook path_chown, which gets structures by
	// value (6.1). Otherwise inode_setattr does its work.
	pathChown bool
	// mountNamespace is that of the node's own processes.
	mountNamespace uint32
	// types are the kernel's types: large, so that they are decoded once.
	types *btf.Spec
	// missing are the hooks that it lacks, of those that may be.
	missing []Hook
}

// Hook is a hook that this kernel does not have.
type Hook struct {
	Name string
	// Intents are what policies can say that is not enforced without it; empty when
	// another hook does its work.
	Intents []string
}

// optional are the hooks that not every kernel has for programs, with the intents
// that are not enforced without them. Until Linux 6.2 access control lists are set
// as extended attributes are, which has a hook of its own.
var optional = map[string][]string{
	"inode_set_acl":    nil,
	"inode_remove_acl": nil,
	// Until Linux 6.7 overlayfs calls mnt_want_write.
	"mnt_get_write_access": nil,
	"path_chown":           nil,
	"userns_create":        {"system: userns"},
}

// readKernel asks the running kernel. Its types come to be in the cache.
func readKernel(cache *btf.Cache) (*kernel, error) {
	k := new(kernel)
	var err error
	if k.types, err = cache.Kernel(); err != nil {
		return nil, fmt.Errorf("the kernel's types: %w", err)
	}
	if k.taskStorage, err = hasTaskStorage(cache); err != nil {
		return nil, fmt.Errorf("ask for task storage: %w", err)
	}
	if k.pathChown, err = hasPathChown(cache); err != nil {
		return nil, fmt.Errorf("ask for the hook path_chown: %w", err)
	}
	k.mountNamespace, err = mountNamespace()
	return k, err
}

// mountNamespace returns the number of the node's own mount namespace.
func mountNamespace() (uint32, error) {
	info, err := os.Stat("/proc/1/ns/mnt")
	if err != nil {
		return 0, fmt.Errorf("the mount namespace of the node: %w", err)
	}
	return uint32(info.Sys().(*syscall.Stat_t).Ino), nil
}

// hasTaskStorage says whether LSM and tracing programs can use it (5.11 and 5.12).
func hasTaskStorage(cache *btf.Cache) (bool, error) {
	switch err := features.HaveMapType(ebpf.TaskStorage); {
	case errors.Is(err, ebpf.ErrNotSupported):
		return false, nil
	case err != nil:
		return false, err
	}
	for _, in := range []ebpf.ProgramSpec{
		{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "file_open"},
		{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: "task"},
	} {
		in.License = "Dual BSD/GPL"
		in.Instructions = asm.Instructions{asm.FnTaskStorageGet.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return()}
		refused, err := verify(&in, cache)
		switch {
		case err != nil:
			return false, err
		case refused != nil && slices.ContainsFunc(refused.Log, func(line string) bool {
			return strings.Contains(line, "unknown func") || strings.Contains(line, "invalid func") || strings.Contains(line, "cannot use helper")
		}):
			return false, nil
		}
		// Any other refusal is about the arguments, which are missing.
	}
	return true, nil
}

func hasPathChown(cache *btf.Cache) (bool, error) {
	refused, err := verify(&ebpf.ProgramSpec{
		Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "path_chown", License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	}, cache)
	return refused == nil, err
}

// verify asks the kernel about a program: it is nil when it takes it.
func verify(spec *ebpf.ProgramSpec, cache *btf.Cache) (refused *ebpf.VerifierError, err error) {
	alone := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{"probe": spec}}
	loaded, err := ebpf.NewCollectionWithOptions(alone, ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevelBranch}, Cache: cache})
	if errors.As(err, &refused) {
		return refused, nil
	} else if err != nil {
		return nil, err
	}
	loaded.Close()
	return nil, nil
}

// adapt fits the programs to the kernel.
func (k *kernel) adapt(spec *ebpf.CollectionSpec) error {
	var lacking []string
	for name, p := range spec.Programs {
		function := p.AttachTo
		switch {
		case p.Type == ebpf.LSM:
			function = "bpf_lsm_" + p.AttachTo
		case p.AttachType == ebpf.AttachTraceIter:
			function = "bpf_iter_" + p.AttachTo
		}
		found, err := k.has(function)
		found = found && (p.AttachTo != "path_chown" || k.pathChown)
		switch intents, may := optional[p.AttachTo]; {
		case err != nil:
			return err
		case found && (p.AttachTo != "task_free" || !k.taskStorage):
			continue
		case !found && may:
			k.missing = append(k.missing, Hook{p.AttachTo, intents})
		case !found:
			lacking = append(lacking, function)
		}
		delete(spec.Programs, name)
	}
	if len(lacking) > 0 {
		slices.Sort(lacking)
		return fmt.Errorf("this kernel has no %s, which avert's programs attach to; it is built without CONFIG_BPF_LSM, or is not a kernel that avert knows", strings.Join(lacking, ", "))
	}
	slices.SortFunc(k.missing, func(a, b Hook) int { return strings.Compare(a.Name, b.Name) })
	return errors.Join(k.adaptMaps(spec), k.adaptVariables(spec))
}

func (k *kernel) has(function string) (bool, error) {
	var f *btf.Func
	err := k.types.TypeByName(function, &f)
	if errors.Is(err, btf.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (k *kernel) adaptMaps(spec *ebpf.CollectionSpec) error {
	for _, name := range []string{"labels_hash", "policies"} {
		if spec.Maps[name] == nil {
			return fmt.Errorf("the programs have no map %s", name)
		}
	}
	spec.Maps["policies"].Flags |= unix.BPF_F_MMAPABLE
	if k.taskStorage {
		spec.Maps["labels_hash"].MaxEntries = 1
		return nil
	}
	// The verifier wants a map that it knows also where it finds out that the code
	// is dead.
	for _, m := range spec.Maps {
		if m.Type == ebpf.TaskStorage {
			m.Type, m.MaxEntries, m.Flags, m.Key, m.Value = ebpf.Array, 1, 0, nil, nil
		}
	}
	return nil
}

func (k *kernel) adaptVariables(spec *ebpf.CollectionSpec) error {
	values := map[string]any{"has_task_storage": k.taskStorage, "has_path_chown": k.pathChown, "host_mnt_ns": k.mountNamespace}
	for variable, hook := range map[string]string{"setattr_dentry": "inode_setattr", "setxattr_dentry": "inode_setxattr", "removexattr_dentry": "inode_removexattr"} {
		arguments, err := k.arguments(hook)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(arguments, isDentry)
		if i < 0 {
			return fmt.Errorf("the kernel's hook %s has no dentry", hook)
		}
		values[variable] = uint32(i)
	}
	arguments, err := k.arguments("path_rename")
	if err != nil {
		return err
	}
	values["rename_has_flags"] = len(arguments) == 5
	for name, value := range values {
		v := spec.Variables[name]
		if v == nil {
			return fmt.Errorf("the programs have no variable %s", name)
		}
		if err := v.Set(value); err != nil {
			return err
		}
	}
	return nil
}

// arguments returns the parameters of a hook. They moved between kernels.
func (k *kernel) arguments(hook string) ([]btf.FuncParam, error) {
	var f *btf.Func
	if err := k.types.TypeByName("bpf_lsm_"+hook, &f); err != nil {
		return nil, fmt.Errorf("the kernel's hook %s: %w", hook, err)
	}
	return f.Type.(*btf.FuncProto).Params, nil
}

func isDentry(p btf.FuncParam) bool {
	pointer, ok := p.Type.(*btf.Pointer)
	if !ok {
		return false
	}
	s, ok := btf.UnderlyingType(pointer.Target).(*btf.Struct)
	return ok && s.Name == "dentry"
}
