// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/lsm"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// TestVerify: verify says of each image whether it could be loaded, in the order
// of the arguments, with an exit code for the worst.
func TestVerify(t *testing.T) {
	t.Chdir(t.TempDir())
	good := imageFor(t)
	bad := bytes.Clone(good)
	bad[len(bad)-9] ^= 1
	for name, data := range map[string][]byte{"good.img": good, "bad.img": bad, "cut.img": good[:200], "text.img": []byte("text")} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		args   string
		code   int
		out    string // prefixes of lines
		stderr string
	}{
		{"good.img", exitClean, "good.img: ok: shop-web, revision sha256:", ""},
		{"bad.img good.img", exitFindings, "bad.img: refused: image: damaged: |good.img: ok: ", ""},
		{"cut.img text.img", exitFindings, "cut.img: refused: image: it has 200 bytes, and says |text.img: refused: not an image: ", ""},
		{"good.img nowhere.img", exitFailed, "good.img: ok: ", "avert-node: open nowhere.img: "},
		{"bad.img .", exitFailed, "bad.img: refused: ", "avert-node: read .: "},
		{"", exitFailed, "", "avert-node: requires at least 1 arg"},
	} {
		t.Run(test.args, func(t *testing.T) {
			var stdout, stderr strings.Builder
			if code := run(t.Context(), append([]string{"verify"}, strings.Fields(test.args)...), nil, &stdout, &stderr); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.HasPrefix(stderr.String(), test.stderr) || test.stderr == "" && stderr.Len() > 0 {
				t.Errorf("stderr: %s\nwant: %s", stderr.String(), test.stderr)
			}
			lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
			want := strings.Split(test.out, "|")
			if len(lines) != len(want) {
				t.Fatalf("got:\n%s", stdout.String())
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, want[i]) {
					t.Errorf("got: %s\nwant: %s", line, want[i])
				}
			}
		})
	}
}

// TestVerifyBounds: a file of any size is refused without being read whole.
func TestVerifyBounds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.img")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Skipf("the file system has no files of 1 TiB: %v", err)
	}
	var stdout, stderr strings.Builder
	if code := run(t.Context(), []string{"verify", path}, nil, &stdout, &stderr); code != exitFindings || !strings.Contains(stdout.String(), "more than 64 MiB") {
		t.Errorf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
}

// imageFor returns the image of a policy that blocks one file.
func imageFor(t *testing.T) []byte {
	p := &policy.Policy{Namespace: "shop", Name: "web", File: &policy.PathSection{}}
	p.File.Rules = []policy.PathRule{{
		Rule:  policy.Rule{Section: policy.File, Name: "secret", Action: policy.Block},
		Paths: []policy.Pattern{{Text: "/secret"}}, Access: policy.AccessRead,
	}}
	list := &diag.List{}
	program := lower.Program(&policy.Set{Policies: []*policy.Policy{p}}, list)
	pool := &platform.Pool{Kernel: linux.KernelVersion{Major: 6, Minor: 12}, LSMs: []string{"bpf"}, Architectures: []linux.Arch{linux.AMD64}}
	out := lsm.Target.Emit(emit.Input{Program: program, Pool: pool})
	if list.HasErrors() || len(out.Files) != 1 {
		t.Fatalf("%d files, %v %v", len(out.Files), list.Sorted(), out.Findings)
	}
	return out.Files[0].Data
}
