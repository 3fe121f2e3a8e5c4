// SPDX-License-Identifier: Apache-2.0

// Package lsm attacks policies that the programs of the eBPF LSM enforce: it holds the ways around a policy that must not
// work, as attempts that reach their effect where no policy is loaded. It is for tests alone. How the attempts are made is
// the business of the program in the folder guest; what the compiler and the programs make of a policy is tested elsewhere.
package lsm

// Row is one way around a policy, with the attempts that try it.
type Row struct {
	Number int
	// Vector says in words what the way is.
	Vector string
	// Policy names one of Policies.
	Policy   string
	Attempts []Attempt
}

// Attempt is something that a process in a container tries.
type Attempt struct {
	// Name is unique within the row.
	Name string
	// Since is the first kernel that can do it, and Until the last one that the tests have with what it takes, which for
	// overlayfs is a module; empty means all.
	Since, Until string
	// Work is not an attack: what must go on working under the policy, so that refusing everything is no success.
	Work bool
}

// Policies are the sections of the policies by name. Every world has the same files: /secret/key and others below /secret,
// programs below /blocked that may not run, programs below /free that may, and /frozen, which must not change.
var Policies = map[string]string{
	"deny": `
process:
  default: Allow
  rules:
    - {name: blocked, action: Block, paths: [/blocked/**]}
file:
  default: Allow
  rules:
    - {name: secret, action: Block, access: [read], paths: [/secret/**, /over/secret/**, /volume/secret/**]}
    - {name: frozen, action: Block, access: [write, create, delete, rename, link, setattr], paths: [/frozen/**, /over/frozen/**]}
    - {name: race, action: Block, access: [read], paths: [/race/a/x/key, /race/b/y/key]}`,
	"allow": `
process:
  default: Block
  rules:
    - {name: free, action: Allow, paths: [/tools/*, /bin/*, /free/**]}
file:
  default: Allow
  rules:
    - {name: secret, action: Block, access: [read], paths: [/secret/**]}`,
	"lineage": `
file:
  default: Allow
  rules:
    - {name: image, action: Block, access: [read], paths: [/secret/**], from: {exe: [/from/*]}}
    - {name: ancestor, action: Block, access: [read], paths: [/secret/**], from: {ancestor: [/from/*]}}`,
}

