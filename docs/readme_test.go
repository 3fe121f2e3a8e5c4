// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
)

const (
	deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: web}]}
`
	poolHead = "apiVersion: avert.dev/v1alpha1\nkind: Config\npools: [{name: main, runtime: {name: containerd, version: 2.1.5}, cni: "
	onCilium = poolHead + "{name: cilium}}]\n"
	onPlain  = poolHead + "{name: calico}}]\n"
)

func compile(policy, config string) *compiler.Result {
	return compiler.Compile(compiler.Input{
		Files:  []*diag.File{diag.NewFile("policy.yaml", []byte(policy)), diag.NewFile("workload.yaml", []byte(deployment))},
		Config: diag.NewFile(".avert.yaml", []byte(config)),
	})
}

func file(r *compiler.Result, path string) string {
	for _, f := range r.Files {
		if f.Path == path {
			return string(f.Data)
		}
	}
	return ""
}

// TestReadme holds that the README shows what the compiler makes of its policy:
// the blocks after it are excerpts of files, of findings and of the report.
func TestReadme(t *testing.T) {
	const page = "../README.md"
	var policy, accept string
	shown := 0
	for _, b := range blocks(t, page) {
		language, what, _ := strings.Cut(b.info, " ")
		var whole string
		switch {
		case language == "sh", what == "kustomization":
			continue
		case what == "pool": // TestImages
			continue
		case what == "change", what == "diff": // run by cmd/avert
			continue
		case b.info == "yaml":
			policy = b.text
			continue
		case what == "accept":
			accept = b.text
			continue
		case strings.HasPrefix(what, "file="):
			whole = file(compile(policy, onCilium), strings.TrimPrefix(what, "file="))
		case what == "finding":
			var found bytes.Buffer
			if err := (diag.Printer{}).Print(&found, compile(policy, onPlain).Findings); err != nil {
				t.Fatal(err)
			}
			whole = found.String()
		case what == "report":
			whole = file(compile(policy+accept, onPlain), "report.md")
		default:
			t.Errorf("%s:%d: what is a block of %q?", page, b.line, b.info)
			continue
		}
		shown++
		if !strings.Contains(whole, b.text) {
			t.Errorf("%s:%d: this is not part of what is made:\n%s", page, b.line, whole)
		}
	}
	if shown < 5 {
		t.Errorf("%s shows %d excerpts", page, shown)
	}
}
