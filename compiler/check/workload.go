// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

// workloadKinds are the kinds whose pods are read: their apiVersion, and the
// way from the object to its pod template.
var workloadKinds = map[string]struct {
	apiVersion string
	template   []string
}{
	"Pod":         {"v1", nil},
	"Deployment":  {"apps/v1", []string{"spec", "template"}},
	"StatefulSet": {"apps/v1", []string{"spec", "template"}},
	"DaemonSet":   {"apps/v1", []string{"spec", "template"}},
	"Job":         {"batch/v1", []string{"spec", "template"}},
	"CronJob":     {"batch/v1", []string{"spec", "jobTemplate", "spec", "template"}},
}

// kubernetes reads a workload, or the workloads and policies of a List. Other
// objects are passed over.
func kubernetes(doc *syntax.Node, apiVersion, kind string, list *diag.List, set *policy.Set) {
	if strings.HasSuffix(kind, "List") {
		if items := doc.Get("items"); items != nil {
			for _, item := range items.Items {
				dispatch(item, list, set)
			}
		}
		return
	}
	k, ok := workloadKinds[kind]
	if !ok {
		if template := doc.Get("spec").Get("template").Get("spec").Get("containers"); template != nil {
			at := doc.Get("kind")
			list.Report(diag.UnreadWorkload, at.Span, fmt.Sprintf("%s has pods, and is not a kind that is read: policies are not attached to them", kind),
				diag.Hint("kinds that are read: %s", strings.Join(slices.Sorted(maps.Keys(workloadKinds)), ", ")))
		}
		return
	}
	if apiVersion != k.apiVersion {
		// The kind of another group is another kind; an old version of this one
		// must not be passed over in silence.
		if group, _, _ := strings.Cut(apiVersion, "/"); strings.HasPrefix(k.apiVersion, group+"/") || group == "extensions" {
			at := doc.Get("apiVersion")
			list.Report(diag.UnknownKind, at.Span, fmt.Sprintf("%s of %s is no longer served by Kubernetes", kind, apiVersion), diag.Hint("did you mean %s?", k.apiVersion), replace(word(at), k.apiVersion))
		}
		return
	}
	r := reader{list: list}
	metadata := r.mapping(doc, "metadata")
	name, at := r.name(metadata, "name", isSubdomain), doc.Span
	if n := metadata.Get("name"); n != nil {
		at = n.Span
	}
	if name == "" {
		if !r.failed {
			list.Report(diag.MissingKey, at, fmt.Sprintf("the %s has no name", kind), diag.Hint("patches are aimed at workloads by their name"))
		}
		return
	}
	pod := doc
	for _, key := range k.template {
		pod = r.mapping(pod, key)
	}
	w := &policy.Workload{
		APIVersion: apiVersion, Kind: kind, Name: name, Span: at,
		Namespace: cmp.Or(r.name(metadata, "namespace", isLabel), "default"),
		Labels:    r.labels(r.mapping(pod, "metadata")),
	}
	spec := r.mapping(pod, "spec")
	w.HostNetwork = isTrue(r.boolean(spec, "hostNetwork"))
	inherited := podSettings{security: r.mapping(spec, "securityContext"), annotations: r.mapping(r.mapping(pod, "metadata"), "annotations")}
	for _, kind := range []policy.ContainerKind{policy.MainContainer, policy.InitContainer, policy.EphemeralContainer} {
		for _, n := range r.items(spec, kind.ListKey()) {
			if c, ok := r.container(n, kind, inherited); ok {
				w.Containers = append(w.Containers, c)
			}
		}
	}
	if !r.failed {
		set.Workloads = append(set.Workloads, w)
	}
}

// reader takes what it needs from an object that Kubernetes defines. Absent and
// unknown keys are Kubernetes' business; a wrong type is reported.
type reader struct {
	list   *diag.List
	failed bool
}

func (r *reader) wrong(n *syntax.Node, key, wanted string) {
	r.failed = true
	r.list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes %s", key, wanted))
}

// get returns the value of a key, or nil for none, null and a wrong kind.
func (r *reader) get(n *syntax.Node, key string, kind syntax.Kind) *syntax.Node {
	v := n.Get(key)
	switch {
	case v == nil, v.Kind == syntax.Null:
		return nil
	case v.Kind != kind:
		r.wrong(v, key, kind.String())
		return nil
	}
	return v
}

func (r *reader) mapping(n *syntax.Node, key string) *syntax.Node {
	return r.get(n, key, syntax.MapNode)
}

func (r *reader) items(n *syntax.Node, key string) []*syntax.Node {
	if v := r.get(n, key, syntax.ListNode); v != nil {
		return v.Items
	}
	return nil
}

func (r *reader) text(n *syntax.Node, key string) string {
	v := r.get(n, key, syntax.ScalarNode)
	if v == nil {
		return ""
	}
	if v.Tag != "!!str" {
		r.wrong(v, key, "text: quote it")
		return ""
	}
	return v.Value
}

