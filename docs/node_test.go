// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/output"
	"github.com/avert-dev/avert/runtime/image"
)

var (
	imageName = regexp.MustCompile(`[^\s/]+\.img`)
	command   = regexp.MustCompile(`(?m)avert-node ([a-z]+)`)
)

// TestImages holds that nodes as the pages declare them make the images that the
// pages load, of the example, and that these can be loaded.
func TestImages(t *testing.T) {
	for _, page := range []string{"../README.md", "back-ends.md", "node.md"} {
		images, shown := map[string]bool{}, 0
		for _, b := range blocks(t, page) {
			switch b.info {
			case "yaml pool":
				shown++
				for _, f := range onNodes(t, "apiVersion: avert.dev/v1alpha1\nkind: Config\n"+b.text) {
					if !strings.HasSuffix(f.Path, ".img") {
						continue
					}
					if _, err := image.Decode(f.Data); err != nil {
						t.Errorf("%s:%d: %v", page, b.line, err)
					}
					images[filepath.Base(f.Path)] = true
				}
				if len(images) == 0 {
					t.Errorf("%s:%d: these nodes get no image", page, b.line)
				}
			case "sh node":
				for _, name := range imageName.FindAllString(b.text, -1) {
					if !images[name] {
						t.Errorf("%s:%d: %s is none of %v", page, b.line, name, images)
					}
				}
			}
		}
		if shown != 1 {
			t.Errorf("%s declares nodes %d times", page, shown)
		}
	}
}

// onNodes compiles the example for the nodes of a configuration, and returns its files.
func onNodes(t *testing.T, config string) []output.File {
	t.Helper()
	in := compiler.Input{Config: diag.NewFile(".avert.yaml", []byte(config))}
	for _, name := range []string{"policy.yaml", "workload.yaml"} {
		data, err := os.ReadFile("../examples/checkout/" + name)
		if err != nil {
			t.Fatal(err)
		}
		in.Files = append(in.Files, diag.NewFile(name, data))
	}
	result := compiler.Compile(in)
	for _, f := range result.Findings {
		if f.Severity == diag.Error {
			t.Errorf("%s: %s", f.Code, f.Message)
		}
	}
	return result.Files
}

// TestNode holds that node.md knows every command, counter, hook and finding, and
// no others.
func TestNode(t *testing.T) {
	text, err := os.ReadFile("node.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	commands := map[string]bool{}
	for _, path := range sources(t, "../cmd/avert-node") {
		inspect(t, path, func(n ast.Node) {
			if field, ok := n.(*ast.KeyValueExpr); ok && isName(field.Key, "Use") {
				name, _, _ := strings.Cut(literal(field.Value), " ")
				commands[name] = true
			}
		})
	}
	delete(commands, "avert-node")
	if len(commands) < 6 {
		t.Errorf("avert-node has the commands %v", commands)
	}
	for name := range commands {
		if !strings.Contains(page, "| `avert-node "+name) {
			t.Errorf("the command %s is missing", name)
		}
	}
	for _, b := range blocks(t, "node.md") {
		for _, m := range command.FindAllStringSubmatch(b.text, -1) {
			if !commands[m[1]] {
				t.Errorf("line %d: avert-node has no command %s", b.line, m[1])
			}
		}
	}
	for _, name := range bpf.Counters {
		if !strings.Contains(page, "| `"+name+"` |") {
			t.Errorf("the counter %s is missing", name)
		}
	}
	hooks := 0
	inspect(t, "../runtime/node/kernel.go", func(n ast.Node) {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Names[0].Name != "optional" {
			return
		}
		for _, e := range v.Values[0].(*ast.CompositeLit).Elts {
			hooks++
			if name := literal(e.(*ast.KeyValueExpr).Key); !strings.Contains(page, "`"+name+"`") {
				t.Errorf("the hook %s is missing", name)
			}
		}
	})
	findings := 0
	part := regexp.MustCompile(`%[a-z]|[:,]`)
	inspect(t, "../runtime/node/preflight.go", func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok || !isName(call.Fun, "add") {
			return
		}
		longest := ""
		for _, p := range part.Split(literal(call.Args[1]), -1) {
			if p = strings.TrimSpace(p); len(p) > len(longest) {
				longest = p
			}
		}
		findings++
		if !strings.Contains(page, longest) {
			t.Errorf("the finding %q is missing", longest)
		}
	})
	if hooks < 4 || findings < 10 {
		t.Errorf("%d hooks and %d findings were looked for", hooks, findings)
	}
}

// sources lists the Go files of a folder that are no tests.
func sources(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(dir + "/*.go")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v", dir, err)
	}
	var out []string
	for _, path := range paths {
		if !strings.HasSuffix(path, "_test.go") {
			out = append(out, path)
		}
	}
	return out
}

// inspect calls a function for every node of a source file.
func inspect(t *testing.T, path string, do func(ast.Node)) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool { do(n); return true })
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// literal is the text of a string literal; empty for anything else.
func literal(e ast.Expr) string {
	if b, ok := e.(*ast.BasicLit); ok {
		text, _ := strconv.Unquote(b.Value)
		return text
	}
	return ""
}
