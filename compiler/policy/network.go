// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"net/netip"

	"github.com/avert-dev/avert/compiler/diag"
)

// Direction is that of the side that initiates, seen from the governed pod.
type Direction uint8

const (
	// BothDirections is a rule without `direction`.
	BothDirections Direction = iota
	Ingress
	Egress
)

// String returns the direction's spelling in a policy; "" for both.
func (d Direction) String() string { return [...]string{"", "Ingress", "Egress"}[d] }

// Includes says whether a rule of direction d applies to flows of direction o.
func (d Direction) Includes(o Direction) bool { return d == BothDirections || d == o }

// NetworkSection is `network`. Its defaults cover INET and INET6 alone.
type NetworkSection struct {
	Ingress, Egress Action
	DefaultSpan     diag.Span
	Rules           []NetworkRule
}

// Default returns the default of Ingress or Egress.
func (s *NetworkSection) Default(d Direction) Action {
	if d == Ingress {
		return s.Ingress
	}
	return s.Egress
}

// NetworkRule is a rule of `network`. Its fields are ANDed, the items of each
// ORed; an empty field is no condition, except Families: empty means INET and
// INET6.
type NetworkRule struct {
	Rule
	Direction Direction
	Peers     []Peer
	Ports     []Port
	HTTP      []HTTPMatch
	Families  []string // address families as in linux.Families: "inet", "packet", ...
	Types     []string // socket types: "stream", "dgram", "raw", ...
}

// PeerKind says which fields of a Peer are set.
type PeerKind uint8

const (
	// PeerPods are pods by labels.
	PeerPods PeerKind = iota
	// PeerCIDR are addresses outside the cluster.
	PeerCIDR
	// PeerFQDN are the addresses that a name resolves to.
	PeerFQDN
	// PeerDNS is the cluster's DNS service: port 53 of UDP and TCP unless the
	// rule names ports.
	PeerDNS
)

// Peer is the other side of a connection, after service translation.
type Peer struct {
	Kind PeerKind
	// Pods selects pods by their labels (nil: all) and Namespaces by those of
	// their namespace (nil: the policy's own).
	Pods, Namespaces *Selector
	CIDR             netip.Prefix
	Except           []netip.Prefix
	// FQDN is lower case without a final dot; `*` is a run of characters of
	// one label.
	FQDN string
	Span diag.Span
}

// Port is a range of destination ports. Port 0 means every port of Protocol.
type Port struct {
	Protocol string // TCP, UDP or SCTP
	Port     uint16
	EndPort  uint16 // at least Port
	Span     diag.Span
}

// HTTPMatch is a condition on one HTTP request; empty fields are none. At most
// one of the path fields is set.
type HTTPMatch struct {
	Method string // upper case
	// Path is the whole path without the query; PathPrefix its beginning;
	// PathRegex a RE2 expression that must match all of it.
	Path, PathPrefix, PathRegex string
	Span                        diag.Span
}
