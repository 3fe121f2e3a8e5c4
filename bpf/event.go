// SPDX-License-Identifier: Apache-2.0

package bpf

// Event begins every record of the map `events`: what a program reports of an
// operation. Text follows, of SmallText or LargeText bytes: the first path stands at
// its start, the second at a third of it. What is beyond the lengths of the paths
// means nothing.
type Event struct {
	// Time is in nanoseconds since boot, suspension included.
	Time uint64
	// Policy is the instance and the slot of the unit.
	Policy uint64
	// Cgroup is the id of the task's cgroup.
	Cgroup uint64
	// State is the lineage before the operation, in the atoms of the Generation.
	State      State
	Generation uint32
	// PID is that of the thread, TGID that of the process. UID and GID are the real ones.
	PID, TGID, PPID, UID, GID uint32
	Comm                      [16]byte
	Kind                      Kind
	// Operation is an index into `system`, for KindSystem.
	Operation uint8
	// Class are those of the objects.
	Class [2]Class
	// Access is what was asked for: a mask of policy.Access, 0 for KindSystem.
	Access uint16
	// Blocks has bit n when layer n blocks, or would, and reports it; Audits when a
	// rule of layer n audits; Carried when layer n blocks because something would be
	// carried out.
	Blocks, Audits, Carried uint8
	// Refused is 1 when the operation was refused.
	Refused uint8
	// Length are those of the paths in bytes.
	Length [2]uint16
	// Lost is 1 when the lineage is not known: rules that block may apply whatever
	// their condition is, and State says nothing.
	Lost uint8
	_    uint8
}

// Sizes of records in bytes.
const (
	EventSize = 104
	SmallText = 3 * 256
	LargeText = 3 * PathMax
)

// Kind is what an event is about.
type Kind uint8

// The kinds.
const (
	KindFile Kind = iota
	KindExec
	KindRename
	KindLink
	KindSystem
)

// Class says how an object relates to the container's tree of files, in the order
// of policy.ObjectClass.
type Class uint8

// The classes.
const (
	Named Class = iota
	Anonymous
	Unresolved
	Unnamed
)
