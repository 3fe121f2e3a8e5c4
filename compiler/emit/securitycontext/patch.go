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
	SeccompProfile           *profile `json:"seccompProfile,omitempty"`
}

type profile struct {
	Type             string `json:"type"`
	LocalhostProfile string `json:"localhostProfile"`
}

func (c securityContext) empty() bool { return c.Capabilities == nil && c.SeccompProfile == nil }

// patch is the patch of one workload.
type patch struct {
	workload *policy.Workload
	sources  []*policy.Policy
	// lists holds the containers by the key of the list that they stand in.
	lists map[string][]any
}

func newPatch(w *policy.Workload) *patch {
	return &patch{workload: w, lists: map[string][]any{}}
}

func (p *patch) empty() bool { return len(p.lists) == 0 }

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
	key := u.Container.Kind.ListKey()
	p.lists[key] = append(p.lists[key], map[string]any{"name": u.Container.Name, "securityContext": c})
}

func (p *patch) file() emit.File {
	w := p.workload
	spec := map[string]any{}
	for key, containers := range p.lists {
		spec[key] = containers
	}
	object := map[string]any{"apiVersion": w.APIVersion, "kind": w.Kind, "metadata": map[string]any{"name": w.Name, "namespace": w.Namespace}}
	switch w.Kind {
	case "Pod":
		object["spec"] = spec
	case "CronJob":
		object["spec"] = map[string]any{"jobTemplate": map[string]any{"spec": map[string]any{"template": map[string]any{"spec": spec}}}}
	default:
		object["spec"] = map[string]any{"template": map[string]any{"spec": spec}}
	}
	data, err := yaml.Marshal(object)
	if err != nil {
		panic(err) // maps of strings always encode
	}
	return emit.File{
		Kind: emit.Patch, Name: w.Namespace + "_" + strings.ToLower(w.Kind) + "-" + w.Name + ".yaml",
		Data: data, Sources: p.sources, Workload: w,
	}
}
