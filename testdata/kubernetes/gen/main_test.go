// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSchemasAreCurrent(t *testing.T) {
	const dir = "../schemas"
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := want[e.Name()]; !ok {
			t.Errorf("%s is not generated any more; run make generate", e.Name())
		}
	}
	for name, data := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != string(data) {
			t.Errorf("%s is not current; run make generate (%v)", name, err)
		}
	}
}

func TestUnknownKeyword(t *testing.T) {
	d := definitions{}
	if _, err := d.convert(schema{"type": "object", "properties": map[string]any{"a": map[string]any{"not": map[string]any{}}}}); err == nil {
		t.Error("a keyword that is not known was passed over")
	}
	if _, err := d.convert(schema{"$ref": "#/definitions/gone"}); err == nil {
		t.Error("a reference to nothing was passed over")
	}
}
