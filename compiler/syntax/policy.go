// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"fmt"

	"github.com/avert-dev/avert/compiler/diag"
)

// APIVersion is that of the documents of the language.
const APIVersion = "avert.dev/v1alpha1"

// RuntimePolicy says what the containers of the selected pods may execute,
// open, connect to and call.
type RuntimePolicy struct {
	At `yaml:"-"`
	// APIVersion is avert.dev/v1alpha1.
	APIVersion Text `yaml:"apiVersion" jsonschema:"required,enum=avert.dev/v1alpha1"`
	// Kind is RuntimePolicy.
	Kind Text `yaml:"kind" jsonschema:"required,enum=RuntimePolicy"`
	// Metadata names the policy.
	Metadata Metadata `yaml:"metadata" jsonschema:"required"`
	// Spec is the policy itself.
	Spec Spec `yaml:"spec" jsonschema:"required"`
}

// Metadata names an object of a namespace.
type Metadata struct {
	At `yaml:"-"`
	// Name is unique among the policies of a namespace.
	Name Text `yaml:"name" jsonschema:"required"`
	// Namespace is that of the selected pods; "default" when absent.
	Namespace Text `yaml:"namespace"`
	// Labels are for people and tools; they have no effect.
	Labels Labels `yaml:"labels"`
	// Annotations are for people and tools; they have no effect.
	Annotations Labels `yaml:"annotations"`
}

// Spec is the body of a policy. A section that is absent is not governed.
type Spec struct {
	At `yaml:"-"`
	// Selector chooses pods by their labels; {} chooses all pods of the namespace.
	Selector *Selector `yaml:"selector" jsonschema:"required"`
	// Containers narrows every section but network to containers of these names. Absent means all, init and ephemeral ones included.
	Containers []Text `yaml:"containers" jsonschema:"minItems=1"`
	// Mode is Enforce (the default) or Audit: decided as if enforced, and only reported.
	Mode Text `yaml:"mode" jsonschema:"enum=Enforce,enum=Audit"`
	// Process governs what may be executed.
	Process *ProcessSection `yaml:"process"`
	// File governs how files may be used.
	File *FileSection `yaml:"file"`
	// Network governs connections of the pod, in both directions.
	Network *NetworkSection `yaml:"network"`
	// Syscalls governs system calls.
	Syscalls *SyscallSection `yaml:"syscalls"`
	// Capabilities governs the use of Linux capabilities.
	Capabilities *CapabilitySection `yaml:"capabilities"`
	// System governs operations that have no object of the other sections.
	System *SystemSection `yaml:"system"`
	// Accept lists gaps in enforcement that the authors know of.
	Accept []Accept `yaml:"accept"`
}

// Selector is a label selector as in Kubernetes. Both parts are ANDed.
type Selector struct {
	At `yaml:"-"`
	// MatchLabels requires each label to have the value.
	MatchLabels Labels `yaml:"matchLabels"`
	// MatchExpressions are further requirements.
	MatchExpressions []Requirement `yaml:"matchExpressions"`
}

// Requirement is one condition on a label.
type Requirement struct {
	At `yaml:"-"`
	// Key of the label.
	Key Text `yaml:"key" jsonschema:"required"`
	// Operator relates the label to values.
	Operator Text `yaml:"operator" jsonschema:"required,enum=In,enum=NotIn,enum=Exists,enum=DoesNotExist"`
	// Values for In and NotIn.
	Values []Text `yaml:"values"`
}

// RuleHead is what the rules of all sections have in common.
type RuleHead struct {
	At `yaml:"-"`
	// Name is unique in its section.
	Name Text `yaml:"name" jsonschema:"required"`
	// Action is Allow (silent), Audit (allow and report) or Block (fail before any effect, and report).
	Action Text `yaml:"action" jsonschema:"required,enum=Allow,enum=Audit,enum=Block"`
	// Quiet silences the report of a Block.
	Quiet Bool `yaml:"quiet"`
}

// From is a condition on the lineage of the acting process. Fields are ANDed, items of a list ORed.
type From struct {
	At `yaml:"-"`
	// Exe matches the image that the process runs.
	Exe []Text `yaml:"exe" jsonschema:"minItems=1"`
	// Parent matches the image that it ran before the last exec.
	Parent []Text `yaml:"parent" jsonschema:"minItems=1"`
	// Ancestor matches any earlier image, the parent included.
	Ancestor []Text `yaml:"ancestor" jsonschema:"minItems=1"`
}

// ProcessSection governs what may be executed.
type ProcessSection struct {
	At `yaml:"-"`
	// Default decides what no rule matches.
	Default Text `yaml:"default" jsonschema:"required,enum=Allow,enum=Audit,enum=Block"`
	// Rules in any order: Block wins over Audit, Audit over Allow.
	Rules []ProcessRule `yaml:"rules"`
}

