// SPDX-License-Identifier: Apache-2.0

// Package lsmdiffer compares what the programs of the eBPF LSM decide with what policies mean: random policies are compiled
// and loaded by the node loader, several at once, and processes of random lineages try everything that `process` and `file`
// speak of. What the reference interpreter, the Go reader of images and a kernel say of each attempt must be the same.
//
// It is for tests alone. The package itself is what the host and the program in the folder guest tell each other; how
// attempts are drawn and judged is in the tests.
package lsmdiffer

import "github.com/avert-dev/avert/bpf"

// Job is what a guest does.
type Job struct {
	Containers []Container
	Steps      []Step
}

// Container is a world of files and a cgroup.
type Container struct {
	// Image is a file of the guest with the policy that governs it from the beginning.
	Image string
	// Mounts are folders where other file systems are mounted, and Binds those where another folder of the world is.
	Mounts, Binds []string
}

// Do is what a step does.
type Do string

// What is no attempt. Every container has a stack of processes, of which the last one acts.
const (
	// Fork makes the child act, and Exit the process before.
	Fork Do = "fork"
	Exit Do = "exit"
	// Swap loads the image From.Path, as a new revision.
	Swap Do = "swap"
	// SwapBack does so and then puts the table of the revision before in force again: a defect to be found.
	SwapBack Do = "swap and go back"
	// LoseForks detaches the program that gives the label of a process to its children: a defect to be found.
	LoseForks Do = "lose forks"
)

// Executions. Start makes a process in the container and has it execute its first program; the others replace the image.
const (
	Start    Do = "start"
	Exec     Do = "exec"
	ExecAt   Do = "execveat"                   // by a descriptor
	ExecLink Do = "exec through symbolic link" // which is at Spelled
)

// Attempts that use one file.
const (
	Read        Do = "open for reading"
	Write       Do = "open for writing"
	ReadWrite   Do = "open for both"
	Append      Do = "open for appending"
	OpenTrunc   Do = "open with O_TRUNC"
	Truncate    Do = "truncate"
	Create      Do = "open with O_CREAT"
	Mkdir       Do = "mkdir"
	Mknod       Do = "mknod"
	Symlink     Do = "symlink"
	Unlink      Do = "unlink"
	Rmdir       Do = "rmdir"
	Chmod       Do = "chmod"
	Fchmod      Do = "fchmod"
	Chown       Do = "chown"
	Lchown      Do = "lchown"
	Fchown      Do = "fchown"
	Utimes      Do = "utimensat"
	Touch       Do = "utimensat to now"
	Futimes     Do = "futimens"
	Setxattr    Do = "setxattr"
	Fsetxattr   Do = "fsetxattr"
	Removexattr Do = "removexattr"
	SetACL      Do = "setxattr of an access control list"
	Mmap        Do = "mmap"
	Mprotect    Do = "mprotect"
)

// Attempts that give From the name To.
const (
	Rename    Do = "rename"
	Noreplace Do = "renameat2 with RENAME_NOREPLACE"
	Exchange  Do = "renameat2 with RENAME_EXCHANGE"
	Link      Do = "link"
)

// Attempts that are operations of `system`. They have no effect but the last, which is the process's own.
const (
	Mount   Do = "mount of an unknown file system"
	BPF     Do = "bpf with an unknown command"
	NewUser Do = "unshare of the user namespace"
)

// Kind is what an object is before the attempt, and is made to be.
type Kind uint8

// The kinds.
const (
	Absent Kind = iota
	File
	Folder
	SymbolicLink
	Pipe
	Program
	// Script is run by the program Interpreter.
	Script
	// Fixture is a folder that is there anyway.
	Fixture
	// Memory is a file without a name (memfd_create), and Deleted one that has lost it; PipeFD is an unnamed pipe.
	Memory
	Deleted
	PipeFD
	// Foreign is a file of the node's own tree, of which a container has a descriptor.
	Foreign
)

// ByDescriptor says that an object is used through a descriptor.
func (k Kind) ByDescriptor() bool { return k >= Memory }

// Object is a file.
type Object struct {
	Kind Kind
	// Path is where it is in the container, and Spelled how the process names it.
	Path, Spelled string
	Interpreter   string
}

// Step is one step of a container.
type Step struct {
	Container int
	Do        Do
	From, To  Object
	// Passes says of an execution that the image is to be replaced; if it is not as it says, the rest of the container's steps
	// mean nothing.
	Passes bool
}

// Outcome is what became of a step.
type Outcome struct {
	// Skipped says that an execution before ended in another way than it should.
	Skipped bool
	// Errno is the error of the system call that was to be refused, or 0.
	Errno int
	// Changed says that the objects are not what they were before.
	Changed bool
	// Reports are what the programs reported.
	Reports []Report
}

// Report is a record of the programs.
type Report struct {
	Event bpf.Event
	Paths [2]string
}

const (
	// Deep is how many folders named d lie in one another in every world.
	Deep = 200
	// RootLink is a symbolic link to the root in every world.
	RootLink = "/.link"
	// Bound is the folder that is also at Container.Binds.
	Bound = "/.bound"
)

// Mark begins the line of the guest's output that is its outcomes: gob, compressed, in base64.
const Mark = "avert-lsmdiffer-outcomes "
