// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"
	"slices"
	"testing"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	emitcilium "github.com/avert-dev/avert/compiler/emit/cilium"
	"github.com/avert-dev/avert/compiler/emit/networkpolicy"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"pgregory.net/rapid"
)

// judge is what a tree does to a flow, on each side that is a pod.
type judge interface {
	judge(f sampledFlow) (Verdict, error)
}

// backends are those of which the emitted objects are judged. NetworkPolicy is
// judged by both engines.
var backends = []struct {
	name   string
	target *emit.Target
	pool   *platform.Pool
	load   func(Cluster, Documents) (judge, error)
	// icmp: the engine has a verdict on it.
	icmp bool
}{
	{"cilium", &emitcilium.Target, pool("cilium"), loadCilium, true},
	{"networkpolicy", &networkpolicy.Target, pool("other"), loadPlain, false},
	{"networkpolicy on Cilium", &networkpolicy.Target, pool("cilium"), loadCilium, true},
}

func pool(cni string) *platform.Pool {
	return &platform.Pool{
		Name: "p", Kubernetes: platform.Version{Major: 1, Minor: 31},
		CNI: platform.CNI{Name: cni, DNSNamespace: "kube-system", DNSLabels: map[string]string{"k8s-app": "kube-dns"}},
	}
}

type ciliumJudge struct{ *Cilium }

func loadCilium(c Cluster, d Documents) (judge, error) {
	o, err := NewCilium(c, d)
	return ciliumJudge{o}, err
}

func (o ciliumJudge) judge(f sampledFlow) (Verdict, error) {
	if f.request != nil {
		return o.HTTP(f.Flow, *f.request)
	}
	v, err := o.Connect(f.Flow)
	for _, h := range []*Hop{&v.Egress, &v.Ingress} {
		h.Allowed = h.Allowed && h.Proxy != HTTP // which lets nothing else through
	}
	return v, err
}

type plainJudge struct{ *NetworkPolicies }

func loadPlain(c Cluster, d Documents) (judge, error) {
	n, err := NewNetworkPolicies(c, d)
	return plainJudge{n}, err
}

func (n plainJudge) judge(f sampledFlow) (Verdict, error) { return n.Connect(f.Flow) }

// compiled is what a back-end makes of policies.
type compiled struct {
	policies []*policy.Policy
	stream   []byte
	status   map[string]emit.Status // by policy and rule
}

func compile(target *emit.Target, pool *platform.Pool, ps []*policy.Policy) compiled {
	list := &diag.List{}
	out := target.Emit(emit.Input{Program: lower.Program(&policy.Set{Policies: ps}, list), Pool: pool})
	c := compiled{policies: ps, status: map[string]emit.Status{}}
	for _, f := range out.Files {
		c.stream = append(append(c.stream, f.Data...), "---\n"...)
	}
	for _, l := range out.Lowerings {
		c.status[l.Policy.ID()+" "+l.Rule] = l.Status
	}
	return c
}

// side is what the language decides about one end of a flow that is a pod.
func side(c Cluster, ps []*policy.Policy, f sampledFlow, d policy.Direction) (governing []*policy.Policy, op policy.Operation, ok bool) {
	subject, peer := f.From, f.To
	if d == policy.Ingress {
		subject, peer = f.To, f.From
	}
	pod := c.pod(subject)
	if pod == nil {
		return nil, op, false
	}
	for _, p := range ps {
		if p.Namespace == pod.Namespace && p.Selector.Matches(pod.Labels) {
			governing = append(governing, p)
		}
	}
	flow := policy.Flow{Direction: d, Family: "inet", Protocol: f.Protocol, Port: f.Port, Type: "stream"}
	switch f.Protocol {
	case "ICMP":
		flow.Protocol, flow.Port, flow.Type = "", 0, "raw"
	case "UDP":
		flow.Type = "dgram"
	}
	if f.request != nil {
		flow.HTTP = &policy.HTTPRequest{Method: f.request.Method, Path: f.request.Target}
	}
	if other := c.pod(peer); other != nil {
		labels := map[string]string{"kubernetes.io/metadata.name": other.Namespace}
		for k, v := range c.Namespaces[other.Namespace] {
			labels[k] = v
		}
		flow.Peer.Pod = &policy.Pod{Namespace: other.Namespace, Labels: other.Labels, NamespaceLabels: labels}
		flow.Peer.ClusterDNS = other.Namespace == "kube-system" && other.Labels["k8s-app"] == "kube-dns"
		if f.family6 {
			flow.Family = "inet6"
		}
	} else {
		flow.Peer.Addr = peer.addr
		if peer.addr.Is6() {
			flow.Family = "inet6"
		}
		for name, addrs := range c.Names {
			if slices.Contains(addrs, peer.addr) {
				flow.Peer.Names = append(flow.Peer.Names, name)
			}
		}
		slices.Sort(flow.Peer.Names)
	}
	return governing, policy.Operation{Kind: policy.OpNetwork, Flow: flow, Lineage: f.lineage}, true
}

