// SPDX-License-Identifier: Apache-2.0

package selinux

import (
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// capability returns what the use of a capability is to SELinux: another class
// beyond the 32nd, and others again in a user namespace
// (security/selinux/hooks.c, cred_has_capability).
func capability(c string) []access {
	classes := []string{"capability", "cap_userns"}
	if ir.CapabilityBit(c) >= 1<<32 {
		classes = []string{"capability2", "cap2_userns"}
	}
	var out []access
	for _, class := range classes {
		out = append(out, access{self, class, []string{strings.ToLower(c)}})
	}
	return out
}

// socketClass is a class of sockets and the family that it belongs to
// (security/selinux/hooks.c, socket_type_to_security_class, with the policy
// capability extended_socket_class).
type socketClass struct {
	class, family string
	// types are those of the class where its family has several; nil means all.
	types []string
}

// socketClasses lists the families that have classes of their own. INET and INET6
// share theirs, and are about peers.
var socketClasses = func() []socketClass {
	out := []socketClass{
		{"unix_stream_socket", "unix", []string{"stream", "seqpacket"}},
		{"unix_dgram_socket", "unix", []string{"dgram", "raw"}},
		{"netlink_socket", "netlink", nil},
	}
	for _, protocol := range []string{"audit", "connector", "crypto", "dnrt", "fib_lookup", "generic", "iscsi", "kobject_uevent",
		"netfilter", "nflog", "rdma", "route", "scsitransport", "selinux", "tcpdiag", "xfrm"} {
		out = append(out, socketClass{"netlink_" + protocol + "_socket", "netlink", nil})
	}
	for _, family := range []string{"alg", "appletalk", "atmpvc", "atmsvc", "ax25", "bluetooth", "caif", "can", "decnet", "ieee802154",
		"ipx", "irda", "isdn", "iucv", "kcm", "key", "llc", "mctp", "netrom", "nfc", "packet", "phonet", "pppox", "qipcrtr", "rds",
		"rose", "rxrpc", "smc", "tipc", "vsock", "x25", "xdp"} {
		out = append(out, socketClass{family + "_socket", family, nil})
	}
	return out
}()

// within says whether all sockets of the class are of the families and types;
// no types means all.
func (c socketClass) within(families, types []string) bool {
	if !slices.Contains(families, c.family) {
		return false
	}
	return len(types) == 0 || c.types != nil && !slices.ContainsFunc(c.types, func(t string) bool { return !slices.Contains(types, t) })
}

// accesses: a socket is refused when it is made, also when the label that it
// would get is another one than its maker's.
func (c socketClass) accesses() []access { return []access{{anyType, c.class, []string{"create"}}} }

// operation is what an operation of `system` is to SELinux.
type operation struct {
	accesses []access
	// since is the first kernel that asks.
	since linux.KernelVersion
	// missed says what of the operation SELinux is not asked about, and restsOn why
	// nothing is.
	missed, restsOn string
}

// operations lacks io_uring: before 6.15 the kernel asks about details of rings
// alone, and policies do not know what it asks about since.
var operations = map[policy.SystemOperation]operation{
	policy.Mount: {
		accesses: append(mounton(), access{anyType, "filesystem", []string{"mount", "remount", "unmount"}}),
		missed:   "SELinux is not asked about pivot_root, mount_setattr and open_tree",
	},
	policy.UserNS: {
		accesses: []access{{self, "user_namespace", []string{"create"}}},
		since:    linux.KernelVersion{Major: 6, Minor: 1},
	},
	policy.BPF: {
		accesses: []access{{anyType, "bpf", []string{"map_create", "map_read", "map_write", "prog_load", "prog_run"}}},
		missed:   "of the commands of bpf SELinux is asked about those on maps and programs",
	},
	policy.Ptrace: {
		accesses: []access{{notself, "process", []string{"ptrace"}}},
		// What /proc shows to those who may trace for reading is a file of the other
		// type, as all else there is; containers have no such access to take away.
		restsOn: "ptrace rests on: the policy of the node lets containers read no process of another type through /proc",
	},
	policy.Module: {
		accesses: []access{{anyType, "system", []string{"module_load"}}},
	},
	policy.Signal: {
		accesses: []access{{notself, "process", []string{"sigchld", "sigkill", "signal", "signull", "sigstop"}}},
	},
}

// mounton is asked of what a mount covers.
func mounton() []access {
	var out []access
	for _, class := range []string{"blk_file", "chr_file", "dir", "fifo_file", "file", "lnk_file", "sock_file"} {
		out = append(out, access{anyType, class, []string{"mounton"}})
	}
	return out
}
