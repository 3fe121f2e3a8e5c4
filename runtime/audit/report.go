// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
	"github.com/avert-dev/avert/runtime/event"
)

// report is a denial in the terms of the language.
type report struct {
	source event.Source
	// denied: the kernel refused it. complain: it would have, but the profile or
	// domain only complains.
	denied, complain bool
	// labels are the names by which a table may know the process, with the
	// domain of each.
	labels []label
	pid    int
	comm   string

	operation string
	// readings are what the operation may be in the language: the first that a
	// rule explains counts.
	readings []ruletable.Operation
	object   event.Object
	profile  string
	info     string
}

// label is the name of a unit, and of the part of its profile that a process is in.
type label struct{ unit, domain string }

// parseReport reads the record of a security module. ok is false when it is not
// about something that was refused, would have been, or is audited.
func parseReport(body string) (r report, ok bool) {
	if strings.HasPrefix(body, "avc:") {
		return parseSELinux(body)
	}
	return parseAppArmor(parseFields(body))
}

// identify adds who it was.
func (r *report) identify(f fields) {
	r.pid, _ = f.number("pid")
	r.comm, _ = f.bytes("comm")
}

func file(access policy.Access, o policy.Object) ruletable.Operation {
	return ruletable.Operation{Section: policy.File, Access: access, Object: o}
}

func capability(name string) ruletable.Operation {
	return ruletable.Operation{Section: policy.Capabilities, Capability: name}
}

func system(o policy.SystemOperation) ruletable.Operation {
	return ruletable.Operation{Section: policy.System, System: o}
}

// protocols names numbers of protocols as policies do (IANA).
var protocols = map[int]string{6: "TCP", 17: "UDP", 132: "SCTP"}
