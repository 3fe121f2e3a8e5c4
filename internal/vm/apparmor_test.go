// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/apparmor anew from what the kernels say")

// flatten writes the folder where a kernel says what its AppArmor can do as the one file that apparmor_parser takes for it
// with --kernel-features: name {content} with folders as content of their own.
const flatten = `
walk() {
  for name in *; do
    printf '%s {' "$name"
    if [ -d "$name" ]; then cd "$name"; walk; cd ..; else cat "$name"; fi
    printf '}\n'
  done
}
cd /sys/kernel/security/apparmor/features && walk`

// TestAppArmorFeatures boots every kernel and holds the feature files, for which profiles are compiled, against what it says.
func TestAppArmorFeatures(t *testing.T) {
	t.Parallel()
	Matrix(t, func(t *testing.T, kernel string) {
		r := MustRun(t, Config{Kernel: kernel, LSM: AppArmor}, "sh", "-ec", "uname -r;"+flatten)
		release, got, _ := strings.Cut(string(r.Output), "\n")
		if r.Code != 0 || !strings.HasPrefix(release, kernel+".") {
			t.Fatalf("exit code %d of release %q:\n%s", r.Code, release, r.Output)
		}
		path := "../../testdata/apparmor/features." + kernel
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s says otherwise than %s; if that is right: go test ./internal/vm -run AppArmorFeatures -update\n%s", release, path, diff)
		}
	})
}
