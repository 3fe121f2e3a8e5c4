// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
)

const head = `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: example, namespace: shop}
spec:
  selector: {matchLabels: {app: example}}
`

// document completes a block: a fragment is the body of a section, or of spec.
func document(b *block) string {
	_, section, ok := strings.Cut(b.info, "fragment=")
	switch {
	case !ok:
		return b.text
	case section == "spec":
		return head + indent(b.text, "  ")
	default:
		return head + "  " + section + ":\n" + indent(b.text, "    ")
	}
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+by) + "\n"
}

// TestLanguage compiles every example of language.md without a finding, and
// wants the verdicts that the tables behind them claim.
func TestLanguage(t *testing.T) {
	page, decided := "language.md", 0
	for _, b := range blocks(t, page) {
		in := compiler.Input{Targets: []string{"ir"}}
		switch {
		case b.info == "yaml config":
			in.Config = diag.NewFile(".avert.yaml", []byte(b.text))
			in.Files = []*diag.File{diag.NewFile("policy.yaml", []byte(document(&block{info: "fragment=capabilities", text: "default: Block"})))}
		case b.info == "yaml" || strings.HasPrefix(b.info, "yaml fragment="):
			in.Files = []*diag.File{diag.NewFile("policy.yaml", []byte(document(b)))}
		default:
			continue
		}
		result := compiler.Compile(in)
		if len(result.Findings) > 0 {
			var found bytes.Buffer
			if err := (diag.Printer{}).Print(&found, result.Findings); err != nil {
				t.Fatal(err)
			}
			t.Errorf("%s:%d:\n%s", page, b.line, found.String())
			continue
		}
		for _, r := range b.rows {
			op, err := operation.Parse(strings.ReplaceAll(r.operation, "`", ""), "shop")
			if err != nil {
				t.Errorf("%s:%d: %v", page, r.line, err)
				continue
			}
			if diff := cmp.Diff(r.verdict, verdict(result.Set.Policies, op)); diff != "" {
				t.Errorf("%s:%d: %s: %s", page, r.line, r.operation, diff)
			}
			decided++
		}
	}
	if decided < 50 {
		t.Errorf("only %d verdicts were found in %s", decided, page)
	}
}

// verdict decides an operation and spells the result as tables do. Allow by the
// base, or by a section that is not governed, names no rule.
func verdict(ps []*policy.Policy, op policy.Operation) string {
	result := reference.Decide(ps, op, base)
	text := spell(result.Verdict)
	for _, would := range result.Would {
		if would.Action != policy.Allow {
			text += ", would " + spell(would)
		}
	}
	return text
}

func spell(v policy.Verdict) string {
	if v.Rule.Rule == "" {
		return v.Action.String()
	}
	return fmt.Sprintf("%s `%s`", v.Action, v.Rule.Rule)
}

// base is the default profile of a usual runtime.
func base(call policy.SyscallCall) bool {
	const runtime, version = "containerd", "2.1"
	capabilities, err := floor.Capabilities(runtime, version)
	if err != nil {
		panic(err)
	}
	profile, err := floor.Seccomp(floor.Query{Runtime: runtime, Version: version, Arch: linux.Arch(call.Arch), Kernel: linux.KernelVersion{Major: 6, Minor: 1}, Capabilities: capabilities})
	if err != nil {
		panic(err)
	}
	v, err := floor.Decide(&profile.Seccomp, call.Name, call.Args)
	if err != nil {
		panic(err)
	}
	return v.Allows()
}
