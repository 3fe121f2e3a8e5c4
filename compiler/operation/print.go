// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// String writes an operation so that Parse reads it again. An empty family of a
// flow becomes the usual one.
func String(op policy.Operation) string {
	out := body(op)
	if len(op.Lineage) > 0 {
		out = append(out, "by")
		for _, image := range op.Lineage {
			out = append(out, path(image))
		}
	}
	return strings.Join(out, " ")
}

func body(op policy.Operation) []string {
	switch op.Kind {
	case policy.OpExec:
		out := []string{"exec"}
		for _, o := range op.Images {
			out = append(out, object(o))
		}
		return out
	case policy.OpFile:
		return []string{op.Access.String(), object(op.Object)}
	case policy.OpRename, policy.OpLink:
		return move(op)
	case policy.OpNetwork:
		return flow(op.Flow)
	case policy.OpSyscall:
		return call(op.Syscall)
	case policy.OpCapability:
		return []string{"use", op.Capability}
	default:
		return []string{"system", op.System.String()}
	}
}

func object(o policy.Object) string {
	for text, class := range classes {
		if o.Class == class {
			return text
		}
	}
	return path(o.Path)
}

func move(op policy.Operation) []string {
	verb, between := "rename", "to"
	switch {
	case op.Kind == policy.OpLink:
		verb = "link"
	case op.Exchange:
		verb, between = "exchange", "with"
	}
	out := []string{verb}
	if op.Directory {
		out = append(out, "directory")
	}
	out = append(out, object(op.Object), between, object(op.Target))
	if op.TargetExists && verb == "rename" {
		out = append(out, "existing")
	}
	return out
}

func flow(f policy.Flow) []string {
	out := []string{strings.ToLower(f.Direction.String())}
	if f.Family != "" && f.Family != usualFamily(f.Peer) {
		out = append(out, "family", f.Family)
	}
	if f.Type != "" && f.Type != usualType(f.Protocol) {
		out = append(out, "type", f.Type)
	}
	if f.Protocol != "" {
		out = append(out, f.Protocol, strconv.Itoa(int(f.Port)))
	}
	if pod := f.Peer.Pod; pod != nil {
		out = append(out, "pod", printLabels(pod.Labels), "in", pod.Namespace)
		labels := maps.Clone(pod.NamespaceLabels)
		delete(labels, NamespaceLabel)
		if len(labels) > 0 {
			out = append(out, printLabels(labels))
		}
	}
	if f.Peer.Addr.IsValid() {
		out = append(out, "address", f.Peer.Addr.String())
	}
	for _, name := range f.Peer.Names {
		out = append(out, "name", name)
	}
	for _, flag := range []struct {
		set  bool
		text string
	}{{f.Peer.ClusterDNS, "dns"}, {f.Loopback, "loopback"}, {f.Reply, "reply"}} {
		if flag.set {
			out = append(out, flag.text)
		}
	}
	if f.HTTP != nil {
		out = append(out, f.HTTP.Method, path(f.HTTP.Path))
	}
	return out
}

// call leaves out zeros at the end.
func call(c policy.SyscallCall) []string {
	out := []string{"call", c.Name}
	last := len(c.Args)
	for last > 0 && c.Args[last-1] == 0 {
		last--
	}
	for _, a := range c.Args[:last] {
		text := strconv.FormatUint(a, 10)
		if a > 1<<16 {
			text = fmt.Sprintf("%#x", a)
		}
		out = append(out, text)
	}
	if c.Arch != "" && c.Arch != string(linux.AMD64) {
		out = append(out, "on", c.Arch)
	}
	return out
}