// ProcessRule matches executables. For a script both the script and its interpreters are checked.
type ProcessRule struct {
	RuleHead
	// From restricts the rule to processes of a lineage.
	From *From `yaml:"from"`
	// Paths are patterns of absolute canonical paths: * ** ? [a-z] [!a] {a,b} \x.
	Paths []Text `yaml:"paths" jsonschema:"minItems=1"`
	// Names are last path components, literally.
	Names []Text `yaml:"names" jsonschema:"minItems=1"`
	// Anonymous matches memfd, deleted and detached files.
	Anonymous Bool `yaml:"anonymous"`
}

// FileSection governs how files may be used.
type FileSection struct {
	At `yaml:"-"`
	// Default decides what no rule matches.
	Default Text `yaml:"default" jsonschema:"required,enum=Allow,enum=Audit,enum=Block"`
	// Rules in any order: Block wins over Audit, Audit over Allow.
	Rules []FileRule `yaml:"rules"`
}

// FileRule matches uses of files.
type FileRule struct {
	RuleHead
	// From restricts the rule to processes of a lineage.
	From *From `yaml:"from"`
	// Access lists the ways of use that the rule is about; setattr is chmod, chown, times and xattr; map is mapping as executable.
	Access []Text `yaml:"access" jsonschema:"minItems=1,required,enum=read,enum=write,enum=create,enum=delete,enum=rename,enum=link,enum=chmod,enum=chown,enum=times,enum=xattr,enum=setattr,enum=map"`
	// Paths are patterns of absolute canonical paths: * ** ? [a-z] [!a] {a,b} \x.
	Paths []Text `yaml:"paths" jsonschema:"minItems=1"`
	// Names are last path components, literally.
	Names []Text `yaml:"names" jsonschema:"minItems=1"`
	// Anonymous matches memfd, deleted and detached files.
	Anonymous Bool `yaml:"anonymous"`
}

// NetworkSection governs connections.
type NetworkSection struct {
	At `yaml:"-"`
	// Default decides what no rule matches: one word for both directions, or one for each.
	Default NetworkDefault `yaml:"default" jsonschema:"required"`
	// Rules in any order: Block wins over Audit, Audit over Allow.
	Rules []NetworkRule `yaml:"rules"`
}

// NetworkDefault is one action for both directions or a mapping with one for each.
type NetworkDefault struct {
	At
	Ingress, Egress Text
}

// directions is the long form of NetworkDefault.
type directions struct {
	At `yaml:"-"`
	// Ingress decides connections to the pod.
	Ingress Text `yaml:"ingress" jsonschema:"required,enum=Allow,enum=Audit,enum=Block"`
	// Egress decides connections from the pod.
	Egress Text `yaml:"egress" jsonschema:"required,enum=Allow,enum=Audit,enum=Block"`
}

func (d *NetworkDefault) decodeNode(n *Node, list *diag.List) bool {
	d.Place = n.Span
	switch n.Kind {
	case MapNode:
		var long directions
		ok := Decode(n, &long, list)
		d.Ingress, d.Egress = long.Ingress, long.Egress
		return ok
	case ScalarNode:
		ok := decodeText(n, &d.Ingress, fieldInfo{key: "default", words: []string{"Allow", "Audit", "Block"}}, list)
		d.Egress = d.Ingress
		return ok
	}
	list.Report(diag.WrongType, n.Span, fmt.Sprintf("default takes a word or a mapping, found %s", describe(n)), diag.Hint("write default: Block or default: {ingress: Block, egress: Allow}"))
	return false
}

// NetworkRule matches connections, datagrams and HTTP requests.
type NetworkRule struct {
	RuleHead
	// From restricts the rule to processes of a lineage.
	From *From `yaml:"from"`
	// Direction is seen from the pod, of the side that initiates; absent means both.
	Direction Text `yaml:"direction" jsonschema:"enum=Ingress,enum=Egress"`
	// Peers are the other sides; absent means any.
	Peers []Peer `yaml:"peers" jsonschema:"minItems=1"`
	// Ports are destination ports; absent means any.
	Ports []Port `yaml:"ports" jsonschema:"minItems=1"`
	// HTTP restricts the rule to HTTP requests.
	HTTP []HTTPMatch `yaml:"http" jsonschema:"minItems=1"`
	// Families are address families; absent means inet and inet6.
	Families []Text `yaml:"families" jsonschema:"minItems=1"`
	// Types are socket types; absent means any.
	Types []Text `yaml:"types" jsonschema:"minItems=1"`
}

