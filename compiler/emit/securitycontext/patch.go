// SPDX-License-Identifier: Apache-2.0

package securitycontext

import (
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// securityContext has the keys that patches set (core/v1 SecurityContext).
type securityContext struct {
	AllowPrivilegeEscalation *bool    `json:"allowPrivilegeEscalation,omitempty"`
	Capabilities             *capset  `json:"capabilities,omitempty"`
	AppArmorProfile          *profile `json:"appArmorProfile,omitempty"`
	SeccompProfile           *profile `json:"seccompProfile,omitempty"`
	SELinuxOptions           *label   `json:"seLinuxOptions,omitempty"`

	// annotation names the AppArmor profile where the cluster has no field for it.
	annotation string
}

type profile struct {
	Type             string `json:"type"`
	LocalhostProfile string `json:"localhostProfile"`
}

// label is core/v1 SELinuxOptions. What a container says replaces what its pod
// says as a whole, so a patch repeats it.
type label struct {
	User  string `json:"user,omitempty"`
	Role  string `json:"role,omitempty"`
	Type  string `json:"type"`
	Level string `json:"level,omitempty"`
}

func (c securityContext) empty() bool {
	return c == securityContext{AllowPrivilegeEscalation: c.AllowPrivilegeEscalation}
}

// patch is the patch of one workload.
type patch struct {
	workload *policy.Workload
	sources  []*policy.Policy
	contexts map[*policy.Container]securityContext
}

func newPatch(w *policy.Workload) *patch {
	return &patch{workload: w, contexts: map[*policy.Container]securityContext{}}
}

func (p *patch) empty() bool { return len(p.contexts) == 0 }

func (p *patch) add(u *ir.Unit, c securityContext) {
	if c.empty() {
		return
	}
	// Ephemeral containers are no part of a workload's manifest that could be
	// patched: they are added to running pods through a subresource.
	if u.Container.Kind == policy.EphemeralContainer {
		return
	}
	for _, pol := range u.Policies {
		if !slices.Contains(p.sources, pol) {
			p.sources = append(p.sources, pol)
		}
	}
	p.contexts[u.Container] = c
}

// container is an item of a list that is merged by name.
type container struct {
	Name            string           `json:"name"`
	SecurityContext *securityContext `json:"securityContext,omitempty"`
}

// spec names every container of a list in which one is patched: kustomize puts
// those that a patch names before all others, and the order of init containers
// has a meaning.
func (p *patch) spec() map[string]any {
	lists := map[string][]container{}
	patched := map[string]any{}
	for i := range p.workload.Containers {
		c := &p.workload.Containers[i]
		item, key := container{Name: c.Name}, c.Kind.ListKey()
		context, ok := p.contexts[c]
		if ok && context != (securityContext{annotation: context.annotation}) {
			item.SecurityContext = &context
		}
		lists[key] = append(lists[key], item)
		if ok || patched[key] != nil {
			patched[key] = lists[key]
		}
	}
	return patched
}

// annotations are those of the pod.
func (p *patch) annotations() map[string]string {
	out := map[string]string{}
	for c, context := range p.contexts {
		if context.annotation != "" {
			out[policy.AppArmorAnnotation+c.Name] = context.annotation
		}
	}
	return out
}

func (p *patch) file() emit.File {
	w := p.workload
	metadata := map[string]any{"name": w.Name, "namespace": w.Namespace}
	object := map[string]any{"apiVersion": w.APIVersion, "kind": w.Kind, "metadata": metadata}
	pod := map[string]any{"spec": p.spec()}
	if annotations := p.annotations(); len(annotations) > 0 {
		pod["metadata"] = map[string]any{"annotations": annotations}
	}
	switch w.Kind {
	case "Pod":
		object["spec"] = pod["spec"]
		if annotated, ok := pod["metadata"].(map[string]any); ok {
			metadata["annotations"] = annotated["annotations"]
		}
	case "CronJob":
		object["spec"] = map[string]any{"jobTemplate": map[string]any{"spec": map[string]any{"template": pod}}}
	default:
		object["spec"] = map[string]any{"template": pod}
	}
	data, err := yaml.Marshal(object)
	if err != nil {
		panic(err) // maps of strings always encode
	}
	return emit.File{
		Kind: emit.Patch, Name: ir.ArtifactName(w.Namespace+"_"+strings.ToLower(w.Kind)+"-"+w.Name) + ".yaml",
		Data: data, Sources: p.sources, Workload: w,
	}
}
