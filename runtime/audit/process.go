// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"strings"

	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/runtime/process"
)

// process says who it was: what the kernel reported, and what was found of the
// process if somebody looked.
func (f *finding) process(g *Group) *event.Process {
	p := &event.Process{PID: f.pid}
	if f.seen != nil {
		*p = *f.seen
	}
	p.Comm = event.Text(f.comm)
	if p.State == process.Running {
		return p
	}
	// The kernel's own record of the system call, when it keeps such.
	p.PPID, _ = g.syscall.number("ppid")
	p.UID, p.GID = g.syscall.id("uid"), g.syscall.id("gid")
	exe, _ := g.syscall.bytes("exe")
	p.Exe = event.Text(exe)
	title, _ := g.proctitle.bytes("proctitle")
	p.Args = process.Arguments(title)
	return p
}

// confined says whether /proc/PID/attr/current is about a unit. AppArmor appends
// the mode: "avert.u//&avert.u//d3 (enforce)".
func confined(current, unit string) bool {
	current = strings.TrimRight(current, "\x00\n")
	if typeOf(current) == unit {
		return true
	}
	if i := strings.LastIndex(current, " ("); i >= 0 {
		current = current[:i]
	}
	for _, l := range labelsOf(current) {
		if l.unit == unit {
			return true
		}
	}
	return false
}
