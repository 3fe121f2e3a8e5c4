// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"path/filepath"
	"strings"
	"time"
)

// Cgroups finds where cgroups are by their ids.
type Cgroups struct {
	// Root is where the hierarchy is mounted, List returns the folders in it by id.
	Root string
	List func(root string) map[uint64]string

	paths  map[uint64]string
	listed time.Time
}

// listEvery is how often the hierarchy is walked at most: a report of a cgroup that
// is gone, or newer, says nothing of it until then.
const listEvery = time.Second

// Path returns the path of a cgroup below the root, such as /kubepods/pod1, or "".
func (c *Cgroups) Path(id uint64) string {
	path, ok := c.paths[id]
	if !ok && time.Since(c.listed) >= listEvery {
		c.paths, c.listed = c.List(c.Root), time.Now()
		path, ok = c.paths[id]
	}
	if !ok {
		return ""
	}
	return filepath.Join("/", strings.TrimPrefix(path, c.Root))
}
