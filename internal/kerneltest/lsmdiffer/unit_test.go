// SPDX-License-Identifier: Apache-2.0

package lsmdiffer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference/sample"
	"github.com/avert-dev/avert/runtime/image"
	"github.com/avert-dev/avert/runtime/lsm"
)

// revision is policies that govern one container, and what the compiler makes of them.
type revision struct {
	source   string
	policies []*policy.Policy
	data     []byte
	image    *image.Image
	// explainer names rules of reports.
	explainer *lsm.Explainer
}

// newRevision compiles policies. It returns nil when they say nothing about files, or more than an image can hold.
func newRevision(unit string, ps []*policy.Policy) (*revision, error) {
	source, err := write(unit, ps)
	if err != nil {
		return nil, err
	}
	result := compiler.Check(compiler.Input{
		Files:  []*diag.File{diag.NewFile("policy.yaml", []byte(source))},
		Config: diag.NewFile(".avert.yaml", []byte(config)),
	})
	if len(result.Pools) != 1 {
		var b bytes.Buffer
		diag.Printer{}.Print(&b, result.Findings)
		return nil, fmt.Errorf("the compiler refuses a policy:\n%s\n%s", &b, source)
	}
	for _, f := range result.Pools[0].Files {
		if strings.HasSuffix(f.Name, ".img") {
			m, err := image.Decode(f.Data)
			return &revision{source: source, policies: result.Set.Policies, data: f.Data, image: m}, err
		}
	}
	return nil, nil
}

// config is a node that all kernels of the tests can be.
const config = `apiVersion: avert.dev/v1alpha1
kind: Config
pools: [{name: vm, kernel: "5.10", architectures: [amd64], lsm: [bpf], targets: [lsm]}]
`

// draw draws the policies of a unit: sections that the programs decide about, and conditions on lineages that processes meet.
func draw() *rapid.Generator[[]*policy.Policy] {
	return rapid.Custom(func(t *rapid.T) []*policy.Policy {
		ps := sample.Policies().Draw(t, "policies")
		for _, p := range ps {
			p.Network, p.Syscalls, p.Capabilities = nil, nil, nil
			if p.File == nil && p.Process == nil {
				p.File = &policy.PathSection{Default: policy.Allow}
			}
			if p.Process != nil && p.Process.Default == policy.Block {
				// What cannot be executed shows nothing.
				p.Process.Rules = append(p.Process.Rules, policy.PathRule{
					Rule:   policy.Rule{Section: policy.Process, Name: "start"},
					Access: policy.AccessExec, Paths: []policy.Pattern{{Text: "/{" + strings.Join(programs, ",") + "}"}},
				})
			}
			for _, s := range []*policy.PathSection{p.Process, p.File} {
				if s == nil {
					continue
				}
				for _, r := range s.Rules {
					for i := range r.Names {
						if r.Names[i].Text == "*" { // a name could be, but the compiler asks whether a pattern was meant
							r.Names[i].Text = "c"
						}
					}
				}
			}
			for _, s := range policy.Sections {
				for _, r := range p.Rules(s) {
					if r.From == nil || !rapid.Bool().Draw(t, "known programs") {
						continue
					}
					for _, field := range []*[]policy.Pattern{&r.From.Exe, &r.From.Parent, &r.From.Ancestor} {
						for i := range *field {
							(*field)[i].Text = "/" + rapid.SampledFrom(append([]string{"{a,ab}", "b/*"}, programs...)).Draw(t, "from")
						}
						*field = slices.Compact(*field)
					}
				}
			}
		}
		return ps
	})
}

// enlarge adds a rule that needs an automaton of its own, whose size doubles with every wildcard.
func enlarge(ps []*policy.Policy, wildcards int) {
	p := ps[len(ps)-1]
	if p.File == nil {
		p.File = &policy.PathSection{}
	}
	p.File.Rules = append(p.File.Rules, policy.PathRule{
		Rule:   policy.Rule{Section: policy.File, Name: many, Action: policy.Block},
		Access: policy.AccessRead | policy.AccessMap | policy.AccessCreate | policy.AccessChmod,
		Paths:  []policy.Pattern{{Text: "/**/*a" + strings.Repeat("?", wildcards)}},
	})
}

