// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/report"
)

func byName(files []report.File) []report.File {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b report.File) int { return cmp.Compare(a.Name, b.Name) })
	return files
}

// kustomization lists the manifests.
func kustomization(header []byte, manifests []report.File) []byte {
	b := bytes.NewBuffer(header)
	b.WriteString("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:")
	startList(b, len(manifests))
	for _, f := range byName(manifests) {
		fmt.Fprintf(b, "- %s\n", quote(Path(f)))
	}
	return b.Bytes()
}

// component lists the patches. It is a Component, since patches belong to the
// kustomization that has the workloads, which names this folder.
func component(header []byte, patches []report.File) []byte {
	b := bytes.NewBuffer(header)
	b.WriteString("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:")
	startList(b, len(patches))
	for _, f := range byName(patches) {
		w := f.Workload
		group, version, ok := strings.Cut(w.APIVersion, "/")
		if !ok {
			group, version = "", w.APIVersion
		}
		fmt.Fprintf(b, "- path: %s\n  target:\n", quote(f.Name))
		if group != "" {
			fmt.Fprintf(b, "    group: %s\n", group)
		}
		fmt.Fprintf(b, "    version: %s\n    kind: %s\n    name: %s\n    namespace: %s\n", version, w.Kind, anchored(w.Name), anchored(w.Namespace))
	}
	return b.Bytes()
}

// startList ends the line of a key whose list follows.
func startList(b *bytes.Buffer, items int) {
	if items == 0 {
		b.WriteString(" []")
	}
	b.WriteByte('\n')
}

// quote makes a scalar that YAML reads as text whatever it holds: file names
// have no quotes or backslashes, but may begin with a digit.
func quote(s string) string { return `"` + s + `"` }

// anchored: kustomize takes target names as regular expressions.
func anchored(name string) string {
	return quote("^" + strings.ReplaceAll(name, ".", `\\.`) + "$")
}
