// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"net/netip"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
	"github.com/avert-dev/avert/runtime/event"
)

// parseAppArmor reads a report of AppArmor (security/apparmor/audit.c).
func parseAppArmor(f fields) (r report, ok bool) {
	r.source = event.AppArmor
	switch f.word("apparmor") {
	case "DENIED", "KILLED":
		r.denied = true
	case "ALLOWED":
		r.complain = true
	case "AUDIT":
	default:
		return r, false
	}
	r.identify(f)
	r.profile, ok = f.bytes("profile")
	if !ok { // several profiles stacked
		r.profile, _ = f.bytes("label")
	}
	r.labels = labelsOf(r.profile)
	r.operation, r.info = f.word("operation"), f.word("info")
	r.readings = r.appArmorReadings(f)
	return r, true
}

// labelsOf takes the name of a profile or of a stack of them apart:
// "avert.unit//&avert.unit//d3" is the unit avert.unit, in its own profile and
// in its child d3. A process in a unit's profile itself is in the domain of that
// name.
func labelsOf(profile string) []label {
	var out []label
	for part := range strings.SplitSeq(profile, "//&") {
		unit, domain, child := strings.Cut(part, "//")
		if !child {
			domain = unit
		}
		out = append(out, label{unit, domain})
	}
	return out
}

// accesses are ways to use a file by letters of AppArmor's masks. A lock needs
// no access of the language by itself; it comes with reading.
var accesses = map[rune]policy.Access{
	'r': policy.AccessRead, 'k': policy.AccessRead,
	'w': policy.AccessWrite, 'a': policy.AccessWrite,
	'c': policy.AccessCreate, 'd': policy.AccessDelete, 'l': policy.AccessLink, 'm': policy.AccessMap,
}

// pathOperations are those that say more than their mask. The name that a rename
// takes may be free or not.
var pathOperations = map[string]policy.Access{
	"unlink": policy.AccessDelete, "rmdir": policy.AccessDelete,
	"mkdir": policy.AccessCreate, "mknod": policy.AccessCreate, "symlink": policy.AccessCreate,
	"rename_src": policy.AccessRename, "rename_dest": policy.AccessCreate | policy.AccessDelete,
	"chmod": policy.AccessChmod, "chown": policy.AccessChown,
	"truncate": policy.AccessWrite, "getattr": policy.AccessRead,
}

func (r *report) appArmorReadings(f fields) []ruletable.Operation {
	switch r.operation {
	case "capable":
		name := strings.ToUpper(f.word("capname"))
		r.object.Capability = event.Text(name)
		return []ruletable.Operation{capability(name)}
	case "mount", "umount", "pivotroot":
		name, _ := f.bytes("name")
		r.object.Path = event.Text(withoutSlash(name))
		return []ruletable.Operation{system(policy.Mount)}
	case "ptrace", "signal":
		peer, _ := f.bytes("peer")
		r.object.Target = event.Text(peer)
		if r.operation == "signal" {
			return []ruletable.Operation{system(policy.Signal)}
		}
		return []ruletable.Operation{system(policy.Ptrace)}
	case "userns_create":
		return []ruletable.Operation{system(policy.UserNS)}
	case "uring_override", "uring_sqpoll":
		return []ruletable.Operation{system(policy.IOUring)}
	}
	if f.word("family") != "" {
		return []ruletable.Operation{r.appArmorSocket(f)}
	}
	return r.appArmorFile(f)
}

// appArmorFile reads what is about a path.
func (r *report) appArmorFile(f fields) []ruletable.Operation {
	o, known := r.appArmorObject(f)
	if r.operation == "link" {
		// The name is the new one, the target what it links to.
		if target, ok := f.bytes("target"); ok {
			r.object.Target = r.object.Path
			r.object.Path = event.Text(withoutSlash(target))
			return []ruletable.Operation{file(policy.AccessLink, policy.Object{Path: withoutSlash(target)}), file(policy.AccessCreate, o)}
		}
	}
	mask := f.word("denied_mask")
	if mask == "" {
		mask = f.word("requested_mask")
	}
	access, ok := pathOperations[r.operation]
	if !ok {
		for _, letter := range mask {
			access |= accesses[letter]
		}
	}
	var out []ruletable.Operation
	if r.operation == "exec" || strings.Contains(mask, "x") {
		out = append(out, ruletable.Operation{Section: policy.Process, Access: policy.AccessExec, Object: o, NoObject: !known})
	}
	if access != 0 {
		op := file(access, o)
		op.NoObject = !known
		out = append(out, op)
	}
	return out
}

// appArmorObject reads the name of a file. The kernel says in words why it has
// none (security/apparmor/path.c).
func (r *report) appArmorObject(f fields) (o policy.Object, known bool) {
	name, ok := f.bytes("name")
	r.object.Path = event.Text(withoutSlash(name))
	switch {
	case strings.Contains(r.info, "deleted entry"):
		return policy.Object{Class: policy.Anonymous}, true
	case strings.Contains(r.info, "Failed name lookup"):
		return policy.Object{Class: policy.Unresolved}, true
	case !ok:
		return policy.Object{}, false
	}
	return policy.Object{Path: withoutSlash(name)}, true
}

// withoutSlash returns a directory's path as the language writes it.
func withoutSlash(path string) string {
	if len(path) > 1 {
		return strings.TrimSuffix(path, "/")
	}
	return path
}

// appArmorSocket reads what is about a socket. Creating one has no direction.
func (r *report) appArmorSocket(f fields) ruletable.Operation {
	flow := ruletable.Flow{Family: f.word("family"), Type: f.word("sock_type")}
	if n, ok := f.number("protocol"); ok {
		flow.Protocol = protocols[n]
	}
	address, port := "", ""
	switch r.operation {
	case "connect", "sendmsg":
		flow.Direction, address, port = policy.Egress, "faddr", "fport"
	case "bind", "listen", "accept":
		flow.Direction, address, port = policy.Ingress, "laddr", "lport"
	}
	r.socket(&flow, f, address, port)
	return ruletable.Operation{Section: policy.Network, Flow: flow}
}

// socket fills in the object of an operation on a socket, and its flow.
func (r *report) socket(flow *ruletable.Flow, f fields, address, port string) {
	r.object.Family, r.object.Type, r.object.Protocol = event.Text(flow.Family), event.Text(flow.Type), event.Text(flow.Protocol)
	r.object.Address = event.Text(f.word(address))
	if n, ok := f.number(port); ok && n < 1<<16 {
		r.object.Port = n
		flow.Port = uint16(n)
	}
	if a, err := netip.ParseAddr(f.word(address)); err == nil && flow.Direction == policy.Egress {
		flow.Peer = a
	}
}
