// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// version is the version of a container runtime: major, minor and patch level.
type version [3]int

// parseVersion reads "1.7.27", with or without a v before it, and ignores what a
// distribution adds behind it. Without a patch level ("1.7") it is a later one
// than all that are known.
func parseVersion(text string) (version, error) {
	numbers := strings.TrimPrefix(text, "v")
	if i := strings.IndexAny(numbers, "-+~"); i >= 0 {
		numbers = numbers[:i]
	}
	parts := strings.Split(numbers, ".")
	v := version{0, 0, math.MaxInt}
	if len(parts) != 2 && len(parts) != 3 {
		return version{}, fmt.Errorf("container runtime version %q: want MAJOR.MINOR.PATCH, as in 1.7.27", text)
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return version{}, fmt.Errorf("container runtime version %q: %q is not a number below 65,536", text, part)
		}
		v[i] = int(n)
	}
	return v, nil
}

func (v version) compare(w version) int { return slices.Compare(v[:], w[:]) }

// latestOf says whether v stands for the latest patch level of w's minor version.
func (v version) latestOf(w version) bool { return v[2] == math.MaxInt && v[0] == w[0] && v[1] == w[1] }

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// UnmarshalText reads a version of the data.
func (v *version) UnmarshalText(text []byte) (err error) {
	*v, err = parseVersion(string(text))
	return err
}