func (c Cluster) pod(p Peer) *Pod {
	i := slices.IndexFunc(c.Pods, func(q Pod) bool { return p.pod == q.Namespace+"/"+q.Name })
	if i < 0 {
		return nil
	}
	return &c.Pods[i]
}

// disagreement compares a verdict with the language's. Nothing that is allowed
// may be blocked; and what is blocked may be allowed only where no Block that
// blocks it, rule or default, claims to be held exactly.
func (c compiled) disagreement(cluster Cluster, f sampledFlow, got Verdict) string {
	for _, end := range []struct {
		direction policy.Direction
		allowed   bool
	}{{policy.Egress, got.Egress.Allowed}, {policy.Ingress, got.Ingress.Allowed}} {
		governing, op, ok := side(cluster, c.policies, f, end.direction)
		if !ok {
			continue
		}
		v := reference.Decide(governing, op, nil).Verdict
		if v.Action != policy.Block && !end.allowed {
			return fmt.Sprintf("%s of %s is blocked, and %s of %s allows it", end.direction, f, v.Rule.Rule, v.Rule.Policy)
		}
		for v.Action == policy.Block && end.allowed {
			if c.status[v.Rule.Policy+" "+v.Rule.Rule] == emit.Exact {
				return fmt.Sprintf("%s of %s is allowed, and %s of %s, which is held exactly, blocks it", end.direction, f, v.Rule.Rule, v.Rule.Policy)
			}
			governing = without(governing, v.Rule, end.direction)
			v = reference.Decide(governing, op, nil).Verdict
		}
	}
	return ""
}

// without returns the policies without the rule or default that blocked.
func without(ps []*policy.Policy, r policy.RuleRef, d policy.Direction) []*policy.Policy {
	ps = slices.Clone(ps)
	for i, p := range ps {
		if p.ID() != r.Policy {
			continue
		}
		q, network := *p, *p.Network
		q.Network = &network
		switch {
		case r.Rule != "network/default":
			network.Rules = slices.DeleteFunc(slices.Clone(network.Rules), func(n policy.NetworkRule) bool { return n.ID() == r.Rule })
		case d == policy.Ingress:
			network.Ingress = policy.Allow
		default:
			network.Egress = policy.Allow
		}
		ps[i] = &q
	}
	return ps
}

func (f sampledFlow) String() string {
	s := f.Flow.String()
	if f.request != nil {
		s += " " + f.request.Method + " " + f.request.Target
	}
	return s + fmt.Sprint(" ", f.lineage, " inet6:", f.family6)
}

// relevant says whether the engine can judge the flow as what it is meant to be.
func relevant(icmp bool, f sampledFlow) bool { return icmp || f.Protocol != "ICMP" }

