// SPDX-License-Identifier: Apache-2.0

// Package testimage compiles policies to images of the eBPF LSM back-end. It is for tests alone, and does not ask what
// the back-end leaves open.
package testimage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
)

// File is the name of the source of every image, as rules have it in their positions.
const File = "policy.yaml"

// Compile returns the image of policies, and of workloads if they are there, that make one unit, for nodes with a kernel
// such as 6.12.
func Compile(t testing.TB, kernel, documents string) []byte {
	t.Helper()
	config := fmt.Sprintf("apiVersion: avert.dev/v1alpha1\nkind: Config\npools: [{name: vm, kernel: %q, architectures: [amd64], lsm: [bpf], targets: [lsm]}]\n", kernel)
	result := compiler.Check(compiler.Input{
		Files:  []*diag.File{diag.NewFile(File, []byte(documents))},
		Config: diag.NewFile(".avert.yaml", []byte(config)),
	})
	var images [][]byte
	for _, pool := range result.Pools {
		for _, f := range pool.Files {
			if strings.HasSuffix(f.Name, ".img") {
				images = append(images, f.Data)
			}
		}
	}
	if len(images) != 1 {
		var findings strings.Builder
		diag.Printer{}.Print(&findings, result.Findings)
		t.Fatalf("%d images\n%s\n%s", len(images), &findings, documents)
	}
	return images[0]
}
