// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/syntax"
	"github.com/avert-dev/avert/internal/needs"
)

// downgrade is what the parser notes of any profile with `network` when the
// kernel has no rules of its own for unix sockets: they become generic ones.
const downgrade = "downgrading extended network unix socket rule to generic network rule"

// TestAppArmorProfiles: the real parser takes the profiles of every example for
// each kernel, and warns of nothing.
func TestAppArmorProfiles(t *testing.T) {
	parser := needs.Tool(t, "apparmor_parser")
	features, err := filepath.Glob("../testdata/apparmor/features.*")
	if err != nil || len(features) < 4 {
		t.Fatalf("%d kernels (%v)", len(features), err)
	}
	for _, folder := range folders(t) {
		result := compiler.Compile(compiler.Input{
			Files:  []*diag.File{read(t, folder, "policy.yaml"), read(t, folder, "workload.yaml")},
			Config: read(t, folder, syntax.ConfigName),
		})
		profiles := 0
		for _, f := range result.Files {
			if !strings.HasPrefix(f.Path, "nodes/apparmor/avert.") {
				continue
			}
			profiles++
			path := filepath.Join(t.TempDir(), "profile")
			if err := os.WriteFile(path, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, kernel := range features {
				out, err := exec.Command(parser, "--skip-kernel-load", "--skip-cache", "--warn=all", "--kernel-features", kernel, path).CombinedOutput()
				if err != nil {
					t.Errorf("%s, %s: %v\n%s", f.Path, kernel, err, out)
				}
				for line := range strings.Lines(string(out)) {
					if line = strings.TrimSpace(line); line != "" && !strings.HasSuffix(line, downgrade) {
						t.Errorf("%s, %s: %s", f.Path, kernel, line)
					}
				}
			}
		}
		if profiles == 0 {
			t.Errorf("%s has no profile", folder)
		}
	}
}