// What back-ends emit does what the policies say, as far as they claim.
//
//proves:cilium random
//proves:cilium network/default-block network/pods network/any-peer network/cidr network/port-range network/dns network/fqdn network/http network/audit network/from
//proves:cilium network/block-pods network/block-cidr
//proves:networkpolicy random
//proves:networkpolicy network/default-block network/pods network/any-peer network/cidr network/port-range network/dns network/fqdn network/http network/audit network/from
//proves:networkpolicy network/block-pods network/block-cidr
func TestLoweringAgrees(t *testing.T) {
	cluster := village()
	for _, b := range backends {
		for _, wild := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, wild %v", b.name, wild), func(t *testing.T) {
				flows, blocked, exact := 0, 0, 0
				rapid.Check(t, func(t *rapid.T) {
					c := compile(b.target, b.pool, samplePolicies(wild).Draw(t, "policies"))
					docs, err := Parse(c.stream)
					if err != nil {
						t.Fatalf("%v\n%s", err, c.stream)
					}
					o, err := b.load(cluster, docs)
					if err != nil {
						t.Fatalf("%v\n%s", err, c.stream)
					}
					for range 20 {
						f := sampleFlow(cluster).Draw(t, "flow")
						if !relevant(b.icmp, f) {
							continue
						}
						got, err := o.judge(f)
						if err != nil {
							t.Fatal(err)
						}
						if d := c.disagreement(cluster, f, got); d != "" {
							t.Fatalf("%s\n%s\n%v", d, c.stream, c.status)
						}
						flows++
						if !got.Allowed() {
							blocked++
						}
					}
					for _, s := range c.status {
						if s == emit.Exact {
							exact++
						}
					}
				})
				t.Logf("%d flows, %d blocked; %d exact answers", flows, blocked, exact)
				if blocked*10 < flows || blocked*10 > flows*9 {
					t.Errorf("%d of %d flows are blocked: the samples tell little", blocked, flows)
				}
			})
		}
	}
}

// Where a pod may ask the cluster's DNS and some rule names a domain, Cilium
// learns the addresses of names, without which the rule would allow nothing.
func TestLoweringLearnsNames(t *testing.T) {
	cluster := village()
	dns := cluster.pod(PodPeer("kube-system", "p11"))
	learned := 0
	rapid.Check(t, func(t *rapid.T) {
		ps := samplePolicies(false).Draw(t, "policies")
		allow := func(name string, peers ...policy.Peer) {
			n := pick(t, name, ps...).Network
			n.Egress = policy.Block
			rule := policy.Rule{Section: policy.Network, Name: name, Action: policy.Allow}
			n.Rules = append(n.Rules, policy.NetworkRule{Rule: rule, Direction: policy.Egress, Peers: peers})
		}
		allow("name", policy.Peer{Kind: policy.PeerFQDN, FQDN: "api.example.com"})
		allow("dns", pick(t, "how", nil, []policy.Peer{{Kind: policy.PeerDNS}}, []policy.Peer{{Namespaces: &policy.Selector{}}})...)
		c := compile(&emitcilium.Target, pool("cilium"), ps)
		docs, err := Parse(c.stream)
		if err != nil {
			t.Fatal(err)
		}
		o, err := NewCilium(cluster, docs)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range cluster.Pods {
			f := sampledFlow{Flow: Flow{PodPeer(p.Namespace, p.Name), PodPeer(dns.Namespace, dns.Name), pick(t, "protocol", "UDP", "TCP"), 53}}
			governing, op, _ := side(cluster, c.policies, f, policy.Egress)
			governing = slices.DeleteFunc(governing, func(p *policy.Policy) bool { return p.Mode == policy.AuditMode })
			if !names(governing) || reference.Decide(governing, op, nil).Verdict.Action == policy.Block {
				continue
			}
			v, err := o.DNS(f.Flow, "api.example.com")
			if err != nil {
				t.Fatal(err)
			}
			if !v.Egress.Allowed || v.Allowed() && !v.Learned {
				t.Fatalf("%s: %+v\n%s", f, v, c.stream)
			}
			learned++
		}
	})
	if learned < 50 {
		t.Errorf("only %d pods that learn", learned)
	}
}

// names says whether egress is isolated and some rule allows a domain.
func names(ps []*policy.Policy) bool {
	isolated := slices.ContainsFunc(ps, func(p *policy.Policy) bool { return p.Network.Egress == policy.Block })
	return isolated && slices.ContainsFunc(ps, func(p *policy.Policy) bool {
		return slices.ContainsFunc(p.Network.Rules, func(r policy.NetworkRule) bool {
			return r.Action != policy.Block && slices.ContainsFunc(r.Peers, func(p policy.Peer) bool { return p.Kind == policy.PeerFQDN })
		})
	})
}
