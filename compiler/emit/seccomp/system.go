// SPDX-License-Identifier: Apache-2.0

package seccomp

import "github.com/avert-dev/avert/compiler/policy"

// cloneNewUser is CLONE_NEWUSER of linux/sched.h.
const cloneNewUser = 0x10000000

const (
	eperm  = 1
	enosys = 38
)

// systemPart is a system call, or some of its arguments, that belongs to an
// operation of `system`.
type systemPart struct {
	operation policy.SystemOperation
	args      []policy.Arg
	errno     int
}

// systemCalls lists by name what an operation of `system` is done with. ptrace
// and signal are missing: a filter does not know whose process is meant.
//
// clone3 has its flags in memory, where no filter can look. ENOSYS makes C
// libraries fall back to clone, as in the runtimes' default profiles.
var systemCalls = func() map[string][]systemPart {
	m := map[string][]systemPart{}
	for operation, names := range map[policy.SystemOperation][]string{
		policy.Mount: {"mount", "umount", "umount2", "move_mount", "open_tree", "open_tree_attr", "pivot_root",
			"fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"},
		policy.BPF:     {"bpf"},
		policy.Module:  {"init_module", "finit_module"},
		policy.IOUring: {"io_uring_setup", "io_uring_enter", "io_uring_register"},
	} {
		for _, n := range names {
			m[n] = append(m[n], systemPart{operation: operation, errno: eperm})
		}
	}
	newUser := []policy.Arg{{Index: 0, Op: policy.ArgMaskedEqual, Mask: cloneNewUser, Value: cloneNewUser}}
	m["unshare"] = []systemPart{{policy.UserNS, newUser, eperm}}
	m["clone"] = []systemPart{{policy.UserNS, newUser, eperm}}
	m["clone3"] = []systemPart{{policy.UserNS, nil, enosys}}
	return m
}()

// holdable are the operations of `system` that a filter can tell apart.
const holdable = 1<<policy.Mount | 1<<policy.BPF | 1<<policy.Module | 1<<policy.IOUring | 1<<policy.UserNS
