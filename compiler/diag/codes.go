// SPDX-License-Identifier: Apache-2.0

package diag

// Code is the stable name of a kind of diagnostic. Codes are never reused.
type Code string

// Codes. AV00 the text, AV01 the shape, AV02 values, AV03 meaning, AV04
// workloads and configuration, AV05 lowering, AV06 guardrails, AV07 import.
const (
	UnreadableInput   Code = "AV0001"
	InvalidYAML       Code = "AV0002"
	DuplicateKey      Code = "AV0003"
	TooLarge          Code = "AV0004"
	InvalidText       Code = "AV0005"
	UnknownKey        Code = "AV0101"
	WrongType         Code = "AV0102"
	MissingKey        Code = "AV0103"
	UnknownKind       Code = "AV0104"
	ConflictingKeys   Code = "AV0105"
	InvalidName       Code = "AV0201"
	UnknownWord       Code = "AV0202"
	InvalidPattern    Code = "AV0203"
	UnknownSyscall    Code = "AV0204"
	UnknownCapability Code = "AV0205"
	InvalidPort       Code = "AV0206"
	InvalidCIDR       Code = "AV0207"
	InvalidHTTP       Code = "AV0208"
	InvalidDomainName Code = "AV0209"
	InvalidArgument   Code = "AV0210"
	InvalidSelector   Code = "AV0211"
	InvalidErrno      Code = "AV0212"
	InvalidVersion    Code = "AV0213"
	InvalidOperation  Code = "AV0214"
	DuplicateName     Code = "AV0301"
	ShadowedRule      Code = "AV0302"
	DuplicateRule     Code = "AV0303"
	DeadRule          Code = "AV0304"
	Contradiction     Code = "AV0305"
	MissingTwin       Code = "AV0306"
	InitSyscalls      Code = "AV0307"
	AboveFloor        Code = "AV0308"
	UnusedAccept      Code = "AV0309"
	StateBudget       Code = "AV0310"
	LineageBudget     Code = "AV0311"
	DNSMissing        Code = "AV0312"
	OverlappingPolicy Code = "AV0313"
	NoWorkload        Code = "AV0401"
	UnknownTarget     Code = "AV0402"
	PoolMismatch      Code = "AV0403"
	NameCollision     Code = "AV0404"
	UnreadWorkload    Code = "AV0405"
	Gap               Code = "AV0501"
	Stricter          Code = "AV0502"
	InvalidRule       Code = "AV0601"
	RunawayRule       Code = "AV0602"
	UnknownRule       Code = "AV0603"
	InvalidWaiver     Code = "AV0604"
	ExpiredWaiver     Code = "AV0605"
	InvalidIgnore     Code = "AV0606"
	UnusedIgnore      Code = "AV0607"
	NotImported       Code = "AV0701"
)

// Entry documents a code.
type Entry struct {
	Code     Code
	Severity Severity
	// Title is the kind of finding in a few words.
	Title string
	// Text says why it matters and what to do.
	Text string
}

