// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"
	"strings"
	"time"
)

// Group is what the kernel recorded of one event: usually one denial, and with
// rules for auditing in the kernel also the system call that it came from.
type Group struct {
	Time   time.Time
	Serial uint64
	// Denials are records of security modules.
	Denials []Record

	syscall, proctitle fields
}

const (
	// maxPending is the number of groups that wait for more records.
	maxPending = 16
	// maxDenials is the number of denials of one event that are kept.
	maxDenials = 64
)

// Assembler puts records together that belong to one event. They arrive one by
// one, and those of several processors mixed. The zero value is ready to use.
type Assembler struct {
	pending []*Group // oldest first
	last    *Group   // the one with the last denial
}

// Add takes a record and returns the groups that it completes.
func (a *Assembler) Add(r Record) []*Group {
	i := slices.IndexFunc(a.pending, func(g *Group) bool { return g.Serial == r.Serial && g.Time.Equal(r.Time) })
	if i < 0 {
		if r.Type == typeEOE {
			return nil
		}
		if r.Type == typeAVC && a.last.again(r) {
			a.last.Denials = append(a.last.Denials, r)
			return nil
		}
		a.pending = append(a.pending, &Group{Time: r.Time, Serial: r.Serial})
		i = len(a.pending) - 1
	}
	g := a.pending[i]
	switch r.Type {
	case typeAVC:
		a.last = g
		if len(g.Denials) < maxDenials {
			g.Denials = append(g.Denials, r)
		}
	case typeSyscall:
		g.syscall = parseFields(r.Body)
	case typeProctitle:
		g.proctitle = parseFields(r.Body)
	case typeEOE:
		a.pending = slices.Delete(a.pending, i, i+1)
		a.last = nil
		return withDenials(g)
	}
	if len(a.pending) > maxPending {
		oldest := a.pending[0]
		a.pending = a.pending[1:]
		if a.last == oldest {
			a.last = nil
		}
		return withDenials(oldest)
	}
	return nil
}

// Flush returns the groups that wait. Not every event is closed by a record of
// its own, so it is to be called when none has arrived for a moment.
func (a *Assembler) Flush() []*Group {
	out := withDenials(a.pending...)
	a.pending, a.last = nil, nil
	return out
}

// sameMoment is how far apart reports of one operation are.
const sameMoment = 10 * time.Millisecond

// again says whether a denial is that of the group once more: of profiles that
// are stacked each reports by itself.
func (g *Group) again(r Record) bool {
	if g == nil || len(g.Denials) == 0 || len(g.Denials) == maxDenials || r.Time.Sub(g.Time).Abs() > sameMoment {
		return false
	}
	operation, profile := withoutProfile(r.Body)
	found := false
	for _, d := range g.Denials {
		o, p := withoutProfile(d.Body)
		if o != operation || p == profile {
			return false // the process did it again
		}
		found = p != ""
	}
	return found
}

// withoutProfile takes the profile out of a report. Names of profiles have no
// spaces: the kernel writes such in hexadecimal.
func withoutProfile(body string) (operation, profile string) {
	before, rest, ok := strings.Cut(body, " profile=")
	if !ok {
		return body, ""
	}
	profile, after, _ := strings.Cut(rest, " ")
	return before + " " + after, profile
}

func withDenials(groups ...*Group) []*Group {
	return slices.DeleteFunc(groups, func(g *Group) bool { return len(g.Denials) == 0 })
}
