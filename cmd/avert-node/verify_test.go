// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerify: verify says of each image whether it could be loaded, in the order
// of the arguments, with an exit code for the worst.
func TestVerify(t *testing.T) {
	t.Chdir(t.TempDir())
	good := imageOf(t, "/secret")
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
		{"good.img", exitClean, "good.img: ok: shop-checkout, revision sha256:", ""},
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