// Catalogue lists every code in order. docs/diagnostics.md is generated from it.
var Catalogue = []Entry{
	{UnreadableInput, Error, "input cannot be read", "A file or folder that was named cannot be read, is not a regular file, or is part of a loop of symbolic links. Nothing is compiled from the rest, since a policy that was left out would not be enforced."},
	{InvalidYAML, Error, "not valid YAML", "The text is not YAML. The position is where the parser gave up; the cause is often one line above."},
	{DuplicateKey, Error, "key given twice", "A mapping names one key twice. Parsers disagree on which one counts, so neither does."},
	{TooLarge, Error, "input too large", "A file, its nesting, or what its aliases expand to is beyond the limits (16 MiB a file, depth 100, 1,000,000 nodes a document, 1,000 findings). Split the policy."},
	{InvalidText, Error, "not readable text", "YAML is UTF-8 text without control characters, and a line ends where an editor shows its end. Bytes of a path that are not UTF-8 cannot be written in a policy; use `?` for each."},
	{UnknownKey, Error, "unknown key", "A key that does not exist would be silently without effect, so it is an error. The hint names the closest one."},
	{WrongType, Error, "wrong type", "The value is not of the type that the key takes. A word such as `yes` or `0123` may need quotes."},
	{MissingKey, Error, "required key missing", "A required key is absent. Defaults of sections are explicit: one Allow rule never turns a section into a default of Block by itself."},
	{UnknownKind, Error, "unknown kind", "The document's apiVersion and kind are not one that avert reads. Other Kubernetes objects may stand beside policies and are passed over; a document of avert.dev with an unknown kind is an error."},
	{ConflictingKeys, Error, "keys that exclude each other", "Two keys of one object cannot be combined."},
	{InvalidName, Error, "invalid name", "A name is not a valid DNS label or rule name. Names become parts of file names and of Kubernetes objects."},
	{UnknownWord, Error, "unknown word", "The value is not one of the words that the key takes."},
	{InvalidPattern, Error, "invalid or impossible pattern", "A path pattern is malformed, or matches no canonical absolute path. Paths have no `.`, `..`, `//` or trailing `/`."},
	{UnknownSyscall, Error, "unknown system call", "The system call exists on none of the pool's architectures. Container runtimes ignore unknown names silently, so the rule would be without effect."},
	{UnknownCapability, Error, "unknown capability", "No such Linux capability. Names are written without CAP_."},
	{InvalidPort, Error, "invalid port", "Ports are 1 to 65535, and endPort is not below port."},
	{InvalidCIDR, Error, "invalid address range", "A range is a network address with a prefix length and no host bits; an exception lies within its range."},
	{InvalidHTTP, Error, "invalid HTTP match", "Methods are those of RFC 9110 and RFC 5789; a path begins with `/` and has no query; a regular expression must compile (RE2). HTTP matches need TCP ports."},
	{InvalidDomainName, Error, "invalid domain name", "A name as in RFC 1123; `*` stands for a part of one label."},
	{InvalidArgument, Error, "invalid argument condition", "A system call has arguments 0 to 5, which are 64-bit numbers."},
	{InvalidSelector, Error, "invalid selector", "Labels and operators are those of Kubernetes: In and NotIn take values, Exists and DoesNotExist take none."},
	{InvalidErrno, Error, "unknown errno", "No such error number of Linux."},
	{InvalidVersion, Error, "invalid version", "A version is numbers separated by dots, such as \"6.1\". Quote it: YAML reads 1.30 as the number 1.3."},
	{InvalidOperation, Error, "not an operation", "A test asks about an operation in words, such as `exec /usr/bin/id by /usr/bin/dash`; docs/testing.md lists them. One that cannot be read would test nothing."},
	{DuplicateName, Error, "name used twice", "Two rules of a section or two policies of a namespace have the same name; findings, alerts and accept entries could not tell them apart."},
	{ShadowedRule, Warning, "rule shadowed by a Block", "Block always wins, so an Allow or Audit rule whose every match is also matched by a Block rule has no effect."},
	{DuplicateRule, Warning, "duplicate rule", "Two rules decide the same in the same cases. One can go."},
	{DeadRule, Warning, "rule that matches nothing", "No operation can match the rule: its conditions exclude each other, or the section's default decides the same anyway."},
	{Contradiction, Warning, "policies contradict each other", "Two policies that select one container decide one operation differently. Block wins."},
	{MissingTwin, Warning, "pattern without its /usr twin", "On most images /bin, /sbin and /lib are symbolic links into /usr, and the kernel sees the path after links. Write both, such as `/{usr/,}bin/sh`."},
	{InitSyscalls, Error, "allow-list without what the runtime needs", "The container runtime installs the filter before it executes the entrypoint and needs some calls itself. Without them the container dies at start."},
	{AboveFloor, Warning, "allows more than the floor", "The runtime's default profile stays in force under `base: RuntimeDefault`, so adding a policy never weakens a pod. The rule allows a call that this floor denies and has no effect."},
	{UnusedAccept, Warning, "accept without a gap", "An accept entry names a rule that does not exist or a gap that there is not. It would hide the next one."},
	{StateBudget, Error, "patterns too complex", "The patterns together need more automaton states than the budget allows. The patterns to blame are named; wildcards followed by many single-byte wildcards double the states with each byte."},
	{LineageBudget, Error, "too many from conditions", "The lineage of a process is kept in 64 bits. This policy needs more."},
	{DNSMissing, Warning, "FQDN without DNS", "A name must be resolved before it can be connected to. DNS is allowed by a rule or not at all."},
	{OverlappingPolicy, Error, "policies may select one pod", "Without workloads as input each policy is compiled alone, and a container carries only one profile of a kind. These two may select the same pod; give the workloads, or make the selectors disjoint."},
	{NoWorkload, Warning, "policy selects no workload", "Workloads were given and the policy selects none of them, or names a container that none of them has."},
	{UnknownTarget, Error, "unknown target or pool", "The configuration or the command line names a target or a pool that does not exist."},
	{PoolMismatch, Error, "pool cannot take the target", "The declared node pool lacks what a target needs, or declares what excludes each other."},
	{NameCollision, Error, "generated names collide", "Two policies would generate the same file name. Rename one."},
	{UnreadWorkload, Warning, "pods of a kind that is not read", "The object has a pod template, but its kind is not one of those that avert reads, so nothing is attached to its pods and their containers are not judged."},
	{Gap, Error, "gap in enforcement", "A Block or a default of Block that no back-end of the pool holds exactly. Choose another target, or say in `accept` why this is acceptable."},
	{Stricter, Error, "a back-end would block more than the policy", "The back-end can only enforce more than the rule says. This is done only by opt-in."},
	{InvalidRule, Error, "guardrail that cannot be used", "A rule in Rego does not parse or compile, lacks METADATA, calls what guardrails may not call, or returns something that is no finding. No guardrail is judged until it is mended, since those that are left would not say what was missed."},
	{RunawayRule, Error, "guardrail stopped", "A rule took more time or memory for one policy, container or pool than rules may take, and was stopped. It is judged no more in this run."},
	{UnknownRule, Error, "unknown guardrail", "The configuration, a waiver or a comment names a guardrail that does not exist, or a parameter that it does not have. `avert rules` lists them."},
	{InvalidWaiver, Error, "invalid waiver", "A waiver says for which files and until which day a guardrail does not count, why, and who answers for it."},
	{ExpiredWaiver, Error, "waiver expired", "The last day of a waiver is over. What it excepted is found again; mend that, or decide anew."},
	{InvalidIgnore, Error, "suppression without a reason", "A comment that suppresses a finding is written `# avert:ignore RULE: reason`, on the line of the finding or the one above."},
	{UnusedIgnore, Warning, "suppression without a finding", "A comment suppresses a guardrail that finds nothing there. It would hide the next finding."},
	{NotImported, Warning, "not carried over", "What is imported says something that a RuntimePolicy cannot say, or that avert does not know. It is left out, and a comment says so where it stood; a rule that would mean something else without it is left out whole."},
}

var entries = func() map[Code]*Entry {
	m := make(map[Code]*Entry, len(Catalogue))
	for i := range Catalogue {
		m[Catalogue[i].Code] = &Catalogue[i]
	}
	return m
}()

// Severity returns the severity of the code; Error for one that is not in the
// catalogue, so that a mistake fails closed.
func (c Code) Severity() Severity {
	if e := entries[c]; e != nil {
		return e.Severity
	}
	return Error
}
