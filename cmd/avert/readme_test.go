// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// block returns the text of the first fenced block of a page with this info.
func block(t *testing.T, page, info string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, "\n```"+info+"\n")
	text, _, closed := strings.Cut(rest, "```\n")
	if !ok || !closed {
		t.Fatalf("the README has no block of %s", info)
	}
	return text
}

// TestReadmeDiff makes the change that the README shows in a repository, and
// wants of the command there what the README says.
func TestReadmeDiff(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	policy := block(t, page, "yaml")
	var from, to string
	for line := range strings.Lines(block(t, page, "diff change")) {
		switch line[0] {
		case '-':
			from += line[1:]
		case '+':
			to += line[1:]
		}
	}
	if !strings.Contains(policy, " "+strings.TrimLeft(from, " ")) {
		t.Fatalf("the policy does not have what is changed: %s", from)
	}

	t.Chdir(t.TempDir())
	git := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile("policies/web.yaml", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("policies", 0o755); err != nil {
		t.Fatal(err)
	}
	write(policy)
	git("init", "-q")
	git("add", ".")
	git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "one")
	git("update-ref", "refs/remotes/origin/main", "HEAD")
	write(strings.Replace(policy, strings.TrimSpace(from), strings.TrimSpace(to), 1))

	words := strings.Fields(block(t, page, "sh diff"))
	if words[0] != "avert" {
		t.Fatalf("the command is %q", words)
	}
	var stdout, stderr bytes.Buffer
	if code := run(words[1:], strings.NewReader(""), &stdout, &stderr); code != exitFindings {
		t.Errorf("exit code %d\n%s", code, stderr.String())
	}
	if want := block(t, page, "text diff"); stdout.String() != want {
		t.Errorf("got:\n%s\nthe README says:\n%s", stdout.String(), want)
	}
}