// name returns a name that Kubernetes would take: they become parts of file
// names and of the expressions by which patches find workloads.
func (r *reader) name(n *syntax.Node, key string, valid func(string) bool) string {
	name := r.text(n, key)
	if name != "" && !valid(name) {
		r.failed = true
		r.list.Report(diag.InvalidName, n.Get(key).Span, fmt.Sprintf("Kubernetes takes no %s like %s", key, quote(name)),
			diag.Hint("lower-case letters, digits and hyphens, with a letter or digit at both ends"))
		return ""
	}
	return name
}

func (r *reader) boolean(n *syntax.Node, key string) *bool {
	v := r.get(n, key, syntax.ScalarNode)
	if v == nil {
		return nil
	}
	if v.Tag != "!!bool" {
		r.wrong(v, key, "true or false")
		return nil
	}
	value := strings.EqualFold(v.Value, "true")
	return &value
}

func isTrue(b *bool) bool { return b != nil && *b }

func (r *reader) labels(metadata *syntax.Node) map[string]string {
	labels := map[string]string{}
	if n := r.mapping(metadata, "labels"); n != nil {
		for _, f := range n.Fields {
			labels[f.Key] = r.text(n, f.Key)
		}
	}
	return labels
}

// podSettings are what a pod says for its containers.
type podSettings struct{ security, annotations *syntax.Node }

// profileOf reads a seccompProfile or appArmorProfile: the name of a profile,
// policy.AppArmorUnconfined, or "" for the runtime's own. ok is false when there
// is none.
func (r *reader) profileOf(security *syntax.Node, key string) (name string, ok bool) {
	profile := r.mapping(security, key)
	switch kind := r.text(profile, "type"); {
	case kind == "Localhost":
		name = r.text(profile, "localhostProfile")
	case kind == "Unconfined" && key == appArmorField:
		name = policy.AppArmorUnconfined
	case kind == "":
		return "", false
	}
	return name, true
}

const (
	seccompField  = "seccompProfile"
	appArmorField = "appArmorProfile"
)

// seccomp returns the profile that holds for a container: its own, or else its
// pod's.
func (r *reader) seccomp(security *syntax.Node, pod podSettings) string {
	if name, ok := r.profileOf(security, seccompField); ok {
		return name
	}
	name, _ := r.profileOf(pod.security, seccompField)
	return name
}

// appArmor returns the profile that holds for a container: its own, that of the
// annotation, or else its pod's.
func (r *reader) appArmor(security *syntax.Node, pod podSettings, annotation string) string {
	if name, ok := r.profileOf(security, appArmorField); ok {
		return name
	}
	if annotation != "" {
		return appArmorAnnotation(annotation)
	}
	name, _ := r.profileOf(pod.security, appArmorField)
	return name
}

// appArmorAnnotation reads the value of the annotation that stood for the field
// before Kubernetes 1.30: unconfined, runtime/default or localhost/NAME.
func appArmorAnnotation(value string) string {
	if value == policy.AppArmorUnconfined {
		return value
	}
	name, _ := strings.CutPrefix(value, "localhost/")
	if name == value {
		return ""
	}
	return name
}

// selinux returns the seLinuxOptions of a securityContext. Those of a container
// replace those of its pod as a whole.
func (r *reader) selinux(security *syntax.Node) policy.SELinuxOptions {
	o := r.mapping(security, "seLinuxOptions")
	return policy.SELinuxOptions{User: r.text(o, "user"), Role: r.text(o, "role"), Type: r.text(o, "type"), Level: r.text(o, "level")}
}

func (r *reader) container(n *syntax.Node, kind policy.ContainerKind, pod podSettings) (policy.Container, bool) {
	c := policy.Container{Kind: kind, Name: r.text(n, "name"), Span: n.Span}
	if c.Name == "" {
		r.list.Report(diag.MissingKey, n.Span, "the container has no name")
		r.failed = true
		return c, false
	}
	c.Span = n.Get("name").Span
	r.name(n, "name", isLabel)
	security := r.mapping(n, "securityContext")
	c.Privileged = isTrue(r.boolean(security, "privileged"))
	c.AllowPrivilegeEscalation = r.boolean(security, "allowPrivilegeEscalation")
	capabilities := r.mapping(security, "capabilities")
	c.AddCapabilities = r.capabilities(capabilities, "add")
	c.DropCapabilities = r.capabilities(capabilities, "drop")
	c.SeccompProfile = r.seccomp(security, pod)
	annotation := r.text(pod.annotations, policy.AppArmorAnnotation+c.Name)
	c.AppArmorProfile, c.AppArmorAnnotated = r.appArmor(security, pod, annotation), annotation != ""
	c.SELinux = cmp.Or(r.selinux(security), r.selinux(pod.security))
	return c, true
}

// capabilities reads names with or without CAP_, in any case, as runtimes do.
func (r *reader) capabilities(n *syntax.Node, key string) []string {
	var out []string
	for _, item := range r.items(n, key) {
		if item.Kind != syntax.ScalarNode || item.Tag != "!!str" {
			r.wrong(item, key, "names of capabilities")
			continue
		}
		out = append(out, strings.TrimPrefix(strings.ToUpper(item.Value), "CAP_"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
