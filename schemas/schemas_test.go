// SPDX-License-Identifier: Apache-2.0

package schemas_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/compiler/syntax"
	"github.com/avert-dev/avert/schemas"
)

func schema(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemas.Read(name)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name+".json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNames(t *testing.T) {
	for _, name := range schemas.Names() {
		schema(t, name)
	}
	if text := schemas.Read("none"); text != nil {
		t.Errorf("a schema that is not there is %q", text)
	}
	files, err := filepath.Glob("*.schema.json")
	if err != nil || len(files) != len(schemas.Names()) {
		t.Errorf("files %q, names %q, %v", files, schemas.Names(), err)
	}
}

// value is a node as a JSON decoder would return it.
func value(n *syntax.Node) any {
	switch n.Kind {
	case syntax.MapNode:
		out := map[string]any{}
		for _, f := range n.Fields {
			out[f.Key] = value(f.Value)
		}
		return out
	case syntax.ListNode:
		out := []any{}
		for _, item := range n.Items {
			out = append(out, value(item))
		}
		return out
	case syntax.Null:
		return nil
	}
	switch n.Tag {
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if u, err := strconv.ParseUint(n.Value, 0, 64); err == nil {
			return json.Number(strconv.FormatUint(u, 10))
		}
		return json.Number(n.Value)
	case "!!float":
		return json.Number(n.Value)
	}
	return n.Value
}

// decodes says whether package syntax takes a document, and what it reports.
func decodes(doc *syntax.Node, kind string) (bool, []diag.Diagnostic) {
	list := &diag.List{}
	var document any = &syntax.RuntimePolicy{}
	if kind == "config" {
		document = &syntax.Config{}
	}
	ok := syntax.Decode(doc, document, list)
	return ok, list.Sorted()
}

// documents returns the parsed documents of every policy and configuration of
// the repository's examples and test data, right and wrong ones, by place.
func documents(t *testing.T) map[string]*syntax.Node {
	t.Helper()
	texts := map[string][]byte{}
	for _, folder := range []string{"../examples", "../testdata/cli", "../testdata/diagnostics", "../compiler/check/testdata"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			switch filepath.Ext(path) {
			case ".yaml", ".yml":
				texts[path] = text
			case ".txtar":
				for _, f := range txtar.Parse(text).Files {
					texts[path+"/"+f.Name] = f.Data
				}
			}
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	out := map[string]*syntax.Node{}
	for path, text := range texts {
		list := &diag.List{}
		for i, doc := range syntax.Parse(diag.NewFile(path, text), list) {
			if v := doc.Get("apiVersion"); v != nil && v.Value == syntax.APIVersion && !list.HasErrors() {
				out[path+"#"+strconv.Itoa(i)] = doc
			}
		}
	}
	return out
}

// TestRepository holds that schema and decoder agree on every document of the
// repository.
func TestRepository(t *testing.T) {
	taken, refused := 0, 0
	for place, doc := range documents(t) {
		kind := "policy"
		if k := doc.Get("kind"); k != nil && k.Value == "Config" {
			kind = "config"
		}
		ok, findings := decodes(doc, kind)
		err := schema(t, kind).Validate(value(doc))
		if ok != (err == nil) {
			t.Errorf("%s: decoder %v, %v; schema %v", place, ok, findings, err)
		}
		if ok {
			taken++
		} else {
			refused++
		}
	}
	if taken < 50 || refused < 8 {
		t.Errorf("%d documents taken, %d refused: too few to show anything", taken, refused)
	}
}

// TestModelines holds that an editor finds the schema of every example.
func TestModelines(t *testing.T) {
	seen := 0
	for place, doc := range documents(t) {
		file, _, _ := strings.Cut(place, "#")
		if !strings.HasPrefix(place, "../examples/") || !strings.HasSuffix(place, "#0") {
			continue
		}
		seen++
		want := map[string]string{"RuntimePolicy": "policy", "Config": "config"}[doc.Get("kind").Value] + ".schema.json"
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		path, ok := strings.CutPrefix(line, "# yaml-language-server: $schema=")
		if path = filepath.Join(filepath.Dir(file), path); !ok || path != filepath.Join("../schemas", want) {
			t.Errorf("%s begins with %q, not with a modeline for %s", file, line, want)
		}
	}
	if seen < 7 {
		t.Errorf("%d examples", seen)
	}
}

// faults are values, as JSON, that are wrong in most places and right in some.
var faults = []string{
	`null`, `true`, `""`, `"Allow"`, `"Block"`, `"allow"`, `"text"`, `0`, `8080`, `-1`, `1.5`, `18446744073709551615`, `18446744073709551616`,
	`[]`, `["read"]`, `["text"]`, `[true]`, `[null]`, `[{}]`, `{}`, `{"name": "x"}`, `{"ingress": "Block", "egress": "Allow"}`, `{"ingress": "Block"}`,
}

func decoded(t failer, text string) any {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return doc
}

// original is a document without faults, as JSON, and its schema.
type original struct {
	kind, text string
}

// originals have about every key of the language.
func originals(t *testing.T) []original {
	t.Helper()
	var out []original
	for place, doc := range documents(t) {
		if !strings.Contains(place, "check/testdata/checkout.yaml") && !strings.Contains(place, "config.txtar/.avert.yaml") {
			continue
		}
		text, err := json.Marshal(value(doc))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, original{map[string]string{"RuntimePolicy": "policy", "Config": "config"}[doc.Get("kind").Value], string(text)})
	}
	slices.SortFunc(out, func(a, b original) int { return strings.Compare(a.text, b.text) })
	if len(out) < 2 {
		t.Fatal("the documents to start from are gone")
	}
	return out
}

