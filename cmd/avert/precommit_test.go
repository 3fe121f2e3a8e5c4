// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/avert-dev/avert/internal/needs"
)

// inRepository runs programs in a new repository of git, with pre-commit's
// files apart from those of the user.
func inRepository(t *testing.T, dir string) func(args ...string) (string, error) {
	t.Helper()
	home := t.TempDir()
	run := func(args ...string) (string, error) {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "PRE_COMMIT_HOME="+filepath.Join(home, "pre-commit"),
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_CONFIG_NOSYSTEM=1")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, args := range [][]string{{"git", "init", "-q"}, {"git", "add", "-A"}, {"git", "commit", "-qm", "all"}} {
		if out, err := run(args...); err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
	}
	return run
}

// TestPreCommit runs the hooks with the avert of the test: on files that are
// fine, that have findings, that are not formatted, and on a tree that is not
// current.
func TestPreCommit(t *testing.T) {
	needs.Tool(t, "pre-commit")
	needs.Tool(t, "git")
	manifest, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	hooks := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(hooks, ".pre-commit-hooks.yaml"), string(manifest))
	revision, err := inRepository(t, hooks)("git", "rev-parse", "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	policy := filepath.Join(dir, "policies/web.yaml")
	const good = "apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {matchLabels: {app: web}}\n  network: {default: Block}\n  capabilities: {default: Block}\n"
	write(policy, good)
	write(filepath.Join(dir, "other.yaml"), "a: 1\n")
	write(filepath.Join(dir, ".pre-commit-config.yaml"), "repos:\n  - repo: "+hooks+"\n    rev: "+strings.TrimSpace(revision)+
		"\n    hooks:\n      - {id: avert-lint-system}\n      - {id: avert-fmt-system}\n      - {id: avert-verify-system}\n")
	run := inRepository(t, dir)
	compile := func() {
		t.Helper()
		if out, err := run("avert", "compile", "policies", "-o", "out"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	compile()
	hook := func(id string, passes bool, says string) {
		t.Helper()
		out, err := run("pre-commit", "run", "--all-files", id)
		if (err == nil) != passes || !strings.Contains(out, says) {
			t.Errorf("%s: %v, want %q in\n%s", id, err, says, out)
		}
	}
	hook("avert-lint-system", true, "Passed")
	hook("avert-fmt-system", true, "Passed")
	hook("avert-verify-system", true, "Passed")

	write(policy, strings.Replace(good, "network:", "netwrk:", 1))
	hook("avert-lint-system", false, `unknown key "netwrk"`)
	write(policy, strings.Replace(good, "{app: web}", "{app:  web}", 1))
	hook("avert-fmt-system", false, "files were modified by this hook")
	if text, err := os.ReadFile(policy); err != nil || string(text) != good {
		t.Errorf("%v, formatted is\n%s", err, text)
	}
	write(policy, strings.Replace(good, "default: Block}\n  cap", "default: Allow}\n  cap", 1))
	hook("avert-verify-system", false, "not current")
}
