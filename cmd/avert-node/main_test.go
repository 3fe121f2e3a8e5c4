// SPDX-License-Identifier: Apache-2.0

//go:build !guest

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"avert-node": main})
}

// TestScripts runs testdata/node.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/node", RequireExplicitExec: true, RequireUniqueNames: true, UpdateScripts: os.Getenv("AVERT_UPDATE") != "",
	})
}

// TestDependencies holds that a node runs nothing of the compiler's: no parser
// of YAML, no engine of policies, no network back-end.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		for _, unwanted := range []string{"yaml", "github.com/cilium/cilium", "github.com/open-policy-agent", "k8s.io/", "net/http", "testing",
			"github.com/avert-dev/avert/compiler/emit", "github.com/avert-dev/avert/compiler/check"} {
			if strings.Contains("/"+dep+"/", "/"+unwanted) || unwanted == "yaml" && strings.Contains(dep, "yaml") {
				t.Errorf("the command links %s", dep)
			}
		}
		if strings.HasPrefix(dep, "github.com/avert-dev/avert/") {
			own++
		}
	}
	if own < 5 {
		t.Errorf("go list found %d packages of avert", own)
	}
}
