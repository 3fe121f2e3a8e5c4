// SPDX-License-Identifier: Apache-2.0

package view

// APIVersion is that of every view. Within a version fields are added, and
// keep their meaning.
const APIVersion = "avert.dev/view/v1"

// View is what a guardrail sees as `input`: one subject, and the node pools.
// Of Policy, Unit and Pool one is present.
type View struct {
	// APIVersion is avert.dev/view/v1.
	APIVersion string `json:"apiVersion" jsonschema:"enum=avert.dev/view/v1"`
	// Today is the date of the run in UTC, such as 2026-11-24.
	Today string `json:"today"`
	// Policy is one RuntimePolicy as it is written.
	Policy *Policy `json:"policy,omitempty"`
	// Unit is one container with everything that governs it or, where no
	// workloads were given, one policy in effect.
	Unit *Unit `json:"unit,omitempty"`
	// Pool is one node pool.
	Pool *Pool `json:"pool,omitempty"`
	// Pools are those that a policy or unit is compiled for.
	Pools []*Pool `json:"pools,omitempty"`
	// Positions are the places that `at` refers to, as file:line:column. They
	// are printed for people and absent while guardrails are evaluated.
	Positions []string `json:"positions,omitempty"`
}

// At refers to a place in a source. A finding returns the one of the node that
// it is about. 0 is no place.
type At int

// Node is what everything that stands in a source has.
type Node struct {
	// At is returned by findings about the node.
	At At `json:"at"`
}

// Policy is a RuntimePolicy.
type Policy struct {
	Node
	// ID is namespace/name.
	ID        string `json:"id"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Mode is Enforce or Audit.
	Mode     string        `json:"mode" jsonschema:"enum=Enforce,enum=Audit"`
	Selector []Requirement `json:"selector"`
	// Containers narrows every section but network; empty means all.
	Containers []string `json:"containers"`
	// A section is absent when the policy does not have it.
	Process      *PathSection       `json:"process,omitempty"`
	File         *PathSection       `json:"file,omitempty"`
	Network      *NetworkSection    `json:"network,omitempty"`
	Syscalls     *SyscallSection    `json:"syscalls,omitempty"`
	Capabilities *CapabilitySection `json:"capabilities,omitempty"`
	System       *SystemSection     `json:"system,omitempty"`
	Accepts      []Accept           `json:"accepts"`
}

// Requirement is a condition on a label. Requirements are ANDed.
type Requirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator" jsonschema:"enum=In,enum=NotIn,enum=Exists,enum=DoesNotExist"`
	Values   []string `json:"values"`
}

// Default is that of a section: Node is its place.
type Default struct {
	Node
	Action string `json:"action" jsonschema:"enum=Allow,enum=Audit,enum=Block"`
	// Held has an entry for each pool and back-end that answers for the default.
	Held []Held `json:"held"`
}

// Rule is what the rules of all sections have in common.
type Rule struct {
	Node
	// ID is section/name.
	ID     string `json:"id"`
	Name   string `json:"name"`
	Action string `json:"action" jsonschema:"enum=Allow,enum=Audit,enum=Block"`
	Quiet  bool   `json:"quiet"`
	// From is absent when the rule is for every process.
	From *From  `json:"from,omitempty"`
	Held []Held `json:"held"`
}

// Held says how one back-end of one pool holds a rule. Of several containers it
// is the weakest answer.
type Held struct {
	Pool   string `json:"pool"`
	Target string `json:"target"`
	Status string `json:"status" jsonschema:"enum=exact,enum=looser,enum=stricter,enum=none"`
	Reason string `json:"reason"`
}

// From is a condition on the lineage of a process, as patterns.
type From struct {
	Exe      []string `json:"exe"`
	Parent   []string `json:"parent"`
	Ancestor []string `json:"ancestor"`
}

// Text is a pattern or word with its place.
type Text struct {
	Node
	Text string `json:"text"`
}

// PathSection is process or file.
type PathSection struct {
	Default Default    `json:"default"`
	Rules   []PathRule `json:"rules"`
}

// PathRule is a rule of process or file.
type PathRule struct {
	Rule
	Paths []Text `json:"paths"`
	Names []Text `json:"names"`
	// Access is [exec] in process.
	Access    []string `json:"access"`
	Anonymous bool     `json:"anonymous"`
}

