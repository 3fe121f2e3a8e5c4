// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

func (c *checker) peer(p *syntax.Peer, r *syntax.NetworkRule) (policy.Peer, bool) {
	out := policy.Peer{Span: p.Place}
	if p.Flawed {
		return out, false
	}
	pods := p.PodSelector != nil || p.NamespaceSelector != nil
	var kinds []string
	for _, k := range []struct {
		name  string
		given bool
	}{{"pod and namespace selectors", pods}, {"cidr", p.CIDR.Given()}, {"fqdn", p.FQDN.Given()}, {"dns", p.DNS.Given()}} {
		if k.given {
			kinds = append(kinds, k.name)
		}
	}
	switch {
	case len(kinds) == 0 && len(p.Except) > 0:
		c.report(diag.MissingKey, p.Place, "except without cidr")
		return out, false
	case len(kinds) == 0:
		c.report(diag.MissingKey, p.Place, "the peer is nobody", diag.Hint("give podSelector, namespaceSelector, cidr, fqdn or dns; for any peer leave out peers"))
		return out, false
	case len(kinds) > 1:
		c.report(diag.ConflictingKeys, p.Place, "a peer is of one kind, and this one has "+join(kinds), diag.Hint("write an item of peers for each: items are ORed"))
		return out, false
	case len(p.Except) > 0 && !p.CIDR.Given():
		c.report(diag.ConflictingKeys, p.Except[0].Span, "except is of cidr, and the peer has "+kinds[0])
		return out, false
	}
	switch {
	case pods:
		out.Kind = policy.PeerPods
		if p.PodSelector != nil {
			s := c.selector(p.PodSelector)
			out.Pods = &s
		}
		if p.NamespaceSelector != nil {
			s := c.selector(p.NamespaceSelector)
			out.Namespaces = &s
		}
	case p.CIDR.Given():
		out.Kind = policy.PeerCIDR
		c.ranges(p, &out)
	case p.FQDN.Given():
		out.Kind = policy.PeerFQDN
		out.FQDN = c.fqdn(p.FQDN)
		c.egressOnly("fqdn", p.FQDN, r)
	default:
		out.Kind = policy.PeerDNS
		c.egressOnly("dns", p.DNS, r)
	}
	return out, !c.failed
}

// egressOnly reports a peer that only connections from the pod can have.
func (c *checker) egressOnly(key string, t syntax.Text, r *syntax.NetworkRule) {
	if r.Direction.Value != "Egress" && !r.Flawed {
		c.report(diag.ConflictingKeys, t.Span, key+" is a peer of connections from the pod only", diag.Hint("write direction: Egress"))
	}
}

func (c *checker) ranges(p *syntax.Peer, out *policy.Peer) {
	cidr, ok := c.prefix(p.CIDR)
	if !ok {
		return
	}
	out.CIDR = cidr
	for _, t := range p.Except {
		except, ok := c.prefix(t)
		switch {
		case !ok:
		case !cidr.Overlaps(except) || except.Bits() < cidr.Bits():
			c.report(diag.InvalidCIDR, t.Span, fmt.Sprintf("%s is not within %s", except, cidr))
		case except == cidr:
			c.report(diag.InvalidCIDR, t.Span, "the exception is the whole range")
		default:
			out.Except = append(out.Except, except)
		}
	}
	if !c.failed && covers(out.Except, cidr) {
		c.report(diag.DeadRule, p.CIDR.Span, fmt.Sprintf("nothing of %s is left after the exceptions", cidr))
	}
}

// covers says whether prefixes, all within or around p, cover all of it.
func covers(prefixes []netip.Prefix, p netip.Prefix) bool {
	var within []netip.Prefix
	for _, q := range prefixes {
		switch {
		case !q.Overlaps(p):
		case q.Bits() <= p.Bits():
			return true
		default:
			within = append(within, q)
		}
	}
	if len(within) == 0 {
		return false
	}
	low, high := halves(p)
	return covers(within, low) && covers(within, high)
}

// halves splits a prefix that is not a single address.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	bits := p.Bits()
	low = netip.PrefixFrom(p.Addr(), bits+1)
	b := p.Addr().AsSlice()
	b[bits/8] |= 0x80 >> (bits % 8)
	addr, _ := netip.AddrFromSlice(b)
	return low, netip.PrefixFrom(addr, bits+1)
}

// prefix reads a range of addresses. IPv4-mapped IPv6 becomes IPv4.
func (c *checker) prefix(t syntax.Text) (netip.Prefix, bool) {
	suggest := func(p netip.Prefix) []diag.Option {
		return []diag.Option{diag.Hint("did you mean %s?", p), replace(t, p.String())}
	}
	p, err := netip.ParsePrefix(t.Value)
	if err != nil {
		var options []diag.Option
		if addr, err := netip.ParseAddr(strings.TrimSuffix(t.Value, "/")); err == nil && addr.Zone() == "" {
			options = suggest(netip.PrefixFrom(addr, addr.BitLen()))
		} else if strings.ContainsAny(t.Value, "ghijklmnopqrstuvwxyz") {
			options = []diag.Option{diag.Hint("a domain name is an fqdn")}
		}
		c.report(diag.InvalidCIDR, t.Span, quote(t.Value)+" is not a range of addresses such as 10.0.0.0/8", options...)
		return p, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if masked := p.Masked(); masked != p {
		c.report(diag.InvalidCIDR, t.Span, fmt.Sprintf("%s has bits beyond its prefix length", t.Value), suggest(masked)...)
		return p, false
	}
	return p, true
}

const maxDomain = 253

// domainLabel is a label of RFC 1123, with the underscore of RFC 2782 and with
// wildcards.
var domainLabel = regexp.MustCompile(`^[a-z0-9_*]([-a-z0-9_*]*[a-z0-9_*])?$`)

// fqdn checks a domain name, which may have wildcards within labels.
func (c *checker) fqdn(t syntax.Text) string {
	name := strings.TrimSuffix(strings.ToLower(t.Value), ".")
	invalid := func(message, hint string) string {
		c.report(diag.InvalidDomainName, t.Span, message, diag.Hint("%s", hint))
		return ""
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return invalid(quote(t.Value)+" is an address, not a name", "write it as cidr")
	}
	if _, rest, ok := strings.Cut(name, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		return invalid(quote(t.Value)+" is a URL, not a name", "write fqdn: "+host)
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		switch {
		case strings.Contains(l, "**"):
			return invalid("`**` in a domain name", "`*` is a run of characters within one label; write one `*` for each label, as in *.*.example.com")
		case len(l) > maxLabel || !domainLabel.MatchString(l):
			return invalid(fmt.Sprintf("%s is not a domain name: %s is not a label of one", quote(t.Value), quote(l)), "labels are at most 63 letters, digits and hyphens; `*` stands for a part of one")
		}
	}
	switch {
	case len(name) > maxDomain:
		return invalid(fmt.Sprintf("the domain name has %d characters; the most is %d", len(name), maxDomain), "")
	case len(labels) == 1:
		return invalid(quote(t.Value)+" is not a fully qualified name", "services and pods of the cluster are named by podSelector")
	}
	return name
}