// Rows are the ways, by number.
var Rows = []Row{
	{0, "work that policies allow goes on", "deny", works("run", "read", "change", "script", "pipes", "threads")},
	{0, "work that an allow-list allows goes on", "allow", works("run", "read", "change")},
	{0, "work of a lineage without conditions goes on", "lineage", works("run", "read", "change")},
	{1, "exec through a symbolic link, a relative path, execveat with a descriptor", "deny",
		attacks("symbolic link", "relative path", "dots", "execveat with a descriptor", "execveat relative to a folder", "fexecve through /proc")},
	{2, "`#!` scripts", "deny", attacks("blocked script", "blocked interpreter", "interpreter that is a script")},
	{3, "the dynamic loader started with a blocked program; executable mappings of it", "deny",
		attacks("ld.so", "mmap", "mprotect")},
	{4, "memfd_create, O_TMPFILE, an unlinked file", "allow", attacks("memfd", "unlinked", "O_TMPFILE")},
	{5, "copy of a blocked program", "allow", attacks("copy")},
	{6, "hard link to a blocked file", "deny",
		attacks("read", "exec", "write", "linkat with a descriptor", "linkat through /proc")},
	{7, "rename of a file, of a folder above it, exchange", "deny",
		attacks("file", "folder", "exchange", "over a frozen file", "program")},
	{8, "bind mount, detached mount, pivot_root, chroot", "deny",
		attacks("bind", "bind over a frozen folder", "chroot", "chroot and leave", "pivot_root", "open_tree", "move_mount")},
	{9, "other namespaces, other cgroups", "deny",
		attacks("unshare mount", "setns back", "user namespace", "pid namespace", "cgroup namespace", "another cgroup", "born in another cgroup")},
	{10, "fork, double fork, vfork, clone with CLONE_PARENT, threads; the parent exits", "lineage",
		attacks("fork", "double", "vfork", "parent", "thread", "share")},
	{11, "exec without fork to shed a condition", "lineage", attacks("once", "twice", "through a script", "failed exec between")},
	{12, "/proc/self/root, /proc/PID/root, /proc/self/fd, /proc/self/cwd", "deny",
		attacks("self/root", "PID/root", "fd of a folder", "cwd", "exec through root")},
	{13, "O_PATH and reopen; open_by_handle_at", "deny", attacks("O_PATH", "O_PATH and write", "open_by_handle_at")},
	{14, "paths that are longer than is read", "deny", attacks("4,096 bytes", "deep folders", "deep program")},
	{15, "deleted, and renamed over, while open", "allow", attacks("deleted program started again", "renamed over")},
	{16, "io_uring", "deny", append(attacks("open", "open in a worker", "open in a polling thread"),
		since("6.1", "rename", "unlink", "link")...)},
	{22, "filling the buffer of alerts", "deny", attacks("open after 40,000", "exec after 40,000")},
	{23, "storm of exec, fork and open while the policy is exchanged", "deny", attacks("storm")},
	{24, "kill -9 of the loader", "deny", attacks("storm")},
	{25, "bpf() and bpffs from the container", "deny", attacks("mount bpffs", "create a map", "walk the maps")},
	{26, "the first program and its first instructions", "deny", attacks("blocked program", "first instruction")},
	{27, "32-bit system calls", "deny", attacks("int 0x80 open", "int 0x80 exec", "32-bit program opens", "32-bit program executes")},
	{28, "overlayfs, tmpfs, a volume", "deny", append(
		until("6.12", "lower", "upper", "after copy-up", "copy-up", "delete of lower"), attacks("volume")...)},
	{29, "truncate, fallocate, O_TRUNC, creat, mknod, xattr, chmod through descriptors", "deny",
		attacks("truncate", "O_TRUNC", "creat", "mknod", "mkdir", "symlink", "xattr", "fsetxattr", "removexattr", "fchmod", "chmod through /proc", "fchown", "times", "write", "append", "fallocate", "unlink", "rmdir")},
	{30, "names with newlines, other bytes, 255 of them, ` (deleted)` at the end", "deny",
		attacks("newline", "not UTF-8", "255 bytes", "deleted", "exec newline", "exec deleted")},
	{31, "opens that race with renames of folders above", "deny", attacks("two names")},
	{32, "a lazily unmounted mount, internal mounts, a nested user namespace", "deny", append(
		attacks("lazily unmounted", "mount in a user namespace"), works("pipe reopened", "memfd reopened", "pidfd")...)},
}

func attacks(names ...string) []Attempt {
	var out []Attempt
	for _, name := range names {
		out = append(out, Attempt{Name: name})
	}
	return out
}

func since(kernel string, names ...string) []Attempt {
	out := attacks(names...)
	for i := range out {
		out[i].Since = kernel
	}
	return out
}

func until(kernel string, names ...string) []Attempt {
	out := attacks(names...)
	for i := range out {
		out[i].Until = kernel
	}
	return out
}

func works(names ...string) []Attempt {
	out := attacks(names...)
	for i := range out {
		out[i].Work = true
	}
	return out
}

// Job is what a guest does: each attempt once, in a world of its own.
type Job struct {
	Attempts []Trial
}

// Trial is an attempt in a guest.
type Trial struct {
	Row int
	// Policy and Name are those of the row and of the attempt.
	Policy, Name string
	// Work is that of the attempt.
	Work bool
	// Images are files of the guest to load for the cgroup of the container, each replacing the one before; the first one
	// before the container starts, the others while it runs. Empty means that no policy is loaded.
	Images []string
}

// Outcome is what became of an attempt.
type Outcome struct {
	// Effect says that the attempt reached what it wanted.
	Effect bool
	// Errno is the error number of what was refused first, or 0.
	Errno int
	// Alerts is the number of alerts that the programs made, lost ones included.
	Alerts uint64
	// Changed names what is otherwise afterwards below /secret, /blocked and /frozen.
	Changed []string
	// Output is what the attempt wrote, for messages.
	Output string
}

// Mark begins the line of the guest's output that is the JSON of all outcomes.
const Mark = "avert-lsm-outcomes "
