// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Finding is something that the node lacks.
type Finding struct {
	// Problem says what is wrong, Mend what to do about it.
	Problem, Mend string
}

// NotReady says what a node lacks to enforce.
type NotReady struct {
	Findings []Finding
}

func (e *NotReady) Error() string {
	var b strings.Builder
	b.WriteString("this node cannot enforce images:")
	for _, f := range e.Findings {
		fmt.Fprintf(&b, "\n- %s; %s", f.Problem, f.Mend)
	}
	return b.String()
}

// facts are what Preflight looks at. A text is empty when it cannot be read.
type facts struct {
	release, version string // of uname
	lsm, lockdown    string
	types            bool // BTF
	bpffs            string
	bpffsType        int64
	cgroup           bool // version 2
	capabilities     uint64
	commandLine      string
	preempt          string
}

// Preflight returns all that the node lacks to enforce images.
func Preflight(bpffs string) []Finding {
	read := func(path string) string {
		data, _ := os.ReadFile(path) // what is missing is a finding
		return strings.TrimSpace(string(data))
	}
	f := facts{
		lsm: read("/sys/kernel/security/lsm"), lockdown: read("/sys/kernel/security/lockdown"), commandLine: read("/proc/cmdline"),
		preempt: read("/sys/kernel/debug/sched/preempt"), bpffs: bpffs,
	}
	if f.preempt == "" {
		f.preempt = debug("sched/preempt")
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		f.release, f.version = unix.ByteSliceToString(name.Release[:]), unix.ByteSliceToString(name.Version[:])
	}
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	f.types = err == nil
	var at unix.Statfs_t
	if unix.Statfs(bpffs, &at) == nil {
		f.bpffsType = at.Type
	}
	f.cgroup = mounted("/sys/fs/cgroup") || mounted("/sys/fs/cgroup/unified")
	f.capabilities = capabilities(read("/proc/self/status"))
	return f.findings()
}

func mounted(cgroup string) bool {
	var at unix.Statfs_t
	return unix.Statfs(cgroup, &at) == nil && at.Type == unix.CGROUP2_SUPER_MAGIC
}

// capabilities returns the effective ones in /proc/self/status.
func capabilities(status string) uint64 {
	var set uint64
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			fmt.Sscanf(strings.TrimSpace(value), "%x", &set)
		}
	}
	return set
}

// debug reads a file of debugfs, which need not be mounted.
func debug(name string) string {
	fs, err := unix.Fsopen("debugfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return ""
	}
	defer unix.Close(fs)
	if unix.FsconfigCreate(fs) != nil {
		return ""
	}
	root, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(root)
	fd, err := unix.Openat(root, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, 1<<12))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func (f *facts) findings() []Finding {
	var out []Finding
	add := func(mend, problem string, args ...any) {
		out = append(out, Finding{fmt.Sprintf(problem, args...), mend})
	}
	major, minor, err := release(f.release)
	switch {
	case err != nil:
		add("run avert-node on Linux 5.10 or later", "%v", err)
	case older(major, minor, 5, 10):
		add("use Linux 5.10 or later", "the kernel is %s", f.release)
	case !older(major, minor, 5, 11) && !older(6, 1, major, minor):
		f.preemption(add)
	}
	modules := strings.Split(f.lsm, ",")
	switch {
	case f.lsm == "":
		add("mount it: mount -t securityfs securityfs /sys/kernel/security", "/sys/kernel/security/lsm cannot be read")
	case !slices.Contains(modules, "bpf"):
		add("boot with lsm="+f.lsm+",bpf on the kernel's command line (a kernel without CONFIG_BPF_LSM ignores that)", "the security module bpf is not active: /sys/kernel/security/lsm is %s", f.lsm)
	}
	if strings.Contains(f.lockdown, "[confidentiality]") {
		add("boot with lockdown=integrity", "the kernel is locked down for confidentiality, and its memory cannot be read by BPF programs")
	}
	if !f.types {
		add("use a kernel with CONFIG_DEBUG_INFO_BTF", "/sys/kernel/btf/vmlinux, the description of the kernel's types, is missing")
	}
	if f.bpffsType != unix.BPF_FS_MAGIC {
		add("mount one: mount -t bpf bpf "+f.bpffs, "%s is not a BPF file system", f.bpffs)
	}
	if !f.cgroup {
		add("boot with systemd.unified_cgroup_hierarchy=1, or mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup", "cgroups of version 2 are mounted at neither /sys/fs/cgroup nor /sys/fs/cgroup/unified")
	}
	if lacking := f.lacking(older(major, minor, 5, 11)); len(lacking) > 0 {
		last := len(lacking) - 1
		names := lacking[last]
		if last > 0 {
			names = strings.Join(lacking[:last], ", ") + " and " + names
		}
		add("run it as root, or give it what it lacks (CAP_SYS_ADMIN is CAP_BPF and CAP_PERFMON too)", "avert-node lacks %s", names)
	}
	return out
}

// lacking returns the capabilities that are needed and not there.
func (f *facts) lacking(locked bool) []string {
	has := func(bit int) bool { return f.capabilities&(1<<bit) != 0 }
	var out []string
	for _, c := range []struct {
		name   string
		bit    int
		needed bool
	}{
		{"CAP_BPF", unix.CAP_BPF, !has(unix.CAP_SYS_ADMIN)},
		{"CAP_PERFMON", unix.CAP_PERFMON, !has(unix.CAP_SYS_ADMIN)},
		{"CAP_SYSLOG", unix.CAP_SYSLOG, true},               // to find a lock of the kernel's by name
		{"CAP_SYS_PTRACE", unix.CAP_SYS_PTRACE, true},       // to see the namespace of process 1
		{"CAP_SYS_RESOURCE", unix.CAP_SYS_RESOURCE, locked}, // where maps count as locked memory
	} {
		if c.needed && !has(c.bit) {
			out = append(out, c.name)
		}
	}
	return out
}

// preemption looks at kernels that skip a program while it runs on the same
// processor already: with full preemption, a process that is preempted within a
// program is enough for others to pass unseen (until Linux 6.2).
func (f *facts) preemption(add func(mend, problem string, args ...any)) {
	const skips = "Linux 5.11 to 6.1 skips programs that a preempted process is in"
	dynamic := strings.Contains(f.version, "PREEMPT_DYNAMIC")
	switch {
	case dynamic && strings.Contains(f.preempt, "(full)"):
		add("boot with preempt=voluntary, or use Linux 6.2 or later", "preemption is full, and %s", skips)
	case dynamic && f.preempt == "" && !strings.Contains(" "+f.commandLine+" ", " preempt=voluntary ") && !strings.Contains(" "+f.commandLine+" ", " preempt=none "):
		add("boot with preempt=voluntary, or let avert-node read /sys/kernel/debug/sched/preempt", "preemption may be full, and %s", skips)
	case !dynamic && strings.Contains(f.version, "PREEMPT"):
		add("use a kernel with CONFIG_PREEMPT_VOLUNTARY, or Linux 6.2 or later", "preemption is full, and %s", skips)
	}
}

// release returns the version of a kernel.
func release(name string) (major, minor int, err error) {
	if _, err := fmt.Sscanf(name, "%d.%d", &major, &minor); err != nil {
		return 0, 0, fmt.Errorf("the kernel's release %q is not known", name)
	}
	return major, minor, nil
}

func older(major, minor, thanMajor, thanMinor int) bool {
	return major < thanMajor || major == thanMajor && minor < thanMinor
}
