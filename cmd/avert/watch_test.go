// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestWatch changes a policy, then the configuration and a rule, and waits for
// the verdict after each.
func TestWatch(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		t.Helper()
		// At once, as editors do: a half-written file would be linted too.
		if err := os.WriteFile("new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename("new", name); err != nil {
			t.Fatal(err)
		}
	}
	const head = "apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {matchLabels: {app: web}}\n"
	const config = "apiVersion: avert.dev/v1alpha1\nkind: Config\nguardrails: {paths: [ours]}\n"
	write("policy.yaml", head+"  network: {default: Block}\n")
	write(".avert.yaml", config)
	if out, err := exec.Command("avert", "rules", "new", "team-prefix", "-o", "ours").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command("avert", "lint", "--watch", "policy.yaml")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it may have ended
	lines := bufio.NewScanner(stderr)
	verdict := func(want string) {
		t.Helper()
		if !lines.Scan() || !strings.Contains(lines.Text(), want) {
			t.Fatalf("%q, want %q", lines.Text(), want)
		}
	}
	verdict("0 errors, 3 warnings")
	write("policy.yaml", head+"  network: {default: Block}\n  capabilities: {default: Block}\n")
	verdict("0 errors, 2 warnings")
	write(".avert.yaml", config+"waivers: [{rule: process-default, paths: [\"**\"], reason: later, owner: us, expires: \"9999-12-31\"}]\n")
	verdict("0 errors, 1 warning, 1 waived")
	if err := os.RemoveAll("ours"); err != nil {
		t.Fatal(err)
	}
	verdict("guardrails of ours: ")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	verdict("interrupted")
	if code := exitCode(t, cmd.Wait()); code != 128+int(syscall.SIGINT) {
		t.Errorf("exit code %d", code)
	}
}
