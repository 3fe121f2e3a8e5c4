// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// good is a node that lacks nothing.
func good() facts {
	return facts{
		release: "6.12.48+deb12-amd64", version: "#1 SMP PREEMPT_DYNAMIC Debian", lsm: "lockdown,capability,apparmor,bpf",
		lockdown: "none [integrity] confidentiality", types: true, bpffs: "/sys/fs/bpf", bpffsType: unix.BPF_FS_MAGIC, cgroup: true,
		capabilities: 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_SYSLOG | 1<<unix.CAP_SYS_PTRACE | 1<<unix.CAP_SYS_RESOURCE, preempt: "none voluntary (full)",
	}
}

func TestFindings(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*facts)
		want   []string // parts of the findings, in order
	}{
		{"nothing", func(*facts) {}, nil},
		{"fewer capabilities", func(f *facts) {
			f.capabilities = 1<<unix.CAP_BPF | 1<<unix.CAP_PERFMON | 1<<unix.CAP_SYSLOG | 1<<unix.CAP_SYS_PTRACE
		}, nil},
		{"none", func(f *facts) { f.capabilities = 0 }, []string{"lacks CAP_BPF, CAP_PERFMON, CAP_SYSLOG and CAP_SYS_PTRACE"}},
		{"memory of 5.10", func(f *facts) {
			f.release, f.capabilities = "5.10.0-40-amd64", f.capabilities&^(1<<unix.CAP_SYS_RESOURCE)
		}, []string{"lacks CAP_SYS_RESOURCE"}},
		{"old", func(f *facts) { f.release = "5.4.0" }, []string{"the kernel is 5.4.0"}},
		{"unknown", func(f *facts) { f.release = "x" }, []string{`release "x"`}},
		{"full", func(f *facts) { f.release = "6.1.0-40-amd64" }, []string{"preemption is full"}},
		{"full, before", func(f *facts) { f.release = "5.10.0-40-amd64" }, nil},
		{"full, after", func(f *facts) { f.release = "6.2.0" }, nil},
		{"first", func(f *facts) { f.release = "5.11.0" }, []string{"preemption is full"}},
		{"voluntary", func(f *facts) { f.release, f.preempt = "6.1.0", "none (voluntary) full" }, nil},
		{"unreadable", func(f *facts) { f.release, f.preempt = "6.1.0", "" }, []string{"preemption may be full"}},
		{"by parameter", func(f *facts) { f.release, f.preempt, f.commandLine = "6.1.0", "", "quiet preempt=voluntary" }, nil},
		{"built full", func(f *facts) { f.release, f.version, f.preempt = "6.1.0", "#1 SMP PREEMPT Debian", "" }, []string{"preemption is full"}},
		{"real time", func(f *facts) { f.release, f.version, f.preempt = "6.1.0", "#1 SMP PREEMPT_RT Debian", "" }, []string{"preemption is full"}},
		{"not preemptible", func(f *facts) { f.release, f.version, f.preempt = "6.1.0", "#1 SMP Debian", "" }, nil},
		{"no module", func(f *facts) { f.lsm = "capability,apparmor" }, []string{"boot with lsm=capability,apparmor,bpf"}},
		{"no securityfs", func(f *facts) { f.lsm = "" }, []string{"mount -t securityfs"}},
		{"locked down", func(f *facts) { f.lockdown = "none integrity [confidentiality]" }, []string{"lockdown=integrity"}},
		{"several", func(f *facts) { f.types, f.bpffsType, f.cgroup = false, 1, false }, []string{"CONFIG_DEBUG_INFO_BTF", "mount -t bpf bpf /sys/fs/bpf", "mount -t cgroup2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := good()
			c.change(&f)
			got := f.findings()
			if len(got) != len(c.want) {
				t.Fatalf("%q, not %q", got, c.want)
			}
			for i, w := range c.want {
				if !strings.Contains(got[i].Problem+"; "+got[i].Mend, w) {
					t.Errorf("%q does not contain %q", got[i], w)
				}
			}
		})
	}
}

func TestCapabilities(t *testing.T) {
	if got := capabilities("Name:\tx\nCapPrm:\t0\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n"); got != 1<<41-1 {
		t.Errorf("%#x", got)
	}
	if got := capabilities("nothing"); got != 0 {
		t.Errorf("%#x", got)
	}
}
