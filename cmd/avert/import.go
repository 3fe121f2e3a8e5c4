// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/foreign"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/compiler/source"
)

// importing has the flags of import.
type importing struct {
	name, namespace location
	labels          names
}

func (a *app) importCommand() *cobra.Command {
	var m importing
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Turn policies of other projects into RuntimePolicies",
		Long: `import reads seccomp profiles (JSON), and objects of the kinds NetworkPolicy,
CiliumNetworkPolicy and KubeArmorPolicy, and prints RuntimePolicies that mean
the same. What they cannot say is left out, and becomes a comment and a finding.

A FILE may also be - for standard input. A seccomp profile selects no pods:
--name, --namespace and --labels say whose it is.`,
		Example: `  avert import examples/networkpolicy.yaml > policy.yaml
  avert import examples/profile.json --name web --labels app=web`,
		SuggestFor: []string{"convert", "migrate"},
		RunE:       func(_ *cobra.Command, args []string) error { return a.imports(args, m) },
	}
	f := cmd.Flags()
	f.Var(&m.name, "name", "name of a policy whose source has none")
	f.Var(&m.namespace, "namespace", "namespace of a policy whose source has none")
	f.Var(&m.labels, "labels", "labels of the pods, KEY=VALUE, of a policy whose source selects none")
	return cmd
}

func (a *app) imports(paths []string, m importing) error {
	if len(paths) == 0 {
		return usagef("what is to be imported? give a file")
	}
	for _, l := range m.labels {
		if key, _, ok := strings.Cut(l, "="); !ok || key == "" {
			return usagef("--labels are written KEY=VALUE, and %q is not", l)
		}
	}
	list := &diag.List{}
	var texts [][]byte
	read := 0
	for _, path := range paths {
		files, err := a.foreignFiles(path, list)
		if err != nil {
			return err
		}
		for _, f := range files {
			read++
			if text := foreign.Import(f, foreign.Options{Name: string(m.name), Namespace: string(m.namespace), Labels: m.labels}, list); text != nil {
				texts = append(texts, text)
			}
		}
	}
	made := bytes.Join(texts, []byte("---\n"))
	r := &report.Run{Files: read, Findings: list.Sorted()}
	if len(texts) > 0 {
		// What was made is checked as if somebody had written it.
		result := compiler.Understand(compiler.Input{Files: []*diag.File{diag.NewFile("<imported>", made)}})
		for _, d := range result.Findings {
			if d.Severity == diag.Error && d.Code != diag.OverlappingPolicy {
				list.Add(d)
			}
		}
		r.Policies, r.Findings = len(result.Set.Policies), list.Sorted()
	}
	if err := a.findings(a.stderr, r.Findings); err != nil {
		return err
	}
	if len(texts) == 0 {
		return errors.New("nothing was imported")
	}
	if err := a.result(made); err != nil {
		return err
	}
	a.verdict("%s", r.Verdict())
	if a.failed(r) {
		return errFindings
	}
	return nil
}

// foreignFiles reads a file of any name.
func (a *app) foreignFiles(path string, list *diag.List) ([]*diag.File, error) {
	files, err := source.Read([]string{path}, "", a.stdin, list)
	var out []*diag.File
	for _, f := range files {
		if f.Path != "" {
			f.Name = filepath.ToSlash(f.Path)
		}
		out = append(out, f.File)
	}
	return out, err
}
