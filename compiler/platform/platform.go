// SPDX-License-Identifier: Apache-2.0

// Package platform describes node pools: what kernels, clusters and runtimes
// the artifacts of a compilation are for. It does not know any back-end.
package platform

import (
	"slices"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/linux"
)

// Pool is a set of nodes that are alike.
type Pool struct {
	Name          string
	Kernel        linux.KernelVersion
	LSMs          []string // active ones as in /sys/kernel/security/lsm: "apparmor", "bpf", ...
	Architectures []linux.Arch
	Kubernetes    Version
	CNI           CNI
	Runtime       Runtime
	SELinux       SELinux
	// Folder is where the pool's tree stands in the output: "" when it is the
	// only pool, else its name.
	Folder string
	// Targets are the back-ends that the pool uses, sorted.
	Targets []string
	// TargetSpans are the places of Targets, beside them; empty when the
	// configuration does not name any.
	TargetSpans []diag.Span
	Span        diag.Span
}

// HasLSM says whether a security module is active on the pool's nodes.
func (p *Pool) HasLSM(name string) bool { return slices.Contains(p.LSMs, name) }

// CNI is the network plugin and where its cluster runs DNS.
type CNI struct {
	// Name is "cilium", or another word for a plugin that enforces NetworkPolicy.
	Name    string
	Version Version
	// DNSNamespace and DNSLabels select the pods of the cluster's DNS service.
	DNSNamespace string
	DNSLabels    map[string]string
}

// Runtime is the container runtime, such as containerd 2.1.
type Runtime struct {
	Name    string // "containerd" or "cri-o"
	Version Version
}

// SELinux is what the nodes compile modules of SELinux with.
type SELinux struct {
	// Toolchain is the version of libsepol, and so of secilc and semodule; zero
	// when the pool does not say.
	Toolchain Version
}