// failer is what tests and rapid have in common.
type failer interface{ Fatalf(string, ...any) }

// agree holds that schema and decoder agree on a document.
func agree(t failer, s *jsonschema.Schema, kind string, doc any) {
	text, err := json.Marshal(doc) // which is YAML
	if err != nil {
		t.Fatalf("%v", err)
	}
	parsed := syntax.Parse(diag.NewFile("x.yaml", text), &diag.List{})
	if len(parsed) != 1 {
		return // null
	}
	ok, findings := decodes(parsed[0], kind)
	if err := s.Validate(doc); ok != (err == nil) {
		t.Fatalf("%s\ndecoder %v, %v\nschema %v", text, ok, findings, err)
	}
}

// TestEachFault puts every fault in every place.
func TestEachFault(t *testing.T) {
	for _, o := range originals(t) {
		root, s := decoded(t, o.text), schema(t, o.kind)
		var visit func(any)
		visit = func(v any) {
			switch v := v.(type) {
			case map[string]any:
				for k, was := range maps.Clone(v) {
					for _, fault := range faults {
						v[k] = decoded(t, fault)
						agree(t, s, o.kind, root)
					}
					delete(v, k)
					agree(t, s, o.kind, root)
					v[k+"x"] = was
					agree(t, s, o.kind, root)
					delete(v, k+"x")
					v[k] = was
					visit(was)
				}
			case []any:
				for i, was := range v {
					for _, fault := range faults {
						v[i] = decoded(t, fault)
						agree(t, s, o.kind, root)
					}
					v[i] = was
					visit(was)
				}
			}
		}
		visit(root)
	}
}

func fault(t *rapid.T) any { return decoded(t, rapid.SampledFrom(faults).Draw(t, "fault")) }

// mutate changes one part of a document, and returns it.
func mutate(t *rapid.T, v any) any {
	inside := rapid.IntRange(0, 9).Draw(t, "inside") > 0
	switch v := v.(type) {
	case map[string]any:
		if !inside || len(v) == 0 {
			break
		}
		k := rapid.SampledFrom(slices.Sorted(maps.Keys(v))).Draw(t, "key")
		switch rapid.IntRange(0, 6).Draw(t, "how") {
		case 0:
			delete(v, k)
		case 1:
			v[rapid.SampledFrom([]string{"name", "default", "rules", "action", "quiet", "names", "Name", "from", "x"}).Draw(t, "new key")] = fault(t)
		default:
			v[k] = mutate(t, v[k])
		}
		return v
	case []any:
		if !inside || len(v) == 0 {
			break
		}
		i := rapid.IntRange(0, len(v)-1).Draw(t, "item")
		v[i] = mutate(t, v[i])
		return v
	}
	return fault(t)
}

// TestFaults makes several faults at once.
func TestFaults(t *testing.T) {
	all := originals(t)
	validators := map[string]*jsonschema.Schema{"policy": schema(t, "policy"), "config": schema(t, "config")}
	rapid.Check(t, func(rt *rapid.T) {
		o := rapid.SampledFrom(all).Draw(rt, "document")
		doc := decoded(rt, o.text)
		for range rapid.IntRange(1, 5).Draw(rt, "faults") {
			doc = mutate(rt, doc)
		}
		agree(rt, validators[o.kind], o.kind, doc)
	})
}

// TestWritten holds that what avert writes is as its schemas say.
func TestWritten(t *testing.T) {
	archive, err := txtar.ParseFile("../testdata/cli/compile.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var in compiler.Input
	for _, f := range archive.Files {
		if filepath.Ext(f.Name) == ".yaml" && f.Name != "bad.yaml" {
			in.Files = append(in.Files, diag.NewFile(f.Name, f.Data))
		}
	}
	result := compiler.Compile(in)
	valid := func(name string, text []byte) {
		t.Helper()
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			err = schema(t, name).Validate(doc)
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	reports := 0
	for _, f := range result.Files {
		if f.Path == "report.json" {
			valid("report", f.Data)
			reports++
		}
	}
	if reports != 1 {
		t.Errorf("%d reports; findings %v", reports, result.Findings)
	}
	r := report.Run{Files: 1, Findings: result.Findings, Formatted: []string{"a"}, Tree: &report.Tree{Folder: "out", Written: []string{"a"}, Differences: []report.Difference{{Path: "b", Kind: "stale"}}}}
	file := diag.NewFile("x.yaml", []byte("kind: x\n"))
	span := diag.Span{File: file, Start: 6, End: 7}
	r.Findings = append(r.Findings,
		diag.Diagnostic{Code: diag.UnknownKey, Severity: diag.Error, Span: span, Message: "m", Hint: "h", Notes: []diag.Related{{Span: span, Message: "n"}}, Fix: &diag.Fix{Span: span, Text: "t"}},
		diag.Diagnostic{Code: diag.UnknownTarget, Severity: diag.Note, Message: "without a place"})
	valid("findings", r.JSON())
	valid("findings", (&report.Run{}).JSON())
}
