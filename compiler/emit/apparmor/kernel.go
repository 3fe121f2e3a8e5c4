// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// sockets writes what the section `network` says about address families. Peers
// and ports are not mediated, and INET is never refused: loopback and replies
// pass whatever the policy says.
func (b *block) sockets() {
	b.rule("network")
	t := b.layer.Network
	if t == nil {
		return
	}
	for i := range t.Rules {
		r := &t.Rules[i]
		if r.Rule.Action == policy.Allow || !r.BySocket() || b.audits && r.Rule.Quiet {
			continue
		}
		before := "audit"
		if r.Rule.Action == policy.Block && !b.audits {
			if holds(b.layer, b.known, r.Cond) != surely || b.inner() && r.Cond == ir.Always {
				continue
			}
			before = verb(r.Rule.Quiet)
		} else if b.inner() || holds(b.layer, b.known, r.Cond) == never {
			continue
		}
		for _, family := range r.Families {
			if inet(family) || !slices.Contains(families, family) {
				continue
			}
			if len(r.Types) == 0 {
				b.rule("%s network %s", before, family)
			}
			for _, kind := range r.Types {
				if slices.Contains(types, kind) {
					b.rule("%s network %s %s", before, family, kind)
				}
			}
		}
	}
}

// families and types are those that apparmor_parser 3.0 knows (af_names.h,
// network.c): a profile with another is refused as a whole.
var (
	families = strings.Fields(`unix inet ax25 ipx appletalk netrom bridge atmpvc x25 inet6 rose netbeui security key netlink packet
		ash econet atmsvc rds sna irda pppox wanpipe llc ib mpls can tipc bluetooth iucv rxrpc isdn phonet ieee802154 caif alg nfc
		vsock kcm qipcrtr smc xdp`)
	types = strings.Fields("stream dgram seqpacket rdm raw packet")
)

func inet(family string) bool { return family == "inet" || family == "inet6" }

// system writes the operations of `system` that AppArmor mediates, and the part
// of the runtime's default profile that is about them: no mounting, signals from
// the runtime and from unconfined processes, signals and tracing within the
// container.
func (b *block) system() {
	blocked := func(o policy.SystemOperation) (bool, bool) {
		if b.layer.System == nil || b.audits {
			return false, false
		}
		action, quiet := b.mask(b.layer.System, 1<<o)
		return action == policy.Block, quiet
	}
	if mount, quiet := blocked(policy.Mount); mount {
		b.rule("%s mount", verb(quiet))
		b.rule("%s pivot_root", verb(quiet))
		// The parser leaves out denials that are reported, since nothing else is
		// allowed; without any rule left the kernel would not mediate mounts at all.
		if quiet {
			b.rule("deny umount")
		} else {
			b.rule("umount /-/")
		}
	} else {
		b.rule("umount")
		b.rule("deny mount")
		b.rule("deny pivot_root")
	}
	b.rule("signal (receive) peer={unconfined,runc,crun,conmon,cri-containerd,containerd,crio}")
	peer := b.name + "{,//**}"
	b.rule("signal (send,receive) peer=%s", peer)
	b.rule("ptrace (trace,tracedby,read,readby) peer=%s", peer)
	if b.complain {
		b.rule("deny signal (send) peer=%s", strangers(b.name))
		b.rule("deny ptrace (trace,read) peer=%s", strangers(b.name))
	}
}

// strangers is an expression for all labels but those of a profile, its children
// and their stacks.
func strangers(name string) string {
	var out []string
	for i, c := range name {
		out = append(out, name[:i]+"[^"+string(c)+"]**")
		if i > 0 {
			out = append(out, name[:i])
		}
	}
	return "{" + strings.Join(append(out, name+"[^/]**", name+"/", name+"/[^/]**"), ",") + "}"
}

// floor writes what the default profiles of containerd (contrib/apparmor) and
// CRI-O (containers/common, pkg/apparmor) deny in /proc and /sys: of /proc only
// processes can be written, of /sys only cgroups. They mean to spare
// /proc/sys/kernel/shm*, but a class of theirs matches slashes, so all versions
// before containerd 2.3 deny it, and this does.
func (b *block) floor() {
	for _, f := range floor {
		b.paths("deny", f.globs, f.permissions)
	}
}

var floor = []struct {
	globs       []*automata.Glob
	permissions string
}{
	{parseAll("/proc/*", "/proc/[!1-9]*/**"), "w"},
	{parseAll("/proc/{sysrq-trigger,mem,kmem,kcore}"), "rwklmx"},
	{parseAll("/sys/[!f]*/**", "/sys/f{,[!s]*}/**", "/sys/fs/[!c]*/**", "/sys/fs/c{,[!g]*}/**", "/sys/fs/cg{,[!r]*}/**"), "wklx"},
	{parseAll("/sys/{firmware,devices/virtual/powercap,kernel/security}/**"), "rwklmx"},
}

func parseAll(patterns ...string) []*automata.Glob {
	out := make([]*automata.Glob, len(patterns))
	for i, p := range patterns {
		out[i] = parseGlob(p)
	}
	return out
}
