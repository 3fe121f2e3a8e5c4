// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCurrent holds that the committed schemas are those of the types.
func TestCurrent(t *testing.T) {
	t.Chdir("../..")
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join("schemas", name))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(string(got), string(text)); diff != "" {
			t.Errorf("%s is out of date, run make generate (-committed +generated):\n%s", name, diff)
		}
	}
	committed, err := filepath.Glob("schemas/*.schema.json")
	if err != nil || len(committed) != len(want) {
		t.Errorf("schemas are %q, and %d are generated; %v", committed, len(want), err)
	}
}

// TestClosed holds that no object takes keys that its schema does not name,
// and that editors have a description to show for every key of what people write.
func TestClosed(t *testing.T) {
	t.Chdir("../..")
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		var schema map[string]any
		if err := json.Unmarshal(text, &schema); err != nil {
			t.Fatal(err)
		}
		people := name == "policy.schema.json" || name == "config.schema.json"
		closed(t, name, schema, people)
	}
}

func closed(t *testing.T, at string, schema map[string]any, described bool) {
	if more, ok := schema["additionalProperties"]; schema["type"] == "object" && (!ok || more == true) {
		t.Errorf("%s takes any key", at)
	}
	properties, _ := schema["properties"].(map[string]any)
	for key, value := range properties {
		sub := value.(map[string]any)
		if text, _ := sub["description"].(string); described && text == "" && sub["oneOf"] == nil {
			t.Errorf("%s.%s has no description", at, key)
		}
		closed(t, at+"."+key, sub, described)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		closed(t, at+"[]", items, described)
	}
	if choices, ok := schema["oneOf"].([]any); ok {
		for _, c := range choices {
			closed(t, at, c.(map[string]any), described)
		}
	}
}
