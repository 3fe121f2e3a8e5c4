// SPDX-License-Identifier: Apache-2.0

package linux

import "slices"

// Capability is one of the kernel's privileges; see capabilities(7).
type Capability struct {
	Name   string        // as Kubernetes spells it, without CAP_
	Number int           // bit in a capability set; linux/capability.h
	Since  KernelVersion // first kernel that has it
}

// capabilities is indexed by number.
var capabilities = [...]Capability{
	{"CHOWN", 0, KernelVersion{2, 2, 0}},
	{"DAC_OVERRIDE", 1, KernelVersion{2, 2, 0}},
	{"DAC_READ_SEARCH", 2, KernelVersion{2, 2, 0}},
	{"FOWNER", 3, KernelVersion{2, 2, 0}},
	{"FSETID", 4, KernelVersion{2, 2, 0}},
	{"KILL", 5, KernelVersion{2, 2, 0}},
	{"SETGID", 6, KernelVersion{2, 2, 0}},
	{"SETUID", 7, KernelVersion{2, 2, 0}},
	{"SETPCAP", 8, KernelVersion{2, 2, 0}},
	{"LINUX_IMMUTABLE", 9, KernelVersion{2, 2, 0}},
	{"NET_BIND_SERVICE", 10, KernelVersion{2, 2, 0}},
	{"NET_BROADCAST", 11, KernelVersion{2, 2, 0}},
	{"NET_ADMIN", 12, KernelVersion{2, 2, 0}},
	{"NET_RAW", 13, KernelVersion{2, 2, 0}},
	{"IPC_LOCK", 14, KernelVersion{2, 2, 0}},
	{"IPC_OWNER", 15, KernelVersion{2, 2, 0}},
	{"SYS_MODULE", 16, KernelVersion{2, 2, 0}},
	{"SYS_RAWIO", 17, KernelVersion{2, 2, 0}},
	{"SYS_CHROOT", 18, KernelVersion{2, 2, 0}},
	{"SYS_PTRACE", 19, KernelVersion{2, 2, 0}},
	{"SYS_PACCT", 20, KernelVersion{2, 2, 0}},
	{"SYS_ADMIN", 21, KernelVersion{2, 2, 0}},
	{"SYS_BOOT", 22, KernelVersion{2, 2, 0}},
	{"SYS_NICE", 23, KernelVersion{2, 2, 0}},
	{"SYS_RESOURCE", 24, KernelVersion{2, 2, 0}},
	{"SYS_TIME", 25, KernelVersion{2, 2, 0}},
	{"SYS_TTY_CONFIG", 26, KernelVersion{2, 2, 0}},
	{"MKNOD", 27, KernelVersion{2, 4, 0}},
	{"LEASE", 28, KernelVersion{2, 4, 0}},
	{"AUDIT_WRITE", 29, KernelVersion{2, 6, 11}},
	{"AUDIT_CONTROL", 30, KernelVersion{2, 6, 11}},
	{"SETFCAP", 31, KernelVersion{2, 6, 24}},
	{"MAC_OVERRIDE", 32, KernelVersion{2, 6, 25}},
	{"MAC_ADMIN", 33, KernelVersion{2, 6, 25}},
	{"SYSLOG", 34, KernelVersion{2, 6, 37}},
	{"WAKE_ALARM", 35, KernelVersion{3, 0, 0}},
	{"BLOCK_SUSPEND", 36, KernelVersion{3, 5, 0}},
	{"AUDIT_READ", 37, KernelVersion{3, 16, 0}},
	{"PERFMON", 38, KernelVersion{5, 8, 0}},
	{"BPF", 39, KernelVersion{5, 8, 0}},
	{"CHECKPOINT_RESTORE", 40, KernelVersion{5, 9, 0}},
}

// Capabilities lists all capabilities by number.
func Capabilities() []Capability { return slices.Clone(capabilities[:]) }

// CapabilityByName returns the capability of that name, which has no CAP_
// before it.
func CapabilityByName(name string) (Capability, bool) {
	i := slices.IndexFunc(capabilities[:], func(c Capability) bool { return c.Name == name })
	if i < 0 {
		return Capability{}, false
	}
	return capabilities[i], true
}

// CapabilityNames lists the names of all capabilities by number.
func CapabilityNames() []string {
	names := make([]string, len(capabilities))
	for i, c := range capabilities {
		names[i] = c.Name
	}
	return names
}
