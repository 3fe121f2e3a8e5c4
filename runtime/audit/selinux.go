// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
	"github.com/avert-dev/avert/runtime/event"
)

// parseSELinux reads a report of SELinux (security/selinux/avc.c):
//
//	avc:  denied  { read } for  pid=1 comm="x" ... scontext=u:r:t:s0 tcontext=... tclass=file permissive=0
//
// "granted" is what the policy has an auditallow for.
func parseSELinux(body string) (r report, ok bool) {
	r.source = event.SELinux
	head, rest, ok := strings.Cut(body, " for ")
	decision, permissions, braces := strings.Cut(strings.TrimPrefix(head, "avc:"), "{")
	if !ok || !braces {
		return r, false
	}
	f := parseFields(rest)
	switch strings.TrimSpace(decision) {
	case "denied":
		r.complain = f.word("permissive") == "1"
		r.denied = !r.complain
	case "granted":
	default:
		return r, false
	}
	r.identify(f)
	r.profile = f.word("scontext")
	r.labels = []label{{unit: typeOf(r.profile)}}
	permissions, _, _ = strings.Cut(permissions, "}")
	list := strings.Fields(permissions)
	r.operation = strings.Join(list, " ")
	r.object.Context, r.object.Class = event.Text(f.word("tcontext")), event.Text(f.word("tclass"))
	r.readings = r.seLinuxReadings(f, list)
	return r, true
}

// typeOf returns the type of a context user:role:type:level.
func typeOf(context string) string {
	parts := strings.SplitN(context, ":", 4)
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}

// permissions are ways to use a file by SELinux's permissions. Which attribute
// is set it does not tell.
var permissions = map[string]policy.Access{
	"read": policy.AccessRead, "ioctl": policy.AccessRead, "lock": policy.AccessRead, "getattr": policy.AccessRead, "search": policy.AccessRead,
	"open": policy.AccessRead | policy.AccessWrite, "write": policy.AccessWrite, "append": policy.AccessWrite,
	"create": policy.AccessCreate, "add_name": policy.AccessCreate,
	"unlink": policy.AccessDelete, "rmdir": policy.AccessDelete, "remove_name": policy.AccessDelete,
	"rename": policy.AccessRename, "reparent": policy.AccessRename, "link": policy.AccessLink,
	"setattr": policy.AccessSetattr, "map": policy.AccessMap, "execmod": policy.AccessMap,
}

var fileClasses = map[string]bool{
	"file": true, "dir": true, "lnk_file": true, "chr_file": true, "blk_file": true, "sock_file": true, "fifo_file": true, "anon_inode": true,
}

// families are those of sockets by class, and types where the class tells them.
var families = map[string]struct{ family, kind, protocol string }{
	"tcp_socket": {"", "stream", "TCP"}, "udp_socket": {"", "dgram", "UDP"}, "rawip_socket": {"", "raw", ""},
	"sctp_socket": {"", "", "SCTP"}, "icmp_socket": {"", "dgram", ""},
	"unix_stream_socket": {"unix", "stream", ""}, "unix_dgram_socket": {"unix", "dgram", ""},
	"packet_socket": {"packet", "", ""}, "vsock_socket": {"vsock", "", ""}, "alg_socket": {"alg", "", ""},
	"bluetooth_socket": {"bluetooth", "", ""}, "can_socket": {"can", "", ""}, "xdp_socket": {"xdp", "", ""},
	"tipc_socket": {"tipc", "", ""}, "rds_socket": {"rds", "", ""}, "smc_socket": {"smc", "", ""}, "key_socket": {"key", "", ""},
}

// systemClasses are operations of system by class and, where only some are one,
// permission.
var systemClasses = map[string]policy.SystemOperation{
	"bpf": policy.BPF, "user_namespace": policy.UserNS, "io_uring": policy.IOUring,
	"filesystem mount": policy.Mount, "filesystem unmount": policy.Mount, "filesystem remount": policy.Mount,
	"dir mounton": policy.Mount, "file mounton": policy.Mount,
	"process ptrace": policy.Ptrace, "process signal": policy.Signal, "process sigkill": policy.Signal, "process sigstop": policy.Signal,
	"process signull": policy.Signal, "system module_load": policy.Module, "system module_request": policy.Module,
}

func (r *report) seLinuxReadings(f fields, list []string) []ruletable.Operation {
	class := f.word("tclass")
	if fileClasses[class] {
		path, ok := f.bytes("path")
		if !ok {
			path, _ = f.bytes("name")
		}
		r.object.Path = event.Text(path)
	}
	var out []ruletable.Operation
	for _, permission := range list {
		for _, key := range []string{class, class + " " + permission} {
			if o, ok := systemClasses[key]; ok {
				out = append(out, system(o))
			}
		}
	}
	switch {
	case len(out) > 0:
	case strings.HasPrefix(class, "cap"):
		for _, name := range list {
			name = strings.ToUpper(name)
			r.object.Capability = event.Text(name)
			out = append(out, capability(name))
		}
	case fileClasses[class]:
		out = seLinuxFile(class, list)
	case strings.HasSuffix(class, "_socket") || class == "socket":
		out = append(out, r.seLinuxSocket(f, class, list))
	}
	return out
}

// seLinuxFile reads what is about a file. Most reports have only the last
// component of its path, which names no object of a policy.
func seLinuxFile(class string, list []string) []ruletable.Operation {
	var access policy.Access
	var out []ruletable.Operation
	for _, permission := range list {
		access |= permissions[permission]
		if class == "file" && strings.HasPrefix(permission, "execute") {
			out = append(out, ruletable.Operation{Section: policy.Process, Access: policy.AccessExec, NoObject: true})
			access |= policy.AccessMap
		}
	}
	if access != 0 {
		op := file(access, policy.Object{})
		op.NoObject = true
		out = append(out, op)
	}
	return out
}

func (r *report) seLinuxSocket(f fields, class string, list []string) ruletable.Operation {
	known, ok := families[class]
	if !ok && strings.HasPrefix(class, "netlink_") {
		known.family = "netlink"
	}
	flow := ruletable.Flow{Family: known.family, Type: known.kind, Protocol: known.protocol}
	address, port := "", ""
	for _, permission := range list {
		switch permission {
		case "name_connect", "connect", "sendto", "send_msg":
			flow.Direction, address, port = policy.Egress, "daddr", "dest"
		case "name_bind", "node_bind", "bind", "listen", "accept":
			flow.Direction, address, port = policy.Ingress, "saddr", "src"
		}
	}
	r.socket(&flow, f, address, port)
	return ruletable.Operation{Section: policy.Network, Flow: flow}
}
