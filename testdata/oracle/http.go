// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/u8proto"
	ciliumenvoy "github.com/cilium/proxy/go/cilium/api"
	envoyroute "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
)

// Request is an HTTP request as Envoy sees it after normalization. With
// Cilium's defaults Envoy resolves `.` and `..`, merges slashes, and answers an
// escaped slash with a redirect, before it asks the policy.
type Request struct {
	Method string
	Target string // :path: the path, and the query with its question mark
	Host   string // :authority: the Host header, with its port when it has one
	Header map[string]string
}

// HTTP judges a request on the connection f.
//
// L4 beside L7, in the order in which Cilium decides (the names are functions
// of pkg/policy, pkg/envoy and Cilium's Envoy filter network_policy.cc):
//
//   - Rules for the same port, protocol and selector are merged
//     (mergePortProto): lists of HTTP rules are united; a rule without HTTP rules
//     adds a wildcard rule (appendL7WildcardRule). So an L4 rule beside an L7 rule
//     of the same peer allows every request, and only HTTP still gets through.
//   - Different selectors are kept apart, also when both select the same peer.
//     In the map state a redirect has precedence over a plain allow of the same
//     port or a broader one (ToPrecedenceWithListenerPriority): the connection
//     goes through Envoy, for every remote that any HTTP rule of the port selects.
//   - Envoy gets all rules of the port, of every port range around it and of all
//     ports (GetDirectionNetworkPolicy; PortNetworkPolicy in the filter), and
//     allows the request when any rule that selects the remote allows it
//     (forEachRule): a rule without HTTP rules allows all. So here too an L4 rule
//     beside an L7 rule switches L7 off, whatever selectors they use, be it a
//     rule for all ports or for the world. HTTP rules of several selectors that
//     select the same remote are united.
//   - A Deny is decided first, in the map state, and is never weakened by L7.
//   - In a direction whose default is not deny (enableDefaultDeny false), every
//     list of HTTP rules gets a wildcard rule (ensureWildcard): L7 rules restrict
//     nothing there.
//   - HTTP rules are for TCP and never for port 0; ranges are possible. There is
//     no L7 Deny, and no HTTP rules for toFQDNs' names: Host is a header.
//
// How one HTTP rule matches (getHTTPRule, HttpNetworkPolicyRule.allowed): path,
// method, host are RE2 expressions that must match the whole of :path, :method,
// :authority; absent ones match all. :path has the query, so an exact path
// without a word on the query refuses every request with one. :authority has
// the port. Methods are case-sensitive. Write `^/path`, see ProgramSize.
//
// A request that is refused gets 403; the connection exists.
func (o *Cilium) HTTP(f Flow, r Request) (Verdict, error) {
	v, egress, ingress, err := o.connect(f)
	if err != nil {
		return v, err
	}
	if u8proto.U8proto(egress.transport) != u8proto.TCP {
		return v, fmt.Errorf("%s: HTTP needs TCP", f)
	}
	v.Egress.Allowed = egress.allowsHTTP(r)
	v.Ingress.Allowed = ingress.allowsHTTP(r)
	return v, nil
}

func (h hop) allowsHTTP(r Request) bool {
	switch {
	case !h.Allowed || h.Proxy == Direct:
		return h.Allowed
	case h.Proxy == DNS:
		return false // the DNS proxy speaks no HTTP
	}
	// PortNetworkPolicyRules::forEachRule goes by precedence and stops at the
	// first verdict. A Deny for this remote and port was decided before Envoy, and
	// rules that do not match have no verdict: what is left is a union.
	snapshot := h.endpoint.policy.GetPolicySelectors()
	for filter := range h.filters().Filters() {
		if filter.U8Proto != u8proto.TCP && filter.U8Proto != u8proto.ANY || !covers(filter, h.port) {
			continue
		}
		for selector, p := range filter.PerSelectorPolicies {
			if slices.Contains(selector.GetSelectionsAt(snapshot), h.remote) && allowsRequest(p, r) {
				return true
			}
		}
	}
	return false
}

func allowsRequest(p *policy.PerSelectorPolicy, r Request) bool {
	if p == nil || p.EnvoyHTTPRules() == nil {
		return true
	}
	return slices.ContainsFunc(p.EnvoyHTTPRules().HttpRules, func(rule *ciliumenvoy.HttpNetworkPolicyRule) bool {
		return matchesHTTP(rule, r)
	})
}

func covers(filter *policy.L4Filter, port uint16) bool {
	first, last := filter.Port, max(filter.Port, filter.EndPort)
	return first == 0 || first <= port && port <= last
}

func matchesHTTP(rule *ciliumenvoy.HttpNetworkPolicyRule, r Request) bool {
	for _, m := range rule.Headers {
		if !matchesHeader(m, r) {
			return false
		}
	}
	return true
}

// matchesHeader is Envoy's HeaderUtility::matchHeaders for the matchers that
// getHTTPRule makes of all but headerMatches.
func matchesHeader(m *envoyroute.HeaderMatcher, r Request) bool {
	value, present := "", true
	switch m.Name {
	case ":path":
		value = r.Target
	case ":method":
		value = r.Method
	case ":authority":
		value = r.Host
	default:
		value, present = r.header(m.Name)
	}
	if !present {
		return false
	}
	switch s := m.GetStringMatch(); {
	case s == nil: // presence
		return true
	case s.GetSafeRegex() != nil:
		re, err := compileFull(s.GetSafeRegex().Regex)
		return err == nil && re.MatchString(value)
	default:
		return s.GetExact() == value
	}
}

func (r Request) header(name string) (string, bool) {
	for k, v := range r.Header {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return "", false
}

// checkEnvoyRule refuses expressions that Envoy refuses. Sanitize looks at path
// and method, not at host, and at no size.
func checkEnvoyRule(rule *ciliumenvoy.HttpNetworkPolicyRule) error {
	for _, m := range rule.Headers {
		re := m.GetStringMatch().GetSafeRegex().GetRegex()
		size, err := ProgramSize(re)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		if size > MaxProgramSize {
			return fmt.Errorf("%s: %q has a program size of about %d; Envoy refuses more than %d, and all policies of the pod with it", m.Name, re, size, MaxProgramSize)
		}
	}
	return nil
}

// compileFull compiles for a match of the whole value, as Envoy's safe_regex
// (RE2::FullMatch) does. Go's syntax is RE2's.
func compileFull(re string) (*regexp.Regexp, error) { return regexp.Compile(`\A(?:` + re + `)\z`) }