// NetworkSection is network. Its default is that of the stricter direction.
type NetworkSection struct {
	Default Default       `json:"default"`
	Ingress string        `json:"ingress" jsonschema:"enum=Allow,enum=Audit,enum=Block"`
	Egress  string        `json:"egress" jsonschema:"enum=Allow,enum=Audit,enum=Block"`
	Rules   []NetworkRule `json:"rules"`
}

// NetworkRule is a rule of network. Empty lists are no conditions.
type NetworkRule struct {
	Rule
	// Direction is empty for both.
	Direction string   `json:"direction" jsonschema:"enum=,enum=Ingress,enum=Egress"`
	Peers     []Peer   `json:"peers"`
	Ports     []Port   `json:"ports"`
	HTTP      []HTTP   `json:"http"`
	Families  []string `json:"families"`
	Types     []string `json:"types"`
}

// Peer is the other side of a connection.
type Peer struct {
	Node
	Kind string `json:"kind" jsonschema:"enum=pods,enum=cidr,enum=fqdn,enum=dns"`
	// Pods and Namespaces are absent when the peer does not narrow them.
	Pods       []Requirement `json:"pods,omitempty"`
	Namespaces []Requirement `json:"namespaces,omitempty"`
	// AllPods and AllNamespaces hold when a selector is empty or absent.
	AllPods       bool     `json:"allPods"`
	AllNamespaces bool     `json:"allNamespaces"`
	CIDR          string   `json:"cidr,omitempty"`
	Bits          int      `json:"bits"`
	Except        []string `json:"except"`
	FQDN          string   `json:"fqdn,omitempty"`
}

// Port is a range of destination ports; port 0 is all of the protocol.
type Port struct {
	Node
	Protocol string `json:"protocol"`
	Port     int    `json:"port"`
	EndPort  int    `json:"endPort"`
}

// HTTP is a condition on requests.
type HTTP struct {
	Node
	Method     string `json:"method"`
	Path       string `json:"path"`
	PathPrefix string `json:"pathPrefix"`
	PathRegex  string `json:"pathRegex"`
}

// SyscallSection is syscalls. Base has the place of the key, or of the section.
type SyscallSection struct {
	Default Default       `json:"default"`
	Base    Base          `json:"base"`
	Rules   []SyscallRule `json:"rules"`
}

// Base is RuntimeDefault or None.
type Base struct {
	Node
	Value string `json:"value" jsonschema:"enum=RuntimeDefault,enum=None"`
}

// SyscallRule is a rule of syscalls.
type SyscallRule struct {
	Rule
	Names []Text `json:"names"`
	Errno int    `json:"errno"`
	Args  []Arg  `json:"args"`
}

// Arg is a condition on an argument. Numbers are text, as they have 64 bits.
type Arg struct {
	Index int    `json:"index"`
	Op    string `json:"op"`
	Value string `json:"value"`
	Mask  string `json:"mask"`
}

// CapabilitySection is capabilities.
type CapabilitySection struct {
	Default Default          `json:"default"`
	Rules   []CapabilityRule `json:"rules"`
}

// CapabilityRule is a rule of capabilities. Names have no CAP_.
type CapabilityRule struct {
	Rule
	Names []Text `json:"names"`
}

// SystemSection is system.
type SystemSection struct {
	Rules []SystemRule `json:"rules"`
}

// SystemRule is a rule of system.
type SystemRule struct {
	Rule
	Operations []string `json:"operations"`
}

// Accept is a gap that the policy accepts.
type Accept struct {
	Node
	Rule   string `json:"rule"`
	Target string `json:"target"`
	Reason string `json:"reason"`
}

// Pool is a node pool.
type Pool struct {
	Node
	Name          string   `json:"name"`
	Kernel        Version  `json:"kernel"`
	LSM           []string `json:"lsm"`
	Architectures []string `json:"architectures"`
	Kubernetes    Version  `json:"kubernetes"`
	CNI           Software `json:"cni"`
	Runtime       Software `json:"runtime"`
	// Targets are the back-ends that the pool uses.
	Targets []string `json:"targets"`
	// Takes are those that it could use.
	Takes []string `json:"takes"`
}

// Version is the number of a release; zeros when it is not known.
type Version struct {
	Major int `json:"major"`
	Minor int `json:"minor"`
}

// Software is a component of a pool.
type Software struct {
	Name    string  `json:"name"`
	Version Version `json:"version"`
}
