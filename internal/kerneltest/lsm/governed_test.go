// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/testimage"
	"github.com/avert-dev/avert/internal/vm"
)

var update = flag.Bool("update", false, "write testdata anew from what the kernels did, and docs/evasions.md from testdata")

// TestGoverned makes every attempt in a container whose cgroup is governed: attacks are refused and leave no effect, and work
// goes on. What came of each is compared with testdata, from which the documentation is made.
func TestGoverned(t *testing.T) {
	t.Parallel()
	vm.Matrix(t, func(t *testing.T, kernel string) {
		var files []vm.File
		for name := range Policies {
			for revision := 1; revision <= 2; revision++ {
				files = append(files, vm.File{Guest: imageName(name, revision), Data: compiled(t, kernel, name, revision)})
			}
		}
		trials := trials(kernel)
		for i := range trials {
			trials[i].Images = []string{imageName(trials[i].Policy, 1), imageName(trials[i].Policy, 2)}
		}
		var lines strings.Builder
		for i, o := range attempt(t, kernel, files, trials) {
			came := outcomeOf(o)
			fmt.Fprintf(&lines, "%d\t%s\t%s\n", trials[i].Row, trials[i].Name, came)
			if came != wanted(trials[i]) {
				t.Errorf("row %d, %s: %s\n%s%q", trials[i].Row, trials[i].Name, came, o.Output, o.Changed)
			}
		}
		path := filepath.Join("testdata", kernel+".txt")
		if *update {
			needs.NoError(t, os.WriteFile(path, []byte(lines.String()), 0o644))
		}
		want, err := os.ReadFile(path)
		needs.NoError(t, err)
		if diff := cmp.Diff(string(want), lines.String()); diff != "" {
			t.Errorf("other outcomes than %s has; if they are right: go test ./internal/kerneltest/lsm -update\n%s", path, diff)
		}
	})
}

// What can come of an attempt.
const (
	refused = "refused"
	worked  = "worked"
	// half is an attack that was refused after it had changed something.
	half = "refused too late"
	// silent is an attack that was refused without an alert.
	silent = "refused without an alert"
)

func outcomeOf(o Outcome) string {
	errno := syscall.Errno(o.Errno)
	switch {
	case o.Effect:
		return worked
	case errno != syscall.EPERM && errno != syscall.EACCES:
		return "failed otherwise: " + errno.Error()
	case len(o.Changed) > 0:
		return half
	case o.Alerts == 0:
		return silent
	}
	return refused
}

// wanted is what must come of an attempt.
func wanted(trial Trial) string {
	if trial.Work {
		return worked
	}
	return refused
}

func imageName(policy string, revision int) string {
	return fmt.Sprintf("/images/%s-%d.img", policy, revision)
}

// compiled returns the image of a policy. Its second revision has another rule, about something that no attempt uses.
func compiled(t *testing.T, kernel, name string, revision int) []byte {
	t.Helper()
	spec := strings.ReplaceAll(strings.Trim(Policies[name], "\n"), "\n", "\n  ")
	if revision == 2 {
		spec += "\n      - {name: other, action: Block, access: [write], paths: [/other/**]}"
	}
	text := fmt.Sprintf("apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: %s, namespace: evasions}\nspec:\n  selector: {matchLabels: {app: %[1]s}}\n  %s\n", name, spec)
	return testimage.Compile(t, kernel, text)
}
