// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/fqdn/matchpattern"
	"github.com/cilium/cilium/pkg/policy"
)

// DNSVerdict is the answer to a DNS query.
type DNSVerdict struct {
	Verdict
	// Learned: the DNS proxy sees the answer, so that toFQDNs selects the
	// addresses in it. Without a DNS rule on the way it never does.
	Learned bool
}

// DNS judges the query of a name on the flow f to a DNS server.
//
//   - DNS rules exist for egress only, for TCP, UDP or ANY, without port ranges.
//     They send the port's connections through the DNS proxy, which allows a name
//     when the rules of any selector of that port that selects the server match it
//     (DNSProxy.CheckAllowed, GeneratePattern); an L4 rule of the same port allows
//     all names. A refused query is answered with REFUSED.
//   - Unlike Envoy, the DNS proxy knows nothing of rules of other ports: a rule
//     for all ports beside a DNS rule does not open it. A rule for the same server
//     and a range around the port does not either.
//   - matchName is one name; in matchPattern `*` is any run without a dot, "*"
//     alone is every name, and a leading `**.` is one label or more. Names are
//     compared in lower case.
//   - Pods ask with their search list first (name.ns.svc.cluster.local and so on):
//     those queries are refused where only the name itself is allowed, and most
//     resolvers then go on.
func (o *Cilium) DNS(f Flow, name string) (DNSVerdict, error) {
	v, egress, _, err := o.connect(f)
	if err != nil {
		return DNSVerdict{}, err
	}
	d := DNSVerdict{Verdict: v}
	if egress.Proxy == DNS {
		if d.Egress.Allowed, err = egress.allowsName(name); err != nil {
			return DNSVerdict{}, err
		}
		d.Learned = d.Allowed()
	}
	if egress.Proxy == HTTP {
		d.Egress.Allowed = false
	}
	return d, nil
}

func (h hop) allowsName(name string) (bool, error) {
	snapshot := h.endpoint.policy.GetPolicySelectors()
	for filter := range h.filters().Filters() {
		if filter.Port != h.port || filter.U8Proto != h.transport || filter.EndPort != 0 {
			continue
		}
		for selector, p := range filter.PerSelectorPolicies {
			if !slices.Contains(selector.GetSelectionsAt(snapshot), h.remote) {
				continue
			}
			re, err := namePattern(p)
			if err != nil {
				return false, fmt.Errorf("DNS rules: %w", err)
			}
			if re.MatchString(dnsName(name)) {
				return true, nil
			}
		}
	}
	return false, nil
}

// namePattern is dnsproxy.GeneratePattern.
func namePattern(p *policy.PerSelectorPolicy) (*regexp.Regexp, error) {
	if p == nil || len(p.DNS) == 0 {
		return regexp.MustCompile(""), nil
	}
	var alternatives []string
	for _, rule := range p.DNS {
		if rule.MatchName != "" {
			alternatives = append(alternatives, matchpattern.ToUnAnchoredRegexp(dnsName(rule.MatchName)))
		}
		if rule.MatchPattern != "" {
			alternatives = append(alternatives, matchpattern.ToUnAnchoredRegexp(matchpattern.Sanitize(rule.MatchPattern)))
		}
	}
	return regexp.Compile("^(?:" + strings.Join(alternatives, "|") + ")$")
}

// dnsName is the name as Cilium compares it: in lower case, with a final dot.
func dnsName(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, ".")) + "."
}
