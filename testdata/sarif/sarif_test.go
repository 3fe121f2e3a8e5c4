// SPDX-License-Identifier: Apache-2.0

package sarif

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // it has the schema
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaPackage = "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

// schema reads the schema out of the package that has it as a constant.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", schemaPackage).Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err = strconv.Unquote(literal.Value)
		}
		return err == nil
	})
	if err != nil || text == "" {
		t.Fatalf("no schema in %s: %v", dir, err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sarif.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchema validates what is printed about findings of every kind: with
// related places, with fixes, without a place, and none at all.
func TestSchema(t *testing.T) {
	s := schema(t)
	avert := filepath.Join(t.TempDir(), "avert")
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", avert, "./cmd/avert").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, test := range []struct{ stdin, path, want string }{
		{"", "../bad", `"relatedLocations"`},
		{"", "../../examples/checkout", `"results": []`},
		{"apiVersion: avert.dev/v1alpha1\nkind: RuntimePolcy\n", "-", `"fixes"`},
	} {
		cmd := exec.Command(avert, "lint", "--format", "sarif", test.path)
		cmd.Stdin = strings.NewReader(test.stdin)
		out, err := cmd.Output()
		if err != nil && cmd.ProcessState.ExitCode() != 1 {
			t.Fatalf("%s: %v", test.path, err)
		}
		if !strings.Contains(string(out), test.want) {
			t.Errorf("%s: no %s", test.path, test.want)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(document); err != nil {
			t.Errorf("%s: %v", test.path, err)
		}
	}
}
