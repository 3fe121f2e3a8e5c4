// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/syntax"
)

// DefaultPools is what is compiled for without a configuration: nodes of a
// current distribution with containerd and a network plugin that enforces
// NetworkPolicy.
func DefaultPools() []*platform.Pool { return []*platform.Pool{defaultPool()} }

func defaultPool() *platform.Pool {
	return &platform.Pool{
		Name:          "default",
		Kernel:        linux.KernelVersion{Major: 6, Minor: 1},
		LSMs:          []string{"capability", "landlock", "yama", "apparmor", "bpf"},
		Architectures: linux.NodeArches(),
		Kubernetes:    platform.Version{Major: 1, Minor: 31},
		CNI:           platform.CNI{Name: "other", DNSNamespace: "kube-system", DNSLabels: map[string]string{"k8s-app": "kube-dns"}},
		Runtime:       platform.Runtime{Name: "containerd", Version: usualVersions["containerd"]},
	}
}

// Config reads the node pools of a configuration, in its order. What a pool
// does not say is as in DefaultPools.
func Config(file *diag.File, list *diag.List) []*platform.Pool {
	c := &checker{list: list}
	var pools []*platform.Pool
	for i, doc := range syntax.Parse(file, list) {
		if i > 0 {
			list.Report(diag.UnknownKind, doc.Span, "the configuration is one document, and this is another")
			break
		}
		var config syntax.Config
		syntax.Decode(doc, &config, list)
		names := map[string]diag.Span{}
		for i := range config.Pools {
			pools = append(pools, c.pool(&config.Pools[i], names))
		}
		if len(pools) == 0 {
			pools = DefaultPools()
		}
		for _, p := range pools {
			if p.Targets == nil {
				p.Targets, p.TargetSpans = c.targets(config.Targets)
			}
		}
	}
	if len(pools) == 0 {
		return DefaultPools()
	}
	return pools
}

func (c *checker) pool(p *syntax.Pool, names map[string]diag.Span) *platform.Pool {
	out := defaultPool()
	out.Span = p.Place
	if p.Name.Value != "" {
		out.Name, out.Span = c.label("the name of a pool", p.Name), p.Name.Span
		if first, ok := names[out.Name]; ok && out.Name != "" {
			c.report(diag.DuplicateName, p.Name.Span, fmt.Sprintf("two pools have the name %s", out.Name), diag.See(first, "the first one"))
		}
		names[out.Name] = p.Name.Span
	}
	if t := p.Kernel; t.Value != "" {
		v, err := linux.ParseKernelVersion(t.Value)
		c.version(t, err)
		out.Kernel = v
	}
	c.release(p.Kubernetes, &out.Kubernetes)
	if p.LSM != nil {
		out.LSMs = c.lsms(p.LSM)
	}
	if len(p.Architectures) > 0 {
		out.Architectures = nil
		for _, t := range p.Architectures {
			if a := linux.Arch(t.Value); t.Value != "" && !slices.Contains(out.Architectures, a) {
				out.Architectures = append(out.Architectures, a)
			}
		}
		slices.Sort(out.Architectures)
	}
	if n := p.CNI; n != nil {
		out.CNI.Name = n.Name.Value
		c.release(n.Version, &out.CNI.Version)
		if d := n.DNS; d != nil && !d.Flawed {
			out.CNI.DNSNamespace = c.label("the namespace", d.Namespace)
			out.CNI.DNSLabels = map[string]string{}
			for _, key := range sortedLabels(d.MatchLabels) {
				c.labelKey(key)
				c.labelValue(d.MatchLabels[key])
				out.CNI.DNSLabels[key.Value] = d.MatchLabels[key].Value
			}
		}
	}
	if r := p.Runtime; r != nil {
		if r.Name.Value != out.Runtime.Name {
			out.Runtime = platform.Runtime{Name: r.Name.Value, Version: usualVersions[r.Name.Value]}
		}
		c.release(r.Version, &out.Runtime.Version)
	}
	if s := p.SELinux; s != nil {
		c.release(s.Toolchain, &out.SELinux.Toolchain)
	}
	out.Targets, out.TargetSpans = c.targets(p.Targets)
	return out
}

// usualVersions are those of runtimes that a pool names without a version.
var usualVersions = map[string]platform.Version{"containerd": {Major: 2, Minor: 1}, "cri-o": {Major: 1, Minor: 31}}

// targets sorts the names of back-ends, with their places beside them. Which
// names exist is not known here.
func (c *checker) targets(texts []syntax.Text) ([]string, []diag.Span) {
	var names []string
	var places []diag.Span
	seen := map[string]diag.Span{}
	sorted := slices.SortedStableFunc(slices.Values(texts), func(a, b syntax.Text) int { return cmp.Compare(a.Value, b.Value) })
	for _, t := range sorted {
		if t.Value != "" && !c.repeated(seen, t.Value, t) {
			names, places = append(names, t.Value), append(places, t.Span)
		}
	}
	return names, places
}

func (c *checker) lsms(texts []syntax.Text) []string {
	var out []string
	seen := map[string]diag.Span{}
	for _, t := range texts {
		if t.Value != "" && !c.repeated(seen, t.Value, t) {
			out = append(out, t.Value)
		}
	}
	apparmor, both := seen["apparmor"]
	if selinux, ok := seen["selinux"]; ok && both {
		c.report(diag.PoolMismatch, selinux, "SELinux and AppArmor exclude each other on a node", diag.See(apparmor, "AppArmor"), diag.Hint("declare two pools"))
	}
	return out
}

// release reads the version of a component, if there is one.
func (c *checker) release(t syntax.Text, v *platform.Version) {
	if t.Value != "" {
		parsed, err := platform.ParseVersion(t.Value)
		c.version(t, err)
		*v = parsed
	}
}

func (c *checker) version(t syntax.Text, err error) {
	if err != nil {
		c.report(diag.InvalidVersion, t.Span, err.Error())
	}
}
