// SPDX-License-Identifier: Apache-2.0

package ruletable

import (
	"github.com/avert-dev/avert/compiler/policy"
)

// Version is that of the format. A reader refuses any other.
const Version = 1

// Table is what is known of the rules of one unit. It is immutable and safe for
// concurrent use.
type Table struct {
	Version int `json:"version"`
	// Unit names the unit as its artifacts do.
	Unit      string `json:"unit"`
	Namespace string `json:"namespace"`
	// Label is what kernels call the unit: the name of its AppArmor profile
	// without what follows "//", or its SELinux type.
	Label string `json:"label"`
	// Lineage lists the atoms: each is a list of patterns of some `from` field.
	Lineage [][]string `json:"lineage,omitempty"`
	// Domains say what the profile of a domain tells about the lineage.
	Domains []Domain `json:"domains,omitempty"`
	// Policies are in file and document order.
	Policies []*Policy `json:"policies"`

	atoms []*patterns
}

// Domain is a set of processes that a profile stands for: those of whose
// lineage these atoms of the enforced policies hold, by field of `from`. Of the
// others none holds, but for those that may.
type Domain struct {
	// Name is the last part of the profile's name, such as "d3".
	Name     string `json:"name"`
	Exe      []int  `json:"exe,omitempty"`
	Parent   []int  `json:"parent,omitempty"`
	Ancestor []int  `json:"ancestor,omitempty"`
	// Atoms of which the profile does not tell whether they hold.
	MaybeExe      []int `json:"maybeExe,omitempty"`
	MaybeParent   []int `json:"maybeParent,omitempty"`
	MaybeAncestor []int `json:"maybeAncestor,omitempty"`
}

// Policy is one policy of the unit.
type Policy struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Mode is "Enforce" or "Audit".
	Mode string `json:"mode"`
	// File is the source as the compiler was given it, Line that of the policy's
	// name.
	File string `json:"file"`
	Line int    `json:"line"`
	// Revision is "sha256:" and the hash of the source file.
	Revision string    `json:"revision"`
	Defaults []Default `json:"defaults,omitempty"`
	// Rules are in document order within each section.
	Rules []*Rule `json:"rules,omitempty"`
}

// ID returns "namespace/name".
func (p *Policy) ID() string { return p.Namespace + "/" + p.Name }

// Default is that of a section, written or implied.
type Default struct {
	Section string `json:"section"`
	// Direction is "Ingress" or "Egress" for network, and absent elsewhere.
	Direction string `json:"direction,omitempty"`
	Action    string `json:"action"`
	Line      int    `json:"line"`

	section policy.Section
	action  policy.Action
}

// Rule is one rule. Which of the fields about objects are set depends on its
// section.
type Rule struct {
	// Rule is "section/name".
	Rule   string `json:"rule"`
	Action string `json:"action"`
	Line   int    `json:"line"`
	Quiet  bool   `json:"quiet,omitempty"`
	From   *From  `json:"from,omitempty"`

	Paths []string `json:"paths,omitempty"`
	// Access is absent for process.
	Access    []string `json:"access,omitempty"`
	Anonymous bool     `json:"anonymous,omitempty"`

	// Names are last components of paths, matched literally, or system calls,
	// capabilities, or operations of system.
	Names []string `json:"names,omitempty"`
	// Args says that a rule about system calls has conditions on arguments.
	Args bool `json:"args,omitempty"`

	Direction string   `json:"direction,omitempty"`
	Families  []string `json:"families,omitempty"`
	Types     []string `json:"types,omitempty"`
	Ports     []Ports  `json:"ports,omitempty"`
	CIDRs     []CIDR   `json:"cidrs,omitempty"`
	// Elsewhere says that the rule has conditions that no kernel sees: pods,
	// domain names, HTTP requests.
	Elsewhere bool `json:"elsewhere,omitempty"`

	section policy.Section
	action  policy.Action
	access  policy.Access
	paths   *patterns // Paths and Names
	loaders *patterns // those of Paths that name a dynamic loader
}

// From is the condition on the lineage: indices into Table.Lineage.
type From struct {
	Exe      *int `json:"exe,omitempty"`
	Parent   *int `json:"parent,omitempty"`
	Ancestor *int `json:"ancestor,omitempty"`
}

// Ports is a range of destination ports with both ends in it.
type Ports struct {
	Protocol string `json:"protocol"`
	First    uint16 `json:"first"`
	Last     uint16 `json:"last"`
}

// CIDR is a network without some parts of it.
type CIDR struct {
	CIDR   string   `json:"cidr"`
	Except []string `json:"except,omitempty"`
}
