// SPDX-License-Identifier: Apache-2.0

// Command gen writes the JSON Schemas into the folder of package schemas:
// go generate ./schemas. It reads the descriptions from the doc comments of
// the types, so it runs only inside the repository.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "schemas/gen:", err)
		os.Exit(1)
	}
}

func write() error {
	if err := enterRepository(); err != nil {
		return err
	}
	files, err := generate()
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join("schemas", name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// enterRepository changes to the folder of go.mod.
func enterRepository() error {
	for {
		if _, err := os.Stat("go.mod"); err == nil {
			return nil
		}
		dir, err := os.Getwd()
		if err != nil || dir == filepath.Dir(dir) {
			return fmt.Errorf("go.mod is in no folder above")
		}
		if err := os.Chdir(".."); err != nil {
			return err
		}
	}
}
