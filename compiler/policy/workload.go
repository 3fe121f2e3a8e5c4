// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/avert-dev/avert/compiler/diag"

// Workload is what a Deployment, StatefulSet, DaemonSet, Job, CronJob or Pod
// says about its pods.
type Workload struct {
	// APIVersion and Kind are those of the object, such as apps/v1 Deployment.
	APIVersion, Kind string
	Namespace, Name  string
	Labels           map[string]string // of the pod
	HostNetwork      bool
	Containers       []Container
	Span             diag.Span // of metadata.name
}

// ContainerKind says in which list of the pod a container stands.
type ContainerKind uint8

const (
	MainContainer ContainerKind = iota
	InitContainer
	EphemeralContainer
)

// ListKey returns the key of the pod spec that lists containers of the kind.
func (k ContainerKind) ListKey() string {
	return [...]string{"containers", "initContainers", "ephemeralContainers"}[k]
}

const (
	// AppArmorAnnotation and a container's name are the key of the pod's annotation
	// that names the container's AppArmor profile before Kubernetes 1.30.
	AppArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/"
	// AppArmorUnconfined is what a container is that wants no profile.
	AppArmorUnconfined = "unconfined"
)

// SELinuxOptions are the parts of a label that a workload names itself; what it
// leaves open is "".
type SELinuxOptions struct{ User, Role, Type, Level string }

// Container is one container of a workload.
type Container struct {
	Name string
	Kind ContainerKind
	// AddCapabilities and DropCapabilities are as given, without CAP_, sorted;
	// ALL may be among them.
	AddCapabilities, DropCapabilities []string
	Privileged                        bool
	// AllowPrivilegeEscalation is nil when the workload does not say.
	// no_new_privs is set when it is false; unknown counts as set.
	AllowPrivilegeEscalation *bool
	// SeccompProfile is the localhostProfile that the workload itself names for
	// the container, or "".
	SeccompProfile string
	// AppArmorProfile is the AppArmor profile that the workload itself asks for:
	// a name, AppArmorUnconfined, or "" for the runtime's own.
	AppArmorProfile string
	// AppArmorAnnotated says that the pod has an AppArmorAnnotation for the
	// container. From Kubernetes 1.30 on a field beside it must say the same.
	AppArmorAnnotated bool
	// SELinux are the seLinuxOptions that hold for the container: its own, or
	// else its pod's.
	SELinux SELinuxOptions
	Span    diag.Span // of the container's name
}
