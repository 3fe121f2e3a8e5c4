// SPDX-License-Identifier: Apache-2.0

package syntax

// WorkloadKinds maps the kinds whose pods are read to their API group and
// version, and to the path of the pod template's object.
var WorkloadKinds = map[string]struct {
	APIVersion string
	Template   []string
}{
	"Pod":         {"v1", nil},
	"Deployment":  {"apps/v1", []string{"spec", "template"}},
	"StatefulSet": {"apps/v1", []string{"spec", "template"}},
	"DaemonSet":   {"apps/v1", []string{"spec", "template"}},
	"Job":         {"batch/v1", []string{"spec", "template"}},
	"CronJob":     {"batch/v1", []string{"spec", "jobTemplate", "spec", "template"}},
}

// PodTemplate is the part of a workload that policies depend on. Unknown keys
// are passed over: Kubernetes judges them.
type PodTemplate struct {
	At
	Name, Namespace Text
	Labels          map[string]Text
	HostNetwork     Bool
	Containers      []Container
}

// Container is the part of a container that policies depend on.
type Container struct {
	At
	Name                      Text
	List                      string // containers, initContainers or ephemeralContainers
	Privileged                Bool
	AllowPrivilegeEscalation  Bool
	AddCapabilities, DropCaps []Text
}
