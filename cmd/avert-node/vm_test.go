// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/avert-dev/avert/internal/apparmorbin"
	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/vm"
	"github.com/avert-dev/avert/runtime/event"
)

// follow runs the command while something is refused, without audit_backlog_limit
// on the kernel's command line, and interrupts it.
const follow = `
cat /profile > /sys/kernel/security/apparmor/.replace
avert-node events --rules /rules --node guest > /alerts 2> /said & node=$!
until grep -q reading /said; do sleep 0.1; done
sh -c 'echo "exec avert.u" > /proc/self/attr/exec; exec cat /secret/x' 2> /denied
grep -q 'Permission denied' /denied || { cat /denied; exit 3; }
until [ -s /alerts ]; do sleep 0.1; done
kill -INT $node
wait $node || exit 4
cat /alerts; echo ---; cat /said`

// TestFollow holds that the command prints what a kernel refuses, as it
// happens, and ends clean when it is interrupted.
//
//proves:apparmor alerts
func TestFollow(t *testing.T) {
	t.Parallel()
	kernel := vm.Kernels[len(vm.Kernels)-1]
	profile, messages, err := apparmorbin.NewParser(t, kernel).Policy("profile avert.u {\n  /** rix,\n  audit deny /secret/** r,\n}\n")
	if err != nil {
		t.Fatalf("%v\n%s", err, messages)
	}
	node, err := vm.Build(".")
	needs.NoError(t, err)
	r := vm.MustRun(t, vm.Config{Kernel: kernel, LSM: vm.AppArmor, Files: []vm.File{
		{Guest: "/bin/avert-node", Data: node, Mode: 0o755},
		{Guest: "/profile", Data: profile},
		{Guest: "/secret/x", Data: []byte("x")},
		{Guest: "/rules/shop-u.rules.json", Host: "../../runtime/audit/testdata/enforced.rules.json"},
	}}, "sh", "-c", follow)
	alerts, said, _ := strings.Cut(string(r.Output), "---\n")
	if r.Code != 0 || !strings.Contains(said, "audit_backlog_limit=8192") {
		t.Fatalf("exit code %d\n%s\n%s", r.Code, r.Output, r.Console)
	}
	var e event.Event
	if err := json.Unmarshal([]byte(alerts), &e); err != nil {
		t.Fatalf("%v\n%s", err, alerts)
	}
	if e.Node != "guest" || e.Verdict != event.Block || e.Rule != "file/secret" || !e.Certain || e.Position.Line != 13 || e.Object.Path != "/secret/x" || !slices.Equal(e.Access, []string{"read"}) {
		t.Errorf("%s", alerts)
	}
}
