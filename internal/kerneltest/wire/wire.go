// SPDX-License-Identifier: Apache-2.0

// Package wire has what the two sides of a kernel test tell each other: cases and outcomes. It is for kerneltest and its guest
// alone.
package wire

import "syscall"

// Case is a sequence of operations under profiles that are loaded before and removed after it.
type Case struct {
	// Blobs are binary policies as apparmor_parser writes them. Each is loaded at once and may hold several profiles.
	Blobs [][]byte
	// Profile is the label that processes enter with the exec of a Start; empty: they stay unconfined.
	Profile string
	// NoNewPrivs is set before the exec of a Start.
	NoNewPrivs bool
	Steps      []Step
}

// Op is what a step does.
type Op string

// Start ends the process of the steps before, removes all files, and starts a process which executes Path, as a container
// runtime does. A case begins with it.
const Start Op = "start"

// Bundle is the folder of the container of a Job with Runc, and Root that of its files.
const (
	Bundle = "/container"
	Root   = Bundle + "/rootfs"
)

// Executions. Become replaces the image of the process, so that the lineage grows; Spawn does so in a child, which ends.
// The others differ in how the program is named: At by Target relative to a descriptor of the folder Path, In by Target
// relative to the working folder Path, FD by a descriptor, MemFD without a file. Otherwise Target, if any, is the argument.
const (
	Become      Op = "become"
	BecomeAt    Op = "become-at"
	BecomeIn    Op = "become-in"
	BecomeFD    Op = "become-fd"
	BecomeMemFD Op = "become-memfd"
	Spawn       Op = "spawn"
	SpawnAt     Op = "spawn-at"
	SpawnIn     Op = "spawn-in"
	SpawnFD     Op = "spawn-fd"
	SpawnMemFD  Op = "spawn-memfd"
)

// Operations on files. Stages are given where an operation has several.
const (
	Read     Op = "read" // opens for reading
	Write    Op = "write"
	Append   Op = "append"
	Truncate Op = "truncate"
	Create   Op = "create"   // opens exclusively
	List     Op = "list"     // stage 0 opens the folder, 1 reads it
	Mkdir    Op = "mkdir"    //
	Mknod    Op = "mknod"    // a FIFO, or N[0] as mode and N[1] as device
	Symlink  Op = "symlink"  // at Path, pointing to Target
	Unlink   Op = "unlink"   //
	Rmdir    Op = "rmdir"    //
	Rename   Op = "rename"   // Path to Target
	Exchange Op = "exchange" // Path with Target
	Link     Op = "link"     // Target becomes a name of Path
	Chmod    Op = "chmod"
	Chown    Op = "chown" // to root, which needs no capability
	Times    Op = "times"
	Xattr    Op = "xattr"    // of users, or an access control list where the kernel's tmpfs has none
	Map      Op = "map"      // stage 0 opens for reading, 1 maps executable
	Mprotect Op = "mprotect" // stage 0 opens for reading, 1 maps for reading, 2 makes that executable
	// MapAnonymous maps memory writable and executable.
	MapAnonymous Op = "map-anonymous"
)

// Other operations.
const (
	// Socket has family, type and protocol in N.
	Socket Op = "socket"
	// Capability does something harmless for which the kernel wants the capability with the number N[0]; ENOSYS if the probe
	// knows nothing for it.
	Capability Op = "capability"

	Mount     Op = "mount" // a tmpfs at Path
	Bind      Op = "bind"  // Path at Target
	Move      Op = "move"  // the mount Path to Target
	Remount   Op = "remount"
	Propagate Op = "propagate" // makes the mount at Path private
	Umount    Op = "umount"
	PivotRoot Op = "pivot-root" // to Path, with the old root at Target
	MountFD   Op = "mount-fd"   // a tmpfs at Path; stages: fsopen, fsconfig, fsmount, move_mount
	OpenTree  Op = "open-tree"  // Path at Target; stages: open_tree, move_mount

	// Ptrace, VMRead (process_vm_readv) and Signal (number N[1]) are aimed at a child, or with the Target Outside at a
	// process outside of all profiles.
	Ptrace Op = "ptrace"
	VMRead Op = "vm-read"
	Signal Op = "signal"
	// Leave asks for no AppArmor profile at all, in a child.
	Leave Op = "leave"
	// UserNS makes a user namespace, in a child.
	UserNS Op = "userns"

	// Await waits until the command beside the cases has written a line with Path in it, after that of the Await before.
	Await Op = "await"
)

// Outside is the Target that means an unconfined process.
const Outside = "outside"

// Step is one operation, and the files that it needs. Strings are bytes without NUL.
type Step struct {
	Op           Op
	Path, Target string
	N            [3]int64
	// Setup files are made before the step, in this order, with their folders, in place of what was there. They and all that
	// operations make stay until the next Start.
	Setup []File
}

// File is something below the root of the guest, which has /proc and /sys and is otherwise empty. It belongs to root.
type File struct {
	Path string
	Kind Kind
	// Text is the interpreter of a Script, what a Symlink points to, and the content of the others.
	Text string
}

// Kind is what a File is.
type Kind int

// The kinds of files.
const (
	// Program is the static program that carries out the steps.
	Program Kind = iota
	// Dynamic is the same program, started with Loader by the kernel.
	Dynamic
	// Script starts with #! and its interpreter.
	Script
	// Regular is a file that is no program.
	Regular
	Dir
	Symlinked
	// Absent is nothing in a folder that exists: what was there is removed.
	Absent
	// Loader is the dynamic loader of the host.
	Loader
)

// LoaderPath is where a Dynamic program wants its loader.
const LoaderPath = "/lib64/ld-linux-x86-64.so.2"

// Outcome is what became of a step.
type Outcome struct {
	// Errno is the error of the system call that failed, or 0.
	Errno syscall.Errno
	// Stage is which of the system calls of the operation that was, from 0.
	Stage int
	// Killed is the signal that ended the process instead. Where it is the process of the case, the steps up to the next
	// Start are Gone.
	Killed syscall.Signal
	// Gone: there was no process for the step.
	Gone bool
}

// OK says whether the operation succeeded.
func (o Outcome) OK() bool { return o == Outcome{} }

func (o Outcome) String() string {
	switch {
	case o.Gone:
		return "no process"
	case o.Killed != 0:
		return "killed: " + o.Killed.String()
	case o.Errno != 0 && o.Stage > 0:
		return "stage " + string(rune('0'+o.Stage)) + ": " + o.Errno.Error()
	case o.Errno != 0:
		return o.Errno.Error()
	}
	return "ok"
}

// Job is what the host gives to the guest.
type Job struct {
	// Runc, if any, is the program that runs the container in Bundle for each Start, whose program must be the container's.
	// Files are then those of the container's root.
	Runc []string
	// SELinux, if any, is the policy to enforce; files of containers are then container_file_t.
	SELinux []byte

	// Beside, if any, is a command that runs beside the cases, which begin when it has written a line with Ready in it.
	// After them it is interrupted, and must end without a complaint.
	Beside []string
	Ready  string

	Cases            []Case
	Program, Dynamic []byte
	Loader           []byte
}

// Result is what the guest gives back.
type Result struct {
	// Outcomes are by case and step.
	Outcomes [][]Outcome
	// Beside are the lines that the command beside the cases wrote.
	Beside []string
}

// ResultMark begins the line of the guest's output with the Result as JSON.
const ResultMark = "kerneltest result: "
