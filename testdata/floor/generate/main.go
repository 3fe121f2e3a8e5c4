// SPDX-License-Identifier: Apache-2.0

// Command generate writes compiler/floor/data. Run it in testdata/floor:
//
//	go run ./generate ../../compiler/floor/data
//
// It downloads the modules of all sources, and needs qemu-user-static.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/avert-dev/avert/testdata/floor"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("generate: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: generate DIR")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// row is a line of index.json.
type row struct {
	Runtime      string   `json:"runtime"`
	From         string   `json:"from"`
	Verified     []string `json:"verified,omitempty"` // first and last version that were asked
	Capabilities []string `json:"capabilities"`
	Set          string   `json:"set"` // file without .json
}

func run(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var index []row
	files := map[string]string{} // content to name
	for _, source := range floor.Sources() {
		r := row{Runtime: source.Runtime, From: source.From}
		if source.First != "" {
			r.Verified = []string{source.First, source.Last}
		}
		var content []byte
		for _, version := range source.Versions {
			set, capabilities, err := ask(source, version)
			if err != nil {
				return fmt.Errorf("%s %s: %w", source.Module, version, err)
			}
			if content != nil && !bytes.Equal(content, set) {
				return fmt.Errorf("%s: versions %v differ", source.Module, source.Versions)
			}
			content, r.Capabilities = set, capabilities
		}
		name, ok := files[string(content)]
		if !ok {
			name = source.Runtime + "-" + source.From
			files[string(content)] = name
			if err := os.WriteFile(filepath.Join(dir, name+".json"), content, 0o644); err != nil {
				return err
			}
		}
		r.Set = name
		index = append(index, r)
		log.Printf("%s from %s: %s", r.Runtime, r.From, r.Set)
	}
	content, err := indent(index)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "index.json"), content, 0o644)
}

func ask(source floor.Source, version string) (content []byte, capabilities []string, err error) {
	dir, err := os.MkdirTemp("", "floor-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	probe, err := floor.NewProbe(source, version, dir)
	if err != nil {
		return nil, nil, err
	}
	capabilities, err = probe.Capabilities(source)
	if err != nil {
		return nil, nil, err
	}
	set, err := probe.Deduce()
	if err != nil {
		return nil, nil, err
	}
	content, err = indent(set)
	return content, capabilities, err
}

func indent(v any) ([]byte, error) {
	content, err := json.MarshalIndent(v, "", " ")
	return append(content, '\n'), err
}
