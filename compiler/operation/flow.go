// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// usualType is the socket type that goes without saying.
func usualType(protocol string) string {
	switch protocol {
	case "TCP", "SCTP":
		return "stream"
	case "UDP":
		return "dgram"
	}
	return "raw"
}

// usualFamily is the family that goes without saying.
func usualFamily(peer policy.Endpoint) string {
	if peer.Addr.IsValid() && !peer.Addr.Unmap().Is4() {
		return "inet6"
	}
	return "inet"
}

var protocols = []string{"TCP", "UDP", "SCTP"}

// flow reads what comes after the direction.
func (p *parser) flow(f *policy.Flow) {
	for p.err == nil && len(p.words) > 0 && !p.words[0].is("by") {
		switch w := p.next("the flow"); w.text {
		case "family":
			f.Family = p.among("the family", linux.AddressFamilyNames())
		case "type":
			f.Type = p.among("the type", linux.SocketTypeNames())
		case "pod":
			p.pod(f)
		case "address":
			a := p.next("the address")
			addr, err := netip.ParseAddr(a.text)
			if err != nil && p.err == nil {
				p.fail("%q is no address", a.text)
			}
			f.Peer.Addr = addr
		case "name":
			f.Peer.Names = append(f.Peer.Names, p.next("the name").text)
		case "dns":
			f.Peer.ClusterDNS = true
		case "loopback":
			f.Loopback = true
		case "reply":
			f.Reply = true
		default:
			switch {
			case slices.Contains(protocols, w.text):
				f.Protocol, f.Port = w.text, uint16(p.number("the port", 16))
			case w.text != "" && strings.ToUpper(w.text) == w.text && f.HTTP == nil:
				f.HTTP = &policy.HTTPRequest{Method: w.text, Path: p.path("the path of the request")}
			default:
				p.unknown("a part of a flow", w.text, slices.Concat(protocols, []string{"pod", "address", "name", "dns", "family", "type", "loopback", "reply"}))
			}
		}
	}
	if f.Type == "" {
		f.Type = usualType(f.Protocol)
	}
	if f.Family == "" {
		f.Family = usualFamily(f.Peer)
	}
}

// pod reads LABELS [in NAMESPACE [LABELS]].
func (p *parser) pod(f *policy.Flow) {
	f.Peer.Pod = &policy.Pod{Namespace: p.namespace, Labels: p.labels("the labels of the pod")}
	if p.take("in") {
		f.Peer.Pod.Namespace = p.next("the namespace").text
		if len(p.words) > 0 && strings.Contains(p.words[0].text, "=") {
			f.Peer.Pod.NamespaceLabels = p.labels("the labels of the namespace")
		}
	}
	// Kubernetes gives every namespace this label.
	if f.Peer.Pod.NamespaceLabels[NamespaceLabel] == "" && f.Peer.Pod.Namespace != "" {
		if f.Peer.Pod.NamespaceLabels == nil {
			f.Peer.Pod.NamespaceLabels = map[string]string{}
		}
		f.Peer.Pod.NamespaceLabels[NamespaceLabel] = f.Peer.Pod.Namespace
	}
}

// NamespaceLabel is the label by which namespaces carry their own name.
const NamespaceLabel = "kubernetes.io/metadata.name"

// labels reads key=value,key=value, or {} for none.
func (p *parser) labels(what string) map[string]string {
	w := p.next(what)
	if w.text == "{}" || p.err != nil {
		return nil
	}
	out := map[string]string{}
	for _, pair := range strings.Split(w.text, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			p.fail("%s are written key=value,key=value or {}, and this is %q", what, w.text)
		}
		out[key] = value
	}
	return out
}

func printLabels(labels map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, k+"="+labels[k])
	}
	if len(out) == 0 {
		return "{}"
	}
	return strings.Join(out, ",")
}
