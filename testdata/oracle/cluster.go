// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"
	"net/netip"
)

// Cluster is the world in which policies are judged: dual-stack, one cluster.
type Cluster struct {
	// Namespaces holds the labels of each namespace. The label
	// kubernetes.io/metadata.name is added, as the API server does.
	Namespaces map[string]map[string]string
	Pods       []Pod
	// Names holds the addresses, all outside the cluster, that the DNS proxy
	// has seen in answers, by name without a final dot. An address may have
	// several names.
	Names map[string][]netip.Addr
}

// Pod is one pod in its own network namespace. Pods on the host's network have
// the host's identity and are beyond policies: use Host.
type Pod struct {
	Namespace, Name string
	Labels          map[string]string
	IP              netip.Addr
}

// Entity is a peer that is neither a pod nor a plain address.
type Entity string

// The entities that Cilium knows by a reserved identity.
const (
	Host       Entity = "host"        // the node that the pod runs on
	RemoteNode Entity = "remote-node" // any other node
	APIServer  Entity = "kube-apiserver"
)

// Peer is one end of a flow: a pod, an address outside the cluster, or an entity.
type Peer struct {
	pod    string
	addr   netip.Addr
	entity Entity
}

// PodPeer names a pod of the cluster.
func PodPeer(namespace, name string) Peer { return Peer{pod: namespace + "/" + name} }

// Address is a host outside the cluster. An IPv4-mapped address is IPv4.
func Address(addr netip.Addr) Peer { return Peer{addr: addr.Unmap()} }

// EntityPeer is an entity of the cluster.
func EntityPeer(e Entity) Peer { return Peer{entity: e} }

func (p Peer) String() string {
	switch {
	case p.pod != "":
		return p.pod
	case p.entity != "":
		return string(p.entity)
	}
	return p.addr.String()
}

// Flow is a connection attempt: From initiates. Port is the destination's port,
// or the type for ICMP and ICMPv6. Port 0 is not a flow.
type Flow struct {
	From, To Peer
	Protocol string // TCP, UDP, SCTP, ICMP or ICMPv6
	Port     uint16
}

func (f Flow) String() string {
	return fmt.Sprintf("%s -> %s %s/%d", f.From, f.To, f.Protocol, f.Port)
}

// Proxy is what a hop sends the connection through.
type Proxy string

// The proxies. HTTP means that only HTTP gets through the hop at all.
const (
	Direct Proxy = ""
	HTTP   Proxy = "http"
	DNS    Proxy = "dns"
)

// Hop is the answer of one side of a flow.
type Hop struct {
	Allowed bool
	Proxy   Proxy
}

// Verdict is the answer to a flow: egress at the source, ingress at the
// destination. What is not a pod answers with an allowed, direct hop.
type Verdict struct {
	Egress, Ingress Hop
}

// Allowed reports whether both sides allow the flow.
func (v Verdict) Allowed() bool { return v.Egress.Allowed && v.Ingress.Allowed }

// index indexes the cluster's pods and completes the namespaces' labels.
func (c Cluster) index() (pods map[string]Pod, namespaces map[string]map[string]string, err error) {
	namespaces = make(map[string]map[string]string, len(c.Namespaces))
	for name, labels := range c.Namespaces {
		all := map[string]string{"kubernetes.io/metadata.name": name}
		for k, v := range labels {
			all[k] = v
		}
		namespaces[name] = all
	}
	pods = make(map[string]Pod, len(c.Pods))
	for _, p := range c.Pods {
		key := p.Namespace + "/" + p.Name
		if _, ok := namespaces[p.Namespace]; !ok {
			return nil, nil, fmt.Errorf("pod %s: no such namespace", key)
		}
		if !p.IP.IsValid() {
			return nil, nil, fmt.Errorf("pod %s: no address", key)
		}
		if _, ok := pods[key]; ok {
			return nil, nil, fmt.Errorf("pod %s: given twice", key)
		}
		pods[key] = p
	}
	return pods, namespaces, nil
}
