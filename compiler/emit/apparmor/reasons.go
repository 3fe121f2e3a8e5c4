// SPDX-License-Identifier: Apache-2.0

package apparmor

// What AppArmor lets pass although the policy says Block. The tests of the kernel
// read these sentences: a difference that none of them announces is a failure.
const (
	ReasonInterpreter = "the interpreter of a #! script is not checked, nor known as the image that runs"
	ReasonCarry       = "a file, or a directory above it, can be renamed or linked out of the rule's reach"
	ReasonLineage     = "which image runs is known of programs that rules name without wildcards, not of the container's first process"
	ReasonLimit       = "lineages beyond the limits of 12 targets and 64 profiles are not told apart"
	ReasonBundle      = "write, create, delete, chmod and chown are one permission, which rename needs too"
	ReasonUnmediated  = "times and extended attributes are not mediated"
	ReasonAnonymous   = "memfd and deleted files are named like others"
	ReasonLink        = "which files may be linked is not told apart, only where their new names may be"
	ReasonImage       = "every program may be read and mapped by whatever changed domain, since the kernel asks the new domain for its image"
	ReasonLoader      = "no dynamic loader is refused, since a rule allows one"
	reasonPeers       = "AppArmor mediates families of sockets, not peers or ports, and inet sockets are also used for loopback and replies"
	reasonUnknown     = "apparmor_parser does not know every family or type of the rule"
	reasonMountFD     = "mounts made through descriptors (open_tree, fsmount) are refused only when they are attached, and before kernel 6.7 not at all"
	reasonTasks       = "domains of one container may signal and trace each other"
	reasonShared      = "containers with the same profile count as one"
	reasonSystem      = "AppArmor mediates mount, ptrace and signal, not userns, bpf, module and io_uring"
)

// What AppArmor refuses although the policy allows it: too narrow to leave a rule
// out for it.
const (
	RefusesRename = "a rename needs read, so what may not be read is not renamed"
	RefusesLink   = "a hard link to a program must lead to the same domain as the program"
	RefusesScript = "a #! script counts as the image that runs, and its interpreter does not"
	RefusesNNP    = "a program that sets no_new_privs by itself cannot start one that leads to another domain"
	RefusesImage  = "a program that may not be read or mapped is not started across a change of domain"
)

const privileged = "runtimes run privileged containers without an AppArmor profile"
