// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/cilium/cilium/pkg/crypto/certificatemanager"
	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/k8s"
	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/policy/utils"
	testidentity "github.com/cilium/cilium/pkg/testutils/identity"
	testpolicy "github.com/cilium/cilium/pkg/testutils/policy"
	"github.com/cilium/cilium/pkg/u8proto"
)

// clusterName is the agent's default, and what selectors are narrowed to.
const clusterName = "default"

// quiet drops Cilium's log: what matters comes back as an error.
var quiet = slog.New(slog.DiscardHandler)

// configure sets Cilium's process-wide options to what an agent with default
// flags on Kubernetes has: all that differs from the packages' own defaults.
var configure = sync.OnceValue(func() error {
	policy.SetPolicyEnabled(option.DefaultEnforcement)
	// allow-localhost: auto means always on Kubernetes (daemon/cmd).
	option.Config.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostAlways
	api.InitEntities(clusterName)
	return labelsfilter.ParseLabelPrefixCfg(quiet, nil, nil, "")
})

// Cilium judges the CiliumNetworkPolicy and NetworkPolicy documents of a tree as
// an agent of Cilium 1.20 with default flags does.
//
// What an emitter has to respect is said where it is decided: identities.go for
// selectors, labels, addresses and names; l4.go for deny, default deny, ports
// and ICMP; http.go and dns.go for L7; program.go for the size of expressions.
// cilium_test.go has a case for each.
type Cilium struct {
	repo      *policy.Repository
	idmgr     identitymanager.IDManager
	ids       *identities
	endpoints map[string]*endpoint // by pod
}

// NewCilium loads all policies of docs. It fails where the agent would not
// enforce the policy as it is written: a rule that Sanitize refuses, rules that
// do not merge for some pod, an expression that Envoy would refuse (it then
// keeps none of the pod's policies), and features that the oracle does not know.
func NewCilium(c Cluster, docs Documents) (*Cilium, error) {
	if err := configure(); err != nil {
		return nil, err
	}
	entries, err := policyEntries(docs)
	if err != nil {
		return nil, err
	}
	ids, err := newIdentities(c, entries)
	if err != nil {
		return nil, err
	}
	o := &Cilium{ids: ids, endpoints: map[string]*endpoint{}}
	o.idmgr = identitymanager.NewIDManager(quiet)
	translator := envoypolicy.NewEnvoyL7RulesTranslator(quiet, certificatemanager.NewMockSecretManagerNotFound())
	o.repo = policy.NewPolicyRepository(quiet, ids.known(), nil, translator, o.idmgr, testpolicy.NewPolicyMetricsNoop())
	o.repo.GetSelectorCache().SetLocalIdentityNotifier(testidentity.NewDummyIdentityNotifier())
	o.idmgr.Subscribe(testpolicy.SelectorCacheObserver{Cache: o.repo.GetSubjectSelectorCache()})
	for _, id := range ids.all {
		o.idmgr.Add(id)
	}
	o.repo.MustAddPolicyEntries(entries)

	byIdentity := map[identity.NumericIdentity]*endpoint{}
	for _, pod := range slices.Sorted(maps.Keys(ids.pods)) {
		id := ids.pods[pod]
		ep, ok := byIdentity[id.ID]
		if !ok {
			if ep, err = o.newEndpoint(id, len(byIdentity)+1); err != nil {
				return nil, fmt.Errorf("policies of pod %s: %w", pod, err)
			}
			byIdentity[id.ID] = ep
		}
		o.endpoints[pod] = ep
	}
	return o, nil
}

