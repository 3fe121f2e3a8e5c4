// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/cilium/cilium/pkg/identity"
	k8sutils "github.com/cilium/cilium/pkg/k8s/utils"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
)

// identities maps peers to Cilium's security identities, which are all that a
// selector sees of a peer.
//
// Pods (SanitizePodLabels, labelsfilter.Filter). The identity has the pod's
// labels, its namespace's name and labels, its service account and cluster.
//   - Some labels never become part of the identity, so a selector on them
//     matches no pod (and with NotIn or DoesNotExist, every pod): keys that begin
//     with io.kubernetes, kubernetes.io, k8s.io, anything*beta.kubernetes.io,
//     pod-template-generation, pod-template-hash, controller-revision-hash,
//     controller-uid, annotation, etcd_node, topology.kubernetes.io, and
//     statefulset.kubernetes.io/pod-name, apps.kubernetes.io/pod-index,
//     batch.kubernetes.io/job-completion-index and /controller-uid. Labels of the
//     namespace and app.kubernetes.io/* always do.
//   - A namespace selector is a requirement on
//     k8s:io.cilium.k8s.namespace.labels.KEY in the same endpoint selector as the
//     pod's labels. Without one and without k8s:io.kubernetes.pod.namespace, a
//     peer selector is narrowed to the policy's own namespace
//     (getEndpointSelector): `{}` is "all pods of this namespace", and "all pods
//     of all namespaces" is Exists on io.kubernetes.pod.namespace.
//   - A key without a source matches any source ("any:"). An endpointSelector
//     always applies to the policy's own namespace.
//   - A selector with a key of source "reserved" is not narrowed at all.
//
// Addresses (ipcache metadata, CIDRSelector.Matches). An address outside the
// cluster has the label of the longest prefix that any policy names, in cidr or
// except, and matches every prefix that contains that one.
//   - A pod or node is never selected by CIDR, whatever its address: cidr peers
//     name addresses outside the cluster, exactly as the language has it.
//   - 0.0.0.0/0 is reserved:world-ipv4 on a dual-stack cluster; it covers no
//     cluster peer and no IPv6.
//
// Names (namemanager's deriveLabelsForName). An address that the DNS proxy has
// seen in an answer carries the label of every toFQDNs selector that one of its
// names matches, beside its CIDR label. An address that it has not seen is just
// an address: toFQDNs needs a DNS rule on the query's path (see DNSVerdict).
//   - Names that resolve to pods or nodes are never selected by toFQDNs.
//   - Names share addresses: allowing one name of an address allows all of them.
//   - There is no deny by name.
type identities struct {
	all      []*identity.Identity
	pods     map[string]*identity.Identity
	prefixes []prefixIdentity // longest first
	named    map[netip.Addr]*identity.Identity
}

type prefixIdentity struct {
	prefix netip.Prefix
	id     *identity.Identity
}

func newIdentities(c Cluster, entries types.PolicyEntries) (*identities, error) {
	pods, namespaces, err := c.index()
	if err != nil {
		return nil, err
	}
	ids := &identities{
		pods:  make(map[string]*identity.Identity, len(pods)),
		named: map[netip.Addr]*identity.Identity{},
	}
	identity.IterateReservedIdentities(func(_ identity.NumericIdentity, id *identity.Identity) {
		ids.all = append(ids.all, id)
	})

	allocated := map[string]*identity.Identity{}
	allocate := func(lbls labels.Labels) *identity.Identity {
		if id := identity.LookupReservedIdentityByLabels(lbls); id != nil {
			return id
		}
		key := string(lbls.SortedList())
		id, ok := allocated[key]
		if !ok {
			number := identity.ScopeForLabels(lbls) + identity.NumericIdentity(identity.MinimalNumericIdentity) + identity.NumericIdentity(len(allocated))
			id = identity.NewIdentity(number, lbls)
			allocated[key] = id
			ids.all = append(ids.all, id)
		}
		return id
	}

	for _, key := range slices.Sorted(maps.Keys(pods)) {
		p := pods[key]
		ns := namespace{p.Namespace, namespaces[p.Namespace]}
		all := k8sutils.SanitizePodLabels(p.Labels, ns, "default", clusterName)
		relevant, _ := labelsfilter.Filter(labels.Map2Labels(all, labels.LabelSourceK8s))
		ids.pods[key] = allocate(relevant)
	}

	prefixes := map[netip.Prefix]bool{
		netip.MustParsePrefix("0.0.0.0/0"): true,
		netip.MustParsePrefix("::/0"):      true,
	}
	names := map[api.FQDNSelector]bool{}
	for _, e := range entries {
		for _, s := range e.L3 {
			for _, p := range s.GetCIDRPrefixes() {
				prefixes[p.Masked()] = true
			}
			if f, ok := s.GetFQDNSelector(); ok {
				names[*f] = true
			}
		}
	}
	for p := range prefixes {
		ids.prefixes = append(ids.prefixes, prefixIdentity{prefix: p})
	}
	slices.SortFunc(ids.prefixes, func(a, b prefixIdentity) int {
		if d := b.prefix.Bits() - a.prefix.Bits(); d != 0 {
			return d
		}
		return a.prefix.Addr().Compare(b.prefix.Addr())
	})
	for i, p := range ids.prefixes {
		ids.prefixes[i].id = allocate(labels.GetCIDRLabels(p.prefix))
	}

	byAddress := map[netip.Addr]labels.Labels{}
	for name, addrs := range c.Names {
		for s := range names {
			re, err := s.ToRegex()
			if err != nil {
				return nil, fmt.Errorf("toFQDNs %s: %w", s.String(), err)
			}
			if !re.MatchString(dnsName(name)) {
				continue
			}
			l := s.IdentityLabel()
			for _, a := range addrs {
				a = a.Unmap()
				if byAddress[a] == nil {
					byAddress[a] = labels.GetCIDRLabels(ids.longest(a).prefix)
				}
				byAddress[a][l.Key] = l
			}
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(byAddress), netip.Addr.Compare) {
		ids.named[a] = allocate(byAddress[a])
	}
	return ids, nil
}

// known is the set of identities in the form of the selector cache.
func (ids *identities) known() identity.IdentityMap {
	m := identity.IdentityMap{}
	for _, id := range ids.all {
		m[id.ID] = id.LabelArray
	}
	return m
}

// longest is the longest prefix of the policies that contains addr.
func (ids *identities) longest(addr netip.Addr) prefixIdentity {
	i := slices.IndexFunc(ids.prefixes, func(p prefixIdentity) bool { return p.prefix.Contains(addr) })
	return ids.prefixes[i]
}

func (ids *identities) of(p Peer) (*identity.Identity, error) {
	switch {
	case p.pod != "":
		if id, ok := ids.pods[p.pod]; ok {
			return id, nil
		}
		return nil, fmt.Errorf("no pod %s", p)
	case p.entity != "":
		number := identity.GetReservedID(string(p.entity))
		if number == identity.IdentityUnknown {
			return nil, fmt.Errorf("no entity %s", p)
		}
		return identity.LookupReservedIdentity(number), nil
	case !p.addr.IsValid():
		return nil, fmt.Errorf("a peer that is nothing")
	}
	if id, ok := ids.named[p.addr]; ok {
		return id, nil
	}
	return ids.longest(p.addr).id, nil
}

// namespace is what SanitizePodLabels reads of a namespace.
type namespace struct {
	name   string
	labels map[string]string
}

func (n namespace) GetName() string              { return n.name }
func (n namespace) GetLabels() map[string]string { return n.labels }
