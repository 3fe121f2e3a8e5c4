// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit/targets"
	"github.com/avert-dev/avert/compiler/report"
)

//go:embed features.yaml
var features []byte

// pools are what the features are compiled for: each network back-end holds one,
// and so does each of AppArmor, SELinux and the eBPF LSM.
const pools = `apiVersion: avert.dev/v1alpha1
kind: Config
pools:
  - {name: cilium, cni: {name: cilium, version: "1.18"}, runtime: {name: containerd, version: 2.1.5}}
  - {name: plain, lsm: [capability, selinux], selinux: {toolchain: "3.8"}, cni: {name: other}, runtime: {name: containerd, version: 2.1.5}}
  - {name: ebpf, architectures: [amd64], lsm: [capability, bpf], cni: {name: other}, runtime: {name: containerd, version: 2.1.5}, targets: [lsm]}
`

// generated is a part of a page that fill replaces, with the name of a target.
var generated = regexp.MustCompile(`(?s)(<!-- generated: ([a-z]+) -->\n).*?(<!-- end -->\n)`)

// fill replaces the generated parts of back-ends.md.
func fill(page []byte) ([]byte, error) {
	left, err := tables()
	if err != nil {
		return nil, err
	}
	page = generated.ReplaceAllFunc(page, func(part []byte) []byte {
		m := generated.FindSubmatch(part)
		name := string(m[2])
		table := left[name]
		if table == "" && err == nil {
			err = fmt.Errorf("back-ends.md wants a table of %q, which is no target", name)
		}
		delete(left, name)
		return []byte(string(m[1]) + "\n" + table + "\n" + string(m[3]))
	})
	for name := range left {
		return nil, fmt.Errorf("back-ends.md has no table of %s", name)
	}
	return page, err
}

// tables returns a table for each target that holds anything.
func tables() (map[string]string, error) {
	result := compiler.Check(compiler.Input{
		Files:  []*diag.File{diag.NewFile("features.yaml", features)},
		Config: diag.NewFile(".avert.yaml", []byte(pools)),
	})
	for _, f := range result.Findings {
		if f.Severity == diag.Error && f.Code != diag.Gap {
			return nil, fmt.Errorf("features.yaml: %s: %s", f.Code, f.Message)
		}
	}
	out := map[string]string{}
	for _, t := range targets.All() {
		if len(t.Sections) == 0 {
			continue
		}
		for _, p := range result.Pools {
			if text := table(t.Name, p); text != "" {
				out[t.Name] = text
				break
			}
		}
	}
	return out, nil
}

// table says how a target holds each rule on one pool; "" when it is not used
// there.
func table(target string, p *report.Pool) string {
	var b bytes.Buffer
	for _, l := range p.Lowerings {
		if l.Target != target {
			continue
		}
		rule := l.Rule
		if l.Policy.Name != "features" {
			rule += " (" + l.Policy.Name + ")"
		}
		var why []string
		if l.Reason != "" {
			why = append(why, l.Reason)
		}
		if l.ReportsReason != "" {
			why = append(why, "reports: "+l.ReportsReason)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", rule, l.Action, l.Status, l.Reports, strings.Join(why, "; "))
	}
	if b.Len() == 0 {
		return ""
	}
	return "| rule | action | held | reported | why |\n| --- | --- | --- | --- | --- |\n" + b.String()
}
