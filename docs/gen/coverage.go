// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/targets"
	"github.com/avert-dev/avert/internal/vm"
)

const coveragePreface = `<!-- Generated from the answers of the back-ends and from the tests by go generate ./docs; DO NOT EDIT. -->

# Coverage

What a policy can say, which back-end holds it on which kernel, and which test proves that.

Held is what a back-end answers when a policy that says it is compiled, as [back-ends.md](back-ends.md) explains. All were asked for
the kernels %s; these are named where answers differ. A back-end that does not answer has no row.

Tests say by themselves what they prove, in comments ` + "`//proves:TARGET INTENT`" + `; for the eBPF LSM a [list](gen/lsm.go) says it too. Those marked K run
on each of the kernels. Where an answer is looser, they prove what is held.

%d of %d answers that something is held are proven%s

`

// notProven stands where an answer that something is held has no test.
const notProven = "**not proven**"

// answers are how targets hold an intent, by target and by kernel.
type answers map[string]map[string]emit.Status

// coverage writes coverage.md; root is the repository.
func coverage(root string) ([]byte, error) {
	all := intents()
	held, err := compileIntents(all)
	if err != nil {
		return nil, err
	}
	known, err := proofs(root)
	if err != nil {
		return nil, err
	}
	if err := checkProofs(known, all, held); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	section, claims, proven := "", 0, 0
	for i, in := range all {
		if s, _, _ := strings.Cut(in.name, "/"); s != section {
			section = s
			fmt.Fprintf(&b, "\n## %s\n\n| intent | means | back-end | held | proven by |\n| --- | --- | --- | --- | --- |\n", section)
		}
		label, means := "`"+in.name+"`", in.means
		for _, target := range targets.Names() {
			byKernel, ok := held[i][target]
			if !ok {
				continue
			}
			tests := links(known, target, in.name)
			if holds(byKernel) {
				claims++
				if tests != "" {
					proven++
				} else {
					tests = notProven
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", label, means, target, heldText(byKernel), tests)
			label, means = "", ""
		}
		if label != "" {
			fmt.Fprintf(&b, "| %s | %s | | none | |\n", label, means)
		}
	}
	b.WriteString("\n## What no single rule says\n\n| what | means | back-end | proven by |\n| --- | --- | --- | --- |\n")
	for _, row := range beyond {
		label, means := "`"+row.name+"`", row.means
		for _, target := range targets.Names() {
			if tests := links(known, target, row.name); tests != "" {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", label, means, target, tests)
				label, means = "", ""
			}
		}
	}
	rest := "."
	if proven < claims {
		rest = ". Those that are not are marked."
	}
	return append(fmt.Appendf(nil, coveragePreface, strings.Join(vm.Kernels, ", "), proven, claims, rest), bytes.TrimPrefix(b.Bytes(), []byte("\n"))...), nil
}

// compileIntents asks every target on every kernel about every intent.
func compileIntents(all []intent) ([]answers, error) {
	var config, text strings.Builder
	config.WriteString("apiVersion: avert.dev/v1alpha1\nkind: Config\npools:\n")
	for i, kernel := range vm.Kernels {
		fmt.Fprintf(&config, "  - {name: apparmor-%d, kernel: %q, runtime: {name: containerd, version: 2.1.5}, cni: {name: cilium, version: \"1.18\"}}\n", i, kernel)
		fmt.Fprintf(&config, "  - {name: selinux-%d, kernel: %q, runtime: {name: containerd, version: 2.1.5}, cni: {name: other}, lsm: [capability, selinux], selinux: {toolchain: \"3.8\"}}\n", i, kernel)
		fmt.Fprintf(&config, "  - {name: lsm-%d, kernel: %q, architectures: [amd64], runtime: {name: containerd, version: 2.1.5}, cni: {name: other}, lsm: [capability, bpf], targets: [lsm]}\n", i, kernel)
	}
	at := map[string]int{}
	for i, in := range all {
		mode := "Enforce"
		if in.audit {
			mode = "Audit"
		}
		name := fmt.Sprintf("i%d", i)
		at[name+" "+in.rule] = i
		fmt.Fprintf(&text, "apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: %s, namespace: docs}\n"+
			"spec: {selector: {matchLabels: {app: %s}}, mode: %s, %s}\n---\n", name, name, mode, in.spec)
		fmt.Fprintf(&text, "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: docs, labels: {app: %s}}\n"+
			"spec: {containers: [{name: app, image: app, securityContext: {allowPrivilegeEscalation: %v}}]}\n---\n", name, name, in.escalation)
	}
	result := compiler.Check(compiler.Input{
		Files:  []*diag.File{diag.NewFile("intents.yaml", []byte(text.String()))},
		Config: diag.NewFile(".avert.yaml", []byte(config.String())),
	})
	for _, f := range result.Findings {
		if f.Severity == diag.Error && f.Code != diag.Gap {
			return nil, fmt.Errorf("%s: %s (%s)", f.Code, f.Message, f.Span)
		}
	}
	out := make([]answers, len(all))
	for i := range out {
		out[i] = answers{}
	}
	for _, p := range result.Pools {
		for _, l := range p.Lowerings {
			i, ok := at[l.Policy.Name+" "+l.Rule]
			if !ok {
				continue
			}
			if out[i][l.Target] == nil {
				out[i][l.Target] = map[string]emit.Status{}
			}
			kernel := p.Pool.Kernel.String()
			out[i][l.Target][kernel] = max(out[i][l.Target][kernel], l.Status)
		}
	}
	return out, nil
}

// holds says whether a target holds anything of an intent on any kernel.
func holds(byKernel map[string]emit.Status) bool {
	for _, s := range byKernel {
		if s != emit.None {
			return true
		}
	}
	return false
}

// heldText names kernels only where they differ.
func heldText(byKernel map[string]emit.Status) string {
	var statuses []emit.Status
	kernels := map[emit.Status][]string{}
	for _, kernel := range vm.Kernels {
		s := byKernel[kernel]
		if len(kernels[s]) == 0 {
			statuses = append(statuses, s)
		}
		kernels[s] = append(kernels[s], kernel)
	}
	if len(statuses) == 1 {
		return statuses[0].String()
	}
	var out []string
	for _, s := range statuses {
		out = append(out, fmt.Sprintf("%s on %s", s, strings.Join(kernels[s], ", ")))
	}
	return strings.Join(out, "; ")
}

// links are the tests that prove an intent for a target.
func links(known []proof, target, intent string) string {
	var out []string
	for _, p := range known {
		if p.target != target || p.intent != intent {
			continue
		}
		text := p.test
		if p.scenario != "" {
			text += ": " + p.scenario
		}
		link := fmt.Sprintf("[%s](../%s)", text, p.file)
		if p.kernels {
			link += " K"
		}
		if !slices.Contains(out, link) {
			out = append(out, link)
		}
	}
	return strings.Join(out, ", ")
}

func isBeyond(name string) bool {
	for _, row := range beyond {
		if row.name == name {
			return true
		}
	}
	return false
}

// checkProofs holds that tests claim only what there is to prove.
func checkProofs(known []proof, all []intent, held []answers) error {
	for _, p := range known {
		i := slices.IndexFunc(all, func(in intent) bool { return in.name == p.intent })
		switch {
		case targets.Find(p.target) == nil:
			return fmt.Errorf("%s: %s proves something of %q, which is no target", p.file, p.test, p.target)
		case isBeyond(p.intent):
		case i < 0:
			return fmt.Errorf("%s: %s proves %q, which is no intent", p.file, p.test, p.intent)
		case !holds(held[i][p.target]):
			return fmt.Errorf("%s: %s proves %s, which %s does not say it holds", p.file, p.test, p.intent, p.target)
		}
	}
	return nil
}
