// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avert-dev/avert/compiler/suggest"
)

// missing is the error about a path that does not exist, with what was
// probably meant in place of its first part that does not.
func missing(path string) error {
	for {
		parent, base := filepath.Split(path)
		if parent == "" {
			parent = "."
		}
		entries, err := os.ReadDir(parent)
		if err != nil {
			up := filepath.Clean(parent)
			if up == path || up == "." {
				return errors.New("does not exist")
			}
			path = up
			continue
		}
		var names []string
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") == strings.HasPrefix(base, ".") {
				names = append(names, e.Name())
			}
		}
		if meant := suggest.Words(base, names); len(meant) > 0 {
			return fmt.Errorf("does not exist; did you mean %s?", filepath.Join(parent, meant[0]))
		}
		return errors.New("does not exist")
	}
}
