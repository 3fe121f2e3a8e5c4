// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/avert-dev/avert/runtime/event"
)

// What is kept of the arguments of a process.
const (
	maxArgs     = 64
	maxArgBytes = 4096
)

// States of a process after a report.
const (
	running = "running"
	gone    = "gone"
	reused  = "reused"
)

// process says who it was: what the kernel reported, and what was found of the
// process if somebody looked.
func (f *finding) process(g *Group) *event.Process {
	p := &event.Process{PID: f.pid}
	if f.seen != nil {
		*p = *f.seen
	}
	p.Comm = event.Text(f.comm)
	if p.State == running {
		return p
	}
	// The kernel's own record of the system call, when it keeps such.
	p.PPID, _ = g.syscall.number("ppid")
	p.UID, p.GID = g.syscall.id("euid"), g.syscall.id("egid")
	exe, _ := g.syscall.bytes("exe")
	p.Exe = event.Text(exe)
	title, _ := g.proctitle.bytes("proctitle")
	p.Args = arguments(title)
	return p
}

// Processes reads what /proc says of processes. What it says is that of the
// moment of reading, and partly chosen by the process: it decorates alerts, and
// no rule is found by it.
type Processes struct {
	root string
	boot time.Time
}

// OpenProcesses reads processes below a mount of procfs, such as /proc. It must
// be that of the node's first PID namespace: the kernel reports its numbers.
func OpenProcesses(root string) *Processes {
	p := &Processes{root: root}
	for line := range strings.Lines(p.text("stat", 1<<20)) {
		if seconds, ok := strings.CutPrefix(strings.TrimSpace(line), "btime "); ok {
			n, _ := strconv.ParseInt(seconds, 10, 64)
			p.boot = time.Unix(n, 0)
		}
	}
	return p
}

// text reads at most limit bytes of a file.
func (p *Processes) text(name string, limit int64) string {
	f, err := os.Open(filepath.Join(p.root, name))
	if err != nil {
		return ""
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, limit))
	return string(b)
}

// read returns what is known of a process that was reported at a time under a
// label.
func (p *Processes) read(pid int, at time.Time, unit string) *event.Process {
	out := &event.Process{PID: pid, State: gone}
	dir := strconv.Itoa(pid)
	ppid, started, ok := p.stat(dir)
	if !ok {
		return out
	}
	out.State = reused
	// The time of boot is known to the second.
	if p.boot.Add(started).After(at.Add(2 * time.Second)) {
		return out
	}
	// Nobody leaves the profiles or the type of a unit.
	if now := p.text(dir+"/attr/current", maxArgBytes); now != "" && !confined(now, unit) {
		return out
	}
	found := &event.Process{PID: pid, State: running, PPID: ppid}
	exe, _ := os.Readlink(filepath.Join(p.root, dir, "exe"))
	found.Exe = event.Text(exe)
	found.Args = arguments(p.text(dir+"/cmdline", maxArgBytes))
	found.Cgroup = event.Text(cgroup(p.text(dir+"/cgroup", 1<<16)))
	for line := range strings.Lines(p.text(dir+"/status", 1<<16)) {
		// Real, effective, saved and file system ID.
		switch f := strings.Fields(line); {
		case len(f) == 5 && f[0] == "Uid:":
			found.UID = fields{"id": {text: f[2]}}.id("id")
		case len(f) == 5 && f[0] == "Gid:":
			found.GID = fields{"id": {text: f[2]}}.id("id")
		}
	}
	// All of that is of one process when the number has not changed hands since.
	if _, again, ok := p.stat(dir); !ok || again != started {
		out.State = gone
		return out
	}
	return found
}

// ticks are the unit of time in /proc/PID/stat on every architecture of Go's
// (USER_HZ).
const ticks = 100

// stat reads the parent and when a process started, counted from boot.
func (p *Processes) stat(dir string) (ppid int, started time.Duration, ok bool) {
	text := p.text(dir+"/stat", 4096)
	// The name stands in parentheses and may have some itself.
	i := strings.LastIndexByte(text, ')')
	if i < 0 {
		return 0, 0, false
	}
	f := strings.Fields(text[i+1:])
	if len(f) < 20 {
		return 0, 0, false
	}
	ppid, _ = strconv.Atoi(f[1])
	n, err := strconv.ParseInt(f[19], 10, 64)
	return ppid, time.Duration(n) * (time.Second / ticks), err == nil
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

// arguments splits what ends in NUL bytes.
func arguments(text string) []event.Text {
	text = strings.TrimSuffix(text[:min(len(text), maxArgBytes)], "\x00")
	if text == "" {
		return nil
	}
	var out []event.Text
	for _, a := range strings.SplitN(text, "\x00", maxArgs+1) {
		if len(out) < maxArgs {
			out = append(out, event.Text(a))
		}
	}
	return out
}

// cgroup returns the path in the unified hierarchy, else in that of systemd.
func cgroup(text string) string {
	found := ""
	for line := range strings.SplitSeq(text, "\n") {
		number, rest, _ := strings.Cut(line, ":")
		controllers, path, ok := strings.Cut(rest, ":")
		switch {
		case ok && number == "0" && controllers == "":
			return path
		case ok && controllers == "name=systemd":
			found = path
		}
	}
	return found
}
