// SPDX-License-Identifier: Apache-2.0

// Package process reads what /proc says of processes that alerts are about.
//
// What it says is that of the moment of reading, and partly chosen by the process:
// it decorates alerts, and no rule is found by it.
package process

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
	Running = "running"
	Gone    = "gone"
	Reused  = "reused"
)

// Processes are those of a node.
type Processes struct {
	root string
	boot time.Time
}

// Open reads processes below a mount of procfs, such as /proc. It must
// be that of the node's first PID namespace: the kernel reports its numbers.
func Open(root string) *Processes {
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

// Read returns what is known of a process that was reported at a time. belongs, if
// it is not nil, says of what attr/current of a process has whether it can be the
// one.
func (p *Processes) Read(pid int, at time.Time, belongs func(current string) bool) *event.Process {
	out := &event.Process{PID: pid, State: Gone}
	dir := strconv.Itoa(pid)
	ppid, started, ok := p.stat(dir)
	if !ok {
		return out
	}
	out.State = Reused
	// The time of boot is known to the second.
	if p.boot.Add(started).After(at.Add(2 * time.Second)) {
		return out
	}
	if belongs != nil {
		if now := p.text(dir+"/attr/current", maxArgBytes); now != "" && !belongs(now) {
			return out
		}
	}
	found := &event.Process{PID: pid, State: Running, PPID: ppid}
	exe, _ := os.Readlink(filepath.Join(p.root, dir, "exe"))
	found.Exe = event.Text(exe)
	found.Args = Arguments(p.text(dir+"/cmdline", maxArgBytes))
	found.Cgroup = event.Text(cgroup(p.text(dir+"/cgroup", 1<<16)))
	for line := range strings.Lines(p.text(dir+"/status", 1<<16)) {
		// Real, effective, saved and file system ID.
		switch f := strings.Fields(line); {
		case len(f) == 5 && f[0] == "Uid:":
			found.UID = id(f[1])
		case len(f) == 5 && f[0] == "Gid:":
			found.GID = id(f[1])
		}
	}
	// All of that is of one process when the number has not changed hands since.
	if _, again, ok := p.stat(dir); !ok || again != started {
		out.State = Gone
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

// Arguments splits what ends in NUL bytes, and keeps 64 arguments and 4,096 bytes.
func Arguments(text string) []event.Text {
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

func id(text string) *uint32 {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 1<<32-1 { // not set
		return nil
	}
	out := uint32(n)
	return &out
}
