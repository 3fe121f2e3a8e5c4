// SPDX-License-Identifier: Apache-2.0

package syntax

// ConfigName is the file that configures a project; it is found by walking up
// from the folder that holds the inputs.
const ConfigName = ".avert.yaml"

// Config says what to generate and for which node pools.
type Config struct {
	At `yaml:"-"`
	// APIVersion is avert.dev/v1alpha1.
	APIVersion Text `yaml:"apiVersion" jsonschema:"required,enum=avert.dev/v1alpha1"`
	// Kind is Config.
	Kind Text `yaml:"kind" jsonschema:"required,enum=Config"`
	// Targets are the back-ends to emit for; absent means all that the pool can take.
	Targets []Text `yaml:"targets"`
	// Pools are the kinds of nodes that the policies run on; absent means one pool of a recent kernel with containerd.
	Pools []Pool `yaml:"pools"`
	// Guardrails says what `avert lint` judges policies by.
	Guardrails *Guardrails `yaml:"guardrails"`
	// Waivers except files from guardrails for a while.
	Waivers []Waiver `yaml:"waivers"`
}

// Pool describes nodes that are alike.
type Pool struct {
	At `yaml:"-"`
	// Name becomes a folder of the output when there are several pools.
	Name Text `yaml:"name" jsonschema:"required"`
	// Kernel is the oldest kernel of the pool, such as "6.1".
	Kernel Text `yaml:"kernel"`
	// LSM lists the active security modules, as in /sys/kernel/security/lsm.
	LSM []Text `yaml:"lsm" jsonschema:"enum=apparmor,enum=selinux,enum=bpf,enum=landlock,enum=lockdown,enum=yama,enum=integrity,enum=capability,enum=safesetid,enum=ima,enum=evm,enum=tomoyo,enum=smack,enum=loadpin,enum=ipe"`
	// Architectures as Go names them.
	Architectures []Text `yaml:"architectures" jsonschema:"enum=amd64,enum=arm64"`
	// Kubernetes is the version of the cluster, such as "1.31".
	Kubernetes Text `yaml:"kubernetes"`
	// CNI is the network plugin.
	CNI *CNI `yaml:"cni"`
	// Runtime is the container runtime.
	Runtime *Runtime `yaml:"runtime"`
	// SELinux is what the nodes load modules of SELinux with.
	SELinux *SELinux `yaml:"selinux"`
	// Targets overrides those of the configuration for this pool.
	Targets []Text `yaml:"targets"`
}

// SELinux is the userspace of SELinux.
type SELinux struct {
	At `yaml:"-"`
	// Toolchain is the version of libsepol, secilc and semodule, such as "3.6".
	Toolchain Text `yaml:"toolchain" jsonschema:"required"`
}

// CNI is a network plugin.
type CNI struct {
	At `yaml:"-"`
	// Name is cilium, or another plugin that enforces NetworkPolicy.
	Name Text `yaml:"name" jsonschema:"required,enum=cilium,enum=calico,enum=antrea,enum=kube-router,enum=ovn-kubernetes,enum=aws-vpc-cni,enum=other,enum=none"`
	// Version such as "1.16".
	Version Text `yaml:"version"`
	// DNS says where the cluster's DNS runs; kube-system and k8s-app: kube-dns when absent.
	DNS *ClusterDNS `yaml:"dns"`
}

// ClusterDNS selects the pods of the cluster's DNS service.
type ClusterDNS struct {
	At `yaml:"-"`
	// Namespace of the pods.
	Namespace Text `yaml:"namespace" jsonschema:"required"`
	// MatchLabels of the pods.
	MatchLabels Labels `yaml:"matchLabels" jsonschema:"required"`
}

// Runtime is a container runtime.
type Runtime struct {
	At `yaml:"-"`
	// Name of the runtime.
	Name Text `yaml:"name" jsonschema:"required,enum=containerd,enum=cri-o"`
	// Version such as "2.1".
	Version Text `yaml:"version"`
}