// Peer is the other side of a connection, after service translation: pods by labels, addresses outside the cluster, a domain name, or the cluster's DNS.
type Peer struct {
	At `yaml:"-"`
	// PodSelector chooses pods by their labels, in the policy's namespace unless namespaceSelector is given.
	PodSelector *Selector `yaml:"podSelector"`
	// NamespaceSelector chooses namespaces by their labels.
	NamespaceSelector *Selector `yaml:"namespaceSelector"`
	// CIDR is a range of addresses outside the cluster.
	CIDR Text `yaml:"cidr"`
	// Except lists ranges within cidr that do not match.
	Except []Text `yaml:"except" jsonschema:"minItems=1"`
	// FQDN is a domain name; * stands for a part of one label.
	FQDN Text `yaml:"fqdn"`
	// DNS is "cluster": the cluster's DNS service.
	DNS Text `yaml:"dns" jsonschema:"enum=cluster"`
}

// Port is a destination port or a range of them.
type Port struct {
	At `yaml:"-"`
	// Protocol is TCP when absent.
	Protocol Text `yaml:"protocol" jsonschema:"enum=TCP,enum=UDP,enum=SCTP"`
	// Port is the first port; absent means all of the protocol.
	Port Number `yaml:"port"`
	// EndPort is the last port of a range.
	EndPort Number `yaml:"endPort"`
}

// HTTPMatch is a condition on one HTTP request.
type HTTPMatch struct {
	At `yaml:"-"`
	// Method such as GET; absent means any.
	Method Text `yaml:"method"`
	// Path is the whole path, without the query.
	Path Text `yaml:"path"`
	// PathPrefix is what the path begins with.
	PathPrefix Text `yaml:"pathPrefix"`
	// PathRegex is an RE2 expression that matches the whole path.
	PathRegex Text `yaml:"pathRegex"`
}

// SyscallSection governs system calls.
type SyscallSection struct {
	At `yaml:"-"`
	// Default decides what is neither in the base nor in a rule.
	Default Text `yaml:"default" jsonschema:"required,enum=Allow,enum=Audit,enum=Block"`
	// Base is RuntimeDefault (when absent) or None.
	Base Text `yaml:"base" jsonschema:"enum=RuntimeDefault,enum=None"`
	// Rules in any order: Block wins over Audit, Audit over Allow.
	Rules []SyscallRule `yaml:"rules"`
}

// SyscallRule matches system calls by name and arguments.
type SyscallRule struct {
	RuleHead
	// Names of system calls.
	Names []Text `yaml:"names" jsonschema:"minItems=1,required"`
	// Errno is what a Block returns; EPERM when absent.
	Errno Text `yaml:"errno"`
	// Args are conditions on arguments, ANDed.
	Args []Arg `yaml:"args" jsonschema:"minItems=1"`
}

// Arg compares one argument, an unsigned 64-bit number.
type Arg struct {
	At `yaml:"-"`
	// Index of the argument, 0 to 5.
	Index Number `yaml:"index" jsonschema:"required"`
	// Op is the comparison; maskedEq compares the argument's bits of mask.
	Op Text `yaml:"op" jsonschema:"required,enum=eq,enum=ne,enum=lt,enum=le,enum=gt,enum=ge,enum=maskedEq"`
	// Value to compare with.
	Value Number `yaml:"value" jsonschema:"required"`
	// Mask of maskedEq.
	Mask Number `yaml:"mask"`
}

// CapabilitySection governs the use of Linux capabilities.
type CapabilitySection struct {
	At `yaml:"-"`
	// Default decides what no rule matches.
	Default Text `yaml:"default" jsonschema:"required,enum=Allow,enum=Audit,enum=Block"`
	// Rules in any order: Block wins over Audit, Audit over Allow.
	Rules []CapabilityRule `yaml:"rules"`
}

// CapabilityRule matches uses of capabilities.
type CapabilityRule struct {
	RuleHead
	// From restricts the rule to processes of a lineage.
	From *From `yaml:"from"`
	// Names of capabilities without CAP_.
	Names []Text `yaml:"names" jsonschema:"minItems=1,required"`
}

// SystemSection governs operations that have no object of the other sections.
type SystemSection struct {
	At `yaml:"-"`
	// Rules in any order: Block wins over Audit, Audit over Allow.
	Rules []SystemRule `yaml:"rules" jsonschema:"required"`
}

// SystemRule matches operations on the system.
type SystemRule struct {
	RuleHead
	// From restricts the rule to processes of a lineage.
	From *From `yaml:"from"`
	// Operations that the rule is about.
	Operations []Text `yaml:"operations" jsonschema:"minItems=1,required,enum=mount,enum=userns,enum=bpf,enum=ptrace,enum=module,enum=io_uring,enum=signal"`
}

// Accept names a gap in enforcement that the authors know of.
type Accept struct {
	At `yaml:"-"`
	// Rule is section/name, section/default, syscalls/base, or section/* for a whole section.
	Rule Text `yaml:"rule" jsonschema:"required"`
	// Target is the back-end that has the gap; absent means all.
	Target Text `yaml:"target"`
	// Reason says why this is acceptable.
	Reason Text `yaml:"reason" jsonschema:"required"`
}
