// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"testing"

	"github.com/avert-dev/avert/internal/needs"
)

func TestKernels(t *testing.T) {
	for _, kernel := range Kernels {
		t.Run(kernel, func(t *testing.T) {
			r, err := Run(t.Context(), Config{Kernel: kernel, LSM: AppArmor}, "sh", "-c", "uname -r; exit 7")
			needs.NoError(t, err)
			if r.Code != 7 || !strings.HasPrefix(string(r.Output), kernel+".") {
				t.Errorf("code %d, output %q\n%s", r.Code, r.Output, r.Console)
			}
		})
	}
}
