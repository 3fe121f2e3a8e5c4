// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is the major and minor number of a Kubernetes, CNI or runtime release.
type Version struct{ Major, Minor int }

// ParseVersion reads "1.31" or "v1.31.4"; a patch number is passed over.
func ParseVersion(s string) (Version, error) {
	parts := strings.Split(strings.TrimPrefix(s, "v"), ".")
	if len(parts) < 2 || len(parts) > 3 {
		return Version{}, fmt.Errorf("%q is not a version such as 1.31", s)
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return Version{}, fmt.Errorf("%q is not a version such as 1.31", s)
		}
		n[i] = int(v)
	}
	return Version{n[0], n[1]}, nil
}

// AtLeast says whether v is major.minor or later.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

// String returns "major.minor".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }
