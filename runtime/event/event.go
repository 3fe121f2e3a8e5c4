// SPDX-License-Identifier: Apache-2.0

// Package event is the one format of alerts: JSON lines, whatever refused the
// operation.
//
// Most of an alert was chosen by the process that it is about: names, arguments,
// paths. Text keeps their bytes and writes them so that no value can end a line,
// pass for another value, or move a terminal's cursor.
package event

import (
	"bytes"
	"encoding/json"
	"time"
)

// Event is one line: an alert, or alerts that were lost. Fields that are not
// known are absent.
type Event struct {
	// Time is when the kernel decided, in UTC with nanoseconds where the kernel
	// tells them (RFC 3339).
	Time string `json:"time" jsonschema:"format=date-time"`
	// Source is what reported: a security module, or the kernel's audit log that it
	// lost reports.
	Source Source `json:"source" jsonschema:"enum=apparmor,enum=selinux,enum=lsm,enum=audit"`
	// Node is the name of the node.
	Node Text `json:"node,omitempty"`
	// Lost is the number of reports that the kernel dropped before this moment, at
	// least: such a line is not an alert and has no verdict.
	Lost uint64 `json:"lost,omitempty"`
	// Verdict is Block when the operation was refused, Audit when a rule lets it
	// pass and reports it, WouldBlock when a policy in mode Audit would refuse it.
	Verdict Verdict `json:"verdict,omitempty" jsonschema:"enum=Block,enum=Audit,enum=WouldBlock"`
	// Unit is the container's effective policy, as its files on the node are named.
	Unit Text `json:"unit,omitempty"`
	// Policy is the one that has the rule. It is absent when no policy refuses the
	// operation: then what the runtime denies by itself did.
	Policy *Policy `json:"policy,omitempty"`
	// Rule is section/name, section/default, or a decision of the language such as
	// process/(loader).
	Rule Text `json:"rule,omitempty"`
	// Position is where the rule stands.
	Position *Position `json:"position,omitempty"`
	// Certain says that no other rule can have been the reason. Otherwise the
	// report leaves open what the process ran before, or what the object is.
	Certain bool `json:"certain"`
	// Section is the part of the policy that the operation belongs to.
	Section Text `json:"section,omitempty"`
	// Operation is what was attempted, as the source calls it: open, exec, connect.
	Operation Text `json:"operation,omitempty"`
	// Access are the ways of using a file that were refused.
	Access []string `json:"access,omitempty"`
	// Object is what the operation was about.
	Object *Object `json:"object,omitempty"`
	// Process is who attempted it.
	Process *Process `json:"process,omitempty"`
	// Profile is the profile or context of the process, as the source names it.
	Profile Text `json:"profile,omitempty"`
	// Info is what the source says beside, such as why a path cannot be named.
	Info Text `json:"info,omitempty"`
}

// Source is what reported.
type Source string

// The sources.
const (
	AppArmor Source = "apparmor"
	SELinux  Source = "selinux"
	LSM      Source = "lsm"
	// AuditLog reports nothing but losses.
	AuditLog Source = "audit"
)

// Verdict is what became of the operation.
type Verdict string

// The verdicts.
const (
	Block      Verdict = "Block"
	Audit      Verdict = "Audit"
	WouldBlock Verdict = "WouldBlock"
)

// Policy names a policy and what it said when it was compiled.
type Policy struct {
	Namespace Text `json:"namespace"`
	Name      Text `json:"name"`
	// Revision is sha256: and the hash of the policy's source file.
	Revision Text `json:"revision"`
	// Mode is that of the policy.
	Mode string `json:"mode" jsonschema:"enum=Enforce,enum=Audit"`
}

// Position is a place in a policy's source.
type Position struct {
	// File is the source as the compiler was given it.
	File Text `json:"file"`
	// Line is counted from 1.
	Line int `json:"line"`
}

// Object is what an operation was about; which fields are set depends on it.
type Object struct {
	// Path is that of a file in the container, or what the kernel said in its place.
	Path Text `json:"path,omitempty"`
	// Target is the other path of a link or rename, or the other process's profile.
	Target Text `json:"target,omitempty"`
	// Capability is written without CAP_.
	Capability Text `json:"capability,omitempty"`
	// Family, Type and Protocol are those of a socket.
	Family   Text `json:"family,omitempty"`
	Type     Text `json:"type,omitempty"`
	Protocol Text `json:"protocol,omitempty"`
	// Address and Port are those of the peer, or of the socket itself when it binds.
	Address Text `json:"address,omitempty"`
	Port    int  `json:"port,omitempty"`
	// Context is that of the object under SELinux.
	Context Text `json:"context,omitempty"`
	// Class is that of the object under SELinux.
	Class Text `json:"class,omitempty"`
}

// Process is who attempted an operation. The kernel's report has pid and comm;
// the rest is read afterwards and may be that of a moment later.
type Process struct {
	PID  int  `json:"pid"`
	Comm Text `json:"comm,omitempty"`
	// State says what was found of the process afterwards: running, gone, or
	// reused, when its number belongs to another process by now. What is not in
	// the kernel's report is absent unless it runs.
	State string `json:"state,omitempty" jsonschema:"enum=running,enum=gone,enum=reused"`
	PPID  int    `json:"ppid,omitempty"`
	// UID and GID are the real ones, as the node's user namespace has them.
	UID *uint32 `json:"uid,omitempty"`
	GID *uint32 `json:"gid,omitempty"`
	Exe Text    `json:"exe,omitempty"`
	// Args are at most 64 arguments and 4,096 bytes.
	Args []Text `json:"args,omitempty"`
	// Lineage is what policies ask about the images that the process ran until then.
	// Only the eBPF LSM tells it.
	Lineage *Lineage `json:"lineage,omitempty"`
	// Cgroup is the path below the root of the hierarchy.
	Cgroup Text `json:"cgroup,omitempty"`
}

// Lineage has the lists of patterns of policies' rules (from) that match what a
// process ran, each list sorted. Nothing is known of other images.
type Lineage struct {
	// Exe match its image, Parent the one before that, and Ancestor any earlier one.
	Exe      [][]Text `json:"exe,omitempty"`
	Parent   [][]Text `json:"parent,omitempty"`
	Ancestor [][]Text `json:"ancestor,omitempty"`
}

// Stamp writes a time as events have it.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Line returns the event as one line of JSON, its line break included.
func (e *Event) Line() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(e) // of text, numbers and lists nothing can fail
	return b.Bytes()
}
