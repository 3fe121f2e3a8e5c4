// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// KernelVersion is the version of a Linux kernel. The zero value is older than
// every kernel. Distributions backport features, so a version is a lower bound
// of what a kernel has.
type KernelVersion struct {
	Major, Minor, Patch uint16
}

// ParseKernelVersion reads "6.1", "5.10.262", or a release as uname prints it:
// whatever follows the numbers after '-', '+', '~' or '_' is the distribution's
// and is ignored, as is a fourth and further number.
func ParseKernelVersion(s string) (KernelVersion, error) {
	numbers := s
	if i := strings.IndexAny(s, "-+~_"); i >= 0 {
		numbers = s[:i]
	}
	parts := strings.Split(numbers, ".")
	if len(parts) < 2 {
		return KernelVersion{}, fmt.Errorf("kernel version %q: want MAJOR.MINOR, as in 6.1", s)
	}
	var v KernelVersion
	for i, field := range []*uint16{&v.Major, &v.Minor, &v.Patch} {
		if i == len(parts) {
			break
		}
		n, err := strconv.ParseUint(parts[i], 10, 16)
		if err != nil {
			return KernelVersion{}, fmt.Errorf("kernel version %q: %q is not a number below 65,536", s, parts[i])
		}
		*field = uint16(n)
	}
	return v, nil
}

// Compare returns -1, 0 or 1 as v is older than, equal to or newer than w.
func (v KernelVersion) Compare(w KernelVersion) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch))
}

// AtLeast reports whether v is w or newer.
func (v KernelVersion) AtLeast(w KernelVersion) bool { return v.Compare(w) >= 0 }

// String returns "6.1", or "5.10.262" when the patch level is not 0.
func (v KernelVersion) String() string {
	s := fmt.Sprintf("%d.%d", v.Major, v.Minor)
	if v.Patch != 0 {
		s += fmt.Sprintf(".%d", v.Patch)
	}
	return s
}
