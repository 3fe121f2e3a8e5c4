// SPDX-License-Identifier: Apache-2.0

package view

// Unit is a container in effect: all enforced policies that govern it together.
// Its place is the container's name or, without a workload, the policy's.
type Unit struct {
	Node
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// Policies are the enforced ones, as namespace/name; Audits those in mode Audit.
	Policies []string `json:"policies"`
	Audits   []string `json:"audits"`
	// Workload and Container are absent when no workloads were given.
	Workload  *Workload  `json:"workload,omitempty"`
	Container *Container `json:"container,omitempty"`

	// A section is absent when no enforced policy governs it.
	Process      *UnitPaths        `json:"process,omitempty"`
	File         *UnitPaths        `json:"file,omitempty"`
	Network      *UnitNetwork      `json:"network,omitempty"`
	Syscalls     *UnitSyscalls     `json:"syscalls,omitempty"`
	Capabilities *UnitCapabilities `json:"capabilities,omitempty"`
	System       *UnitSystem       `json:"system,omitempty"`

	// Lineage has the domains: what the unit keeps of a process's history.
	Lineage Lineage `json:"lineage"`
	// Droppers are files that may be both written and executed, one for each
	// rule that lets some be executed.
	Droppers []Dropper `json:"droppers"`
}

// Workload is what a unit's container belongs to.
type Workload struct {
	Node
	Kind        string `json:"kind"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	HostNetwork bool   `json:"hostNetwork"`
}

// Container is what its manifest says.
type Container struct {
	Node
	Name string `json:"name"`
	// Kind is the key of the list that it stands in.
	Kind       string `json:"kind" jsonschema:"enum=containers,enum=initContainers,enum=ephemeralContainers"`
	Privileged bool   `json:"privileged"`
	// NoNewPrivileges holds when allowPrivilegeEscalation is false.
	NoNewPrivileges bool     `json:"noNewPrivileges"`
	Add             []string `json:"add"`
	Drop            []string `json:"drop"`
	// SeccompProfile, AppArmorProfile and SELinuxType are those that the manifest asks for.
	SeccompProfile  string `json:"seccompProfile"`
	AppArmorProfile string `json:"appArmorProfile"`
	SELinuxType     string `json:"selinuxType"`
}

// Verdict is what is decided about something.
type Verdict struct {
	// Node is the place of the rule or default that decided.
	Node
	Action string `json:"action" jsonschema:"enum=Allow,enum=Audit,enum=Block"`
	// Rule is section/name or section/default.
	Rule string `json:"rule"`
	// Conditional says that it is decided so for some processes alone.
	Conditional bool `json:"conditional"`
}

// UnitPaths is process or file in effect.
type UnitPaths struct {
	Default Verdict `json:"default"`
	// Paths has what rules let the process that may do most do with each path that
	// a guardrail asks about by a parameter `paths`: exec in process, read and
	// write in file. What is blocked, or left to the default, is absent.
	Paths []PathVerdict `json:"paths"`
}

// PathVerdict is a verdict on one use of one path.
type PathVerdict struct {
	Path   string `json:"path"`
	Access string `json:"access" jsonschema:"enum=exec,enum=read,enum=write"`
	Verdict
}

// UnitNetwork is network in effect.
type UnitNetwork struct {
	Ingress Verdict `json:"ingress"`
	Egress  Verdict `json:"egress"`
	// DNS says whether queries to the cluster's DNS pass.
	DNS bool `json:"dns"`
	// Destinations are the rules that let connections out, with the kinds of
	// their peers: none means any.
	Destinations []Destination `json:"destinations"`
	// Metadata is the verdict on connections to 169.254.169.254, where clouds
	// give credentials to whoever asks.
	Metadata Verdict `json:"metadata"`
}

// UnitSyscalls is syscalls in effect.
type UnitSyscalls struct {
	Default Verdict `json:"default"`
	// RuntimeDefault says that the runtime's own profile stays in force.
	RuntimeDefault bool `json:"runtimeDefault"`
	// Base is the place of what says so.
	Base At `json:"base"`
	// Named has the calls that rules allow or block for at least some arguments.
	Named []NamedVerdict `json:"named"`
}

// NamedVerdict is a verdict on a name. It is conditional when it depends on
// arguments or on the process.
type NamedVerdict struct {
	Name string `json:"name"`
	Verdict
}

// UnitCapabilities is capabilities in effect.
type UnitCapabilities struct {
	Default Verdict `json:"default"`
	// Usable are those that some process may use, by name.
	Usable []NamedVerdict `json:"usable"`
}

// UnitSystem is system in effect.
type UnitSystem struct {
	// Usable are the operations that some process may do.
	Usable []NamedVerdict `json:"usable"`
}

// Lineage is what is kept of a process's history, of at most 64 bits.
type Lineage struct {
	Bits int `json:"bits"`
	// Rules are those that hold for some processes alone.
	Rules []LineageRule `json:"rules"`
}

// LineageRule is a rule with a condition on the lineage.
type LineageRule struct {
	Node
	ID     string `json:"id"`
	Action string `json:"action" jsonschema:"enum=Allow,enum=Audit,enum=Block"`
	// Programs are those of the paths that guardrails ask about that can meet the
	// condition on the current image.
	Programs []string `json:"programs"`
	// Narrowed says that the condition is also about earlier images.
	Narrowed bool `json:"narrowed"`
}

// Dropper is a file that may be both written and executed.
type Dropper struct {
	// Node is the place of what lets it be executed.
	Node
	Path string `json:"path"`
	// Exec and Write are the rules or defaults that decide.
	Exec  string `json:"exec"`
	Write string `json:"write"`
	// WriteAt is the place of what lets it be written.
	WriteAt At `json:"writeAt"`
}

// Destination is a rule that lets connections out.
type Destination struct {
	Node
	Rule  string   `json:"rule"`
	Kinds []string `json:"kinds"`
}
