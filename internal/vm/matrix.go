// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/avert-dev/avert/internal/needs"
)

// Matrix runs a parallel subtest for each kernel. A developer narrows the kernels with AVERT_KERNELS=6.1,6.12.
func Matrix(t *testing.T, test func(t *testing.T, kernel string)) {
	t.Helper()
	only := strings.FieldsFunc(os.Getenv("AVERT_KERNELS"), func(r rune) bool { return r == ',' })
	for _, kernel := range only {
		if !slices.Contains(Kernels, kernel) {
			t.Fatalf("AVERT_KERNELS names %q; there are %s", kernel, strings.Join(Kernels, ", "))
		}
	}
	for _, kernel := range Kernels {
		t.Run(kernel, func(t *testing.T) {
			if len(only) > 0 && !slices.Contains(only, kernel) {
				t.Skip("AVERT_KERNELS leaves this kernel out")
			}
			t.Parallel()
			test(t, kernel)
		})
	}
}

// MustRun is Run for tests: it ends the test unless the command ran to its end, with whatever exit code.
func MustRun(t testing.TB, config Config, argv ...string) Result {
	t.Helper()
	r, err := Run(t.Context(), config, argv...)
	needs.NoError(t, err)
	return r
}
