// SPDX-License-Identifier: Apache-2.0

package linux

import "testing"

func TestArgBits(t *testing.T) {
	for _, c := range []struct {
		call  string
		index int
		want  int
	}{
		{"socket", 0, 32}, {"socket", 1, 32}, {"socket", 2, 32}, {"socket", 3, 64},
		{"kill", 1, 32}, {"personality", 0, 32}, {"prctl", 0, 32}, {"prctl", 1, 64}, {"ioctl", 1, 32}, {"ioctl", 2, 64},
		{"clone", 0, 64}, {"unshare", 0, 64}, {"mmap", 2, 64}, {"mprotect", 2, 64}, {"ptrace", 0, 64}, {"write", 2, 64},
		{"chmod", 1, 16}, {"openat", 0, 32}, {"openat", 1, 64}, {"openat", 2, 32}, {"openat", 3, 16},
		{"setns", 1, 32}, {"umount2", 1, 32}, {"arch_prctl", 0, 32}, {"nosuchcall", 0, 64},
	} {
		if got := ArgBits(c.call, c.index); got != c.want {
			t.Errorf("ArgBits(%s, %d) = %d, want %d", c.call, c.index, got, c.want)
		}
	}
	for call, w := range argWidths {
		if SyscallArches(call) == nil || len(w) > 6 {
			t.Errorf("%s %q is about no known call", call, w)
		}
	}
}
