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

// process adds who it was.
func (r *report) process(f fields) {
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

// byCapability lists the operations of system that need a capability: back-ends
// without a hook for the operation withhold the capability.
var byCapability = map[string][]policy.SystemOperation{
	"SYS_MODULE": {policy.Module},
	"SYS_ADMIN":  {policy.Mount, policy.BPF},
	"BPF":        {policy.BPF},
	"SYS_PTRACE": {policy.Ptrace},
	"KILL":       {policy.Signal},
}

// capabilityUse is the use of a capability, by itself or for an operation.
func capabilityUse(name string) []ruletable.Operation {
	out := []ruletable.Operation{capability(name)}
	for _, o := range byCapability[name] {
		out = append(out, system(o))
	}
	return out
}

// protocols names numbers of protocols as policies do (IANA).
var protocols = map[int]string{6: "TCP", 17: "UDP", 132: "SCTP"}
