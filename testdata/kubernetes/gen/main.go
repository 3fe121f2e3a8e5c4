// SPDX-License-Identifier: Apache-2.0

// Command gen writes the JSON schemas that tests give to kubeconform, from what Kubernetes and Cilium publish in their Go
// modules. The files are named as the schema location {{ .ResourceKind }}{{ .KindSuffix }}.json expects.
//
// Unknown fields are refused, as the API server does under fieldValidation=Strict, and so are other kinds and versions.
// What servers check in code is not in the schemas.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
)

//go:generate go run . ../schemas

func main() {
	log.SetFlags(0)
	log.SetPrefix("gen: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: gen DIR")
	}
	files, err := generate()
	if err != nil {
		log.Fatal(err)
	}
	if err := write(os.Args[1], files); err != nil {
		log.Fatal(err)
	}
}

// generate returns the schemas by file name.
func generate() (map[string][]byte, error) {
	definitions, err := readOpenAPI()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range kinds {
		id, s, err := definitions.object(name)
		if err != nil {
			return nil, err
		}
		files[id.fileName()] = encode(s)
	}
	id, s, err := readCustomResource(definitions)
	if err != nil {
		return nil, err
	}
	files[id.fileName()] = encode(s)
	return files, nil
}

// write makes the folder anew, so that a kind that is gone leaves no file.
func write(dir string, files map[string][]byte) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("write a schema: %w", err)
		}
	}
	return nil
}
