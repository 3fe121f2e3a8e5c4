// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"net/netip"

	"github.com/avert-dev/avert/compiler/diag"
)

// OperationKind says which fields of an Operation are set.
type OperationKind uint8

const (
	// OpExec runs a program: Images.
	OpExec OperationKind = iota
	// OpFile uses a file in one way: Access and Object.
	OpFile
	// OpRename gives Object the name Target; OpLink adds the name Target.
	OpRename
	OpLink
	// OpNetwork is a connection, datagram or HTTP request: Flow.
	OpNetwork
	// OpSyscall enters a system call: Syscall.
	OpSyscall
	// OpCapability uses a capability: Capability.
	OpCapability
	// OpSystem is an operation of `system`: System.
	OpSystem
)

// Operation is one thing that a process attempts.
type Operation struct {
	Kind OperationKind
	// Lineage lists the images that the process went through, oldest first;
	// empty until the first exec in the container has succeeded.
	Lineage []string

	// Images are the files that process rules check on one exec: the script,
	// each interpreter, and last the binary that runs in the end.
	Images []Object

	// Access is exactly one access of `file`.
	Access Access
	Object Object
	// Target is the new name of a rename or link. TargetExists needs delete
	// there. Directory says that Object is one. Exchange swaps both names.
	Target       Object
	TargetExists bool
	Directory    bool
	Exchange     bool

	Flow       Flow
	Syscall    SyscallCall
	Capability string // without CAP_
	System     SystemOperation
}

// ObjectClass says how an object relates to the container's tree of files.
type ObjectClass uint8

const (
	// Named objects have a canonical path in the container's root.
	Named ObjectClass = iota
	// Anonymous objects are memfd, deleted and detached files. They match no
	// pattern, and get the section's default when it is Block.
	Anonymous
	// Unresolved objects have a path that cannot be known: Block where the
	// section blocks anything, else its default.
	Unresolved
	// Unnamed objects are pipes, sockets and anonymous inodes: outside `file`.
	Unnamed
)

// Object is what a file operation or exec is about. Path is set when Named.
type Object struct {
	Class ObjectClass
	Path  string
}

// Flow is one attempt to communicate, judged on the side that initiates it.
type Flow struct {
	Direction Direction // Ingress or Egress
	Family    string    // "inet", "inet6", "packet", ...
	Type      string    // "stream", "dgram", "raw", ...
	Protocol  string    // TCP, UDP, SCTP; "" for others such as ICMP
	Port      uint16    // destination port; 0 when Protocol has none
	Peer      Endpoint
	// HTTP is the request; nil means traffic that is not HTTP, which no rule
	// with `http` matches.
	HTTP *HTTPRequest
	// Loopback and Reply traffic passes.
	Loopback, Reply bool
}

// Endpoint is the peer of a flow.
type Endpoint struct {
	// Pod is set for a pod of the cluster, which no CIDR peer matches.
	Pod *Pod
	// Addr is the address of a peer outside the cluster.
	Addr netip.Addr
	// Names are the domain names that resolved to Addr.
	Names []string
	// ClusterDNS says that the peer is the cluster's DNS service.
	ClusterDNS bool
}

// Pod is a peer in the cluster.
type Pod struct {
	Namespace       string
	Labels          map[string]string
	NamespaceLabels map[string]string
}

// HTTPRequest is one request; Path may carry a query.
type HTTPRequest struct {
	Method, Path string
}

// SyscallCall is one entry into a system call.
type SyscallCall struct {
	Arch string // "amd64", "arm64"
	Name string
	Args [6]uint64
}

// Verdict is what enforced policies decide about an operation.
type Verdict struct {
	Action Action
	// Errno is what a blocked system call returns.
	Errno int
	// Rule names what decided; Report says whether it is reported: always for
	// Audit, never for Allow, and for Block unless all matching Blocks are quiet.
	Rule   RuleRef
	Report bool
}

// RuleRef names a rule, a default or a built-in decision of a policy.
type RuleRef struct {
	Policy string // "namespace/name"
	// Rule is "section/name", "section/default", or "section/" and one of
	// BuiltinLoader, BuiltinCarry, BuiltinUnresolved.
	Rule string
	Span diag.Span
}

// Built-in decisions, in place of a rule's name.
const (
	// BuiltinDefault is a section's default, written or implied.
	BuiltinDefault = "default"
	// BuiltinLoader blocks starting a dynamic loader directly.
	BuiltinLoader = "(loader)"
	// BuiltinCarry blocks a rename or link out of a rule's reach.
	BuiltinCarry = "(carry-out)"
	// BuiltinUnresolved blocks an object whose path cannot be known.
	BuiltinUnresolved = "(unresolved)"
)
