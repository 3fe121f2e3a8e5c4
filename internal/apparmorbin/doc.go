// SPDX-License-Identifier: Apache-2.0

// Package apparmorbin reads the binary policy that apparmor_parser writes and
// decides with it as the kernel does. It is for tests: a profile can be judged
// without a kernel that enforces it.
//
// It reads what parsers up to 3.x write, with permissions packed into the accept
// tables of the automata (policy versions 5 to 8); a permission table, as
// parsers from 4.0 on can write it, is an error. What it says is what
// security/apparmor of Linux 5.10 to 6.19 does with such a policy: layout in
// policy_unpack.c, automata in match.c, permissions in policy_compat.c (lib.c and
// file.c before 6.2), links in file.c, mounts in mount.c, peers in label.c.
//
// TestKernelAgrees compares it with kernels: files, links, execs, sockets and
// mounts. Capabilities, signals, ptrace, umount and pivot_root are tested against
// what the rules mean only.
//
// It is no loader and checks less than the kernel; it never panics on bytes that
// are no policy.
package apparmorbin
