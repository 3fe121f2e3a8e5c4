// SPDX-License-Identifier: Apache-2.0

package selinux

// Where the host puts what the guest works with.
const (
	policyFile = "/avert-policy"
	planFile   = "/avert-plan.json"
)

// plan is what the guest does: each role after the other.
type plan struct {
	// Node is the type of processes of another container.
	Node string
	// Roles are types with what processes in them try.
	Roles []role
}

type role struct {
	Type  string
	Deeds []deed
}

// deed is something that a process tries.
type deed struct {
	// Name is "KIND ARGUMENT", such as "socket packet"; see deeds in the guest.
	Name    string
	Refused bool
}