// many is the name of that rule.
const many = "many"

// programs are what conditions on lineages name and what processes execute, without the slash in front.
var programs = []string{"a", "b/a", "ab", "lib/b", ".a", "b/ab"}

// changed draws other policies of the same unit, with the same conditions on lineages: what was known of processes stays.
func changed(ps []*policy.Policy) *rapid.Generator[[]*policy.Policy] {
	return rapid.Custom(func(t *rapid.T) []*policy.Policy {
		action := rapid.SampledFrom([]policy.Action{policy.Allow, policy.Audit, policy.Block})
		var out []*policy.Policy
		for _, p := range ps {
			q := *p
			if p.File == nil {
				q.File = &policy.PathSection{Default: action.Draw(t, "new default")}
			}
			for _, s := range []policy.Section{policy.Process, policy.File} {
				old := p.Paths(s)
				if old == nil {
					continue
				}
				section := &policy.PathSection{Default: old.Default, Rules: slices.Clone(old.Rules)}
				if rapid.Bool().Draw(t, "smaller") {
					section.Rules = slices.DeleteFunc(section.Rules, func(r policy.PathRule) bool { return r.Name == many })
				}
				if s == policy.File {
					section.Default = action.Draw(t, "default")
					q.File = section
				} else {
					q.Process = section
				}
				for i := range section.Rules {
					r := &section.Rules[i]
					if r.Name != "start" {
						r.Action, r.Quiet = action.Draw(t, "action"), false
					}
				}
			}
			out = append(out, &q)
		}
		return out
	})
}

// write writes policies and a pod that they govern.
func write(unit string, ps []*policy.Policy) (string, error) {
	labels := map[string]any{"app": unit}
	var b strings.Builder
	for _, p := range ps {
		spec := map[string]any{"selector": map[string]any{"matchLabels": labels}, "mode": p.Mode.String()}
		for _, s := range []policy.Section{policy.Process, policy.File} {
			section := p.Paths(s)
			if section == nil {
				continue
			}
			rules := []any{}
			for i := range section.Rules {
				rules = append(rules, written(s, &section.Rules[i]))
			}
			spec[s.String()] = map[string]any{"default": section.Default.String(), "rules": rules}
		}
		if p.System != nil {
			rules := []any{}
			for _, r := range p.System.Rules {
				rule := common(&r.Rule)
				var names []string
				for _, o := range r.Operations {
					names = append(names, o.String())
				}
				rule["operations"] = names
				rules = append(rules, rule)
			}
			spec["system"] = map[string]any{"rules": rules}
		}
		text, err := json.Marshal(map[string]any{
			"apiVersion": "avert.dev/v1alpha1", "kind": "RuntimePolicy",
			"metadata": map[string]any{"name": p.Name, "namespace": unit}, "spec": spec,
		})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s\n---\n", text)
	}
	fmt.Fprintf(&b, "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: %[1]s, labels: {app: %[1]s}}, spec: {containers: [{name: c}]}}\n", unit)
	return b.String(), nil
}

func written(s policy.Section, r *policy.PathRule) map[string]any {
	rule := common(&r.Rule)
	for key, list := range map[string][]policy.Pattern{"paths": r.Paths, "names": r.Names} {
		if len(list) > 0 {
			rule[key] = texts(list)
		}
	}
	if s == policy.File {
		rule["access"] = strings.Split(r.Access.String(), ",")
	}
	if r.Anonymous {
		rule["anonymous"] = true
	}
	return rule
}

// common is what rules of all sections have.
func common(r *policy.Rule) map[string]any {
	rule := map[string]any{"name": r.Name, "action": r.Action.String()}
	if r.Quiet && r.Action == policy.Block {
		rule["quiet"] = true
	}
	if r.From != nil {
		from := map[string]any{}
		for key, list := range map[string][]policy.Pattern{"exe": r.From.Exe, "parent": r.From.Parent, "ancestor": r.From.Ancestor} {
			if len(list) > 0 {
				from[key] = texts(list)
			}
		}
		rule["from"] = from
	}
	return rule
}

func texts(ps []policy.Pattern) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.Text)
	}
	return out
}