func policyEntries(docs Documents) (types.PolicyEntries, error) {
	var entries types.PolicyEntries
	for _, p := range docs.Cilium {
		if p.Namespace == "" {
			return nil, fmt.Errorf("CiliumNetworkPolicy %s: no namespace", p.Name)
		}
		// Parse sanitizes in place, so that a second load would see it twice.
		rules, err := p.DeepCopy().Parse(quiet, clusterName)
		if err != nil {
			return nil, fmt.Errorf("CiliumNetworkPolicy %s/%s: %w", p.Namespace, p.Name, err)
		}
		for _, r := range rules {
			if err := checkKnown(r); err != nil {
				return nil, fmt.Errorf("CiliumNetworkPolicy %s/%s: %w", p.Namespace, p.Name, err)
			}
		}
		entries = append(entries, utils.RulesToPolicyEntries(rules)...)
	}
	for _, p := range docs.slim {
		e, err := k8s.ParseNetworkPolicy(quiet, clusterName, p)
		if err != nil {
			return nil, fmt.Errorf("NetworkPolicy %s/%s: %w", p.Namespace, p.Name, err)
		}
		entries = append(entries, e...)
	}
	return entries, nil
}

// checkKnown refuses what the oracle does not model.
func checkKnown(r *api.Rule) error {
	ports := func(rules api.PortRules) error {
		for _, p := range rules {
			if p.TerminatingTLS != nil || p.OriginatingTLS != nil || len(p.ServerNames) > 0 || p.Listener != nil {
				return fmt.Errorf("the oracle knows no TLS or listener rules")
			}
			if p.Rules == nil {
				continue
			}
			for _, h := range p.Rules.HTTP {
				if len(h.HeaderMatches) > 0 {
					return fmt.Errorf("the oracle knows no headerMatches")
				}
			}
		}
		return nil
	}
	for _, in := range r.Ingress {
		if in.Authentication != nil || in.FromNodes != nil || in.FromGroups != nil {
			return fmt.Errorf("the oracle knows no authentication, nodes or groups")
		}
		if err := ports(in.ToPorts); err != nil {
			return err
		}
	}
	for _, eg := range r.Egress {
		if eg.Authentication != nil || eg.ToNodes != nil || eg.ToGroups != nil || eg.ToServices != nil {
			return fmt.Errorf("the oracle knows no authentication, nodes, groups or services")
		}
		if err := ports(eg.ToPorts); err != nil {
			return err
		}
	}
	return nil
}

// endpoint is what an agent computes for the pods of one identity. It
// implements policy.PolicyOwner.
type endpoint struct {
	number uint64
	policy *policy.EndpointPolicy
}

func (e *endpoint) GetID() uint64                                      { return e.number }
func (e *endpoint) GetIngressNamedPort(string, u8proto.U8proto) uint16 { return 0 }
func (e *endpoint) PolicyDebug(string, ...any)                         {}
func (e *endpoint) IsHost() bool                                       { return false }
func (e *endpoint) PreviousMapStateSizes() policy.MapStateSizes        { return policy.MapStateSizes{} }

func (e *endpoint) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool {
	done := make(chan bool)
	close(done)
	return done
}

// The ports on which the proxies pretend to listen.
const (
	envoyPort = 10001
	dnsPort   = 10002
)

// newEndpoint resolves the policies of an identity, creates the redirects as
// the agent's endpoint does, and distils the map state.
func (o *Cilium) newEndpoint(id *identity.Identity, number int) (*endpoint, error) {
	selected, _, err := o.repo.ComputeSelectorPolicy(id)
	if err != nil {
		return nil, err
	}
	e := &endpoint{number: uint64(number)}
	redirects := map[string]uint16{}
	for filter, t := range selected.RedirectFilters() {
		port := uint16(envoyPort)
		if t.Policy.GetL7Parser() == policy.ParserTypeDNS {
			if filter.EndPort != 0 {
				// Two filters then have rules for one port of the DNS proxy,
				// which keeps those that came last.
				return nil, fmt.Errorf("DNS rules on port %d with an endPort", filter.Port)
			}
			port = dnsPort
		}
		proxyID := policy.ProxyID(uint16(number), filter.Ingress, string(filter.Protocol), filter.Port, "")
		if other, ok := redirects[proxyID]; ok && other != port {
			return nil, fmt.Errorf("port %d has both HTTP and DNS rules", filter.Port)
		}
		redirects[proxyID] = port
		for _, r := range t.Policy.EnvoyHTTPRules().GetHttpRules() {
			if err := checkEnvoyRule(r); err != nil {
				return nil, err
			}
		}
	}
	e.policy = selected.DistillPolicy(quiet, e, redirects)
	return e, nil
}
