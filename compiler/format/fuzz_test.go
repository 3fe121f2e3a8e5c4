// SPDX-License-Identifier: Apache-2.0

package format

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// decode loads all documents of a file as data: mappings without an order of keys, duplicate ones included, and numbers
// as text, so that none is equal to another by rounding.
func decode(t *testing.T, src []byte) []any {
	t.Helper()
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	var docs []any
	for {
		var doc yaml.Node
		if err := loader.Load(&doc); errors.Is(err, io.EOF) {
			return docs
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, src)
		}
		docs = append(docs, data(doc.Content[0]))
	}
}

func data(n *yaml.Node) any {
	var list []any
	switch n.Kind {
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return nil
		}
		return n.ShortTag() + " " + n.Value
	case yaml.AliasNode:
		return "alias " + n.Value
	case yaml.SequenceNode:
		for _, item := range n.Content {
			list = append(list, data(item))
		}
		return list
	}
	pairs := map[any][]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := data(n.Content[i])
		pairs[key] = append(pairs[key], data(n.Content[i+1]))
	}
	return pairs
}

// check formats and fails unless the result is canonical and means the same.
func check(t *testing.T, src []byte) {
	t.Helper()
	out, err := Source(src, "f.yaml")
	if err != nil {
		if strings.Contains(err.Error(), "as a bug in avert") {
			t.Fatalf("%v\n%q", err, src)
		}
		return
	}
	if diff := cmp.Diff(decode(t, src), decode(t, out)); diff != "" {
		t.Fatalf("means something else (-before +after):\n%s\n%q\n%q", diff, src, out)
	}
	again, err := Source(out, "f.yaml")
	if err != nil {
		t.Fatalf("cannot be formatted again: %v\n%q\n%q", err, src, out)
	}
	if !bytes.Equal(out, again) {
		t.Fatalf("changes again: %s\n%q", Diff(out, again, "f.yaml"), src)
	}
}

func FuzzFormat(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no files in testdata: %v", err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, src := range []string{
		"- - - a # x\n    # y\n  # z\n# w\n- b", "a: |+\n  x\n\n\n# c\nb: >2-\n    y\n\n  z\n...\n# d\n--- # e\n&a [*a, ? , !!str , {}]",
		"[a, # x\n  b: c, # y\n {d, 'e': \"f\"} # z\n  # v\n] # w", "k: # a\n  # b\n  &x # c\n  !!map\n  # d\n  l: m # e", "'a\n  b\n\n  c': \"d\\\n  e\\n\"",
		"? a # b\n: # c\n  d", "# only a comment", "---\n---\n# x\n---\n", "a: {b: [c, {d: e}],\n  f: g}\n  # h\n", "\"a\": ! b\n*c : d", "a: b: c", "--- ---", "&0:ɭ", ": |\n 0\n  \n:", "--- #\n&a [&b #\nc, {}]",
		"a:\n    # x\n   # y\n  # z\nb:",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) { check(t, src) })
}
