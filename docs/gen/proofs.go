// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// directive begins a comment of a test that says what it proves:
//
//	//proves:TARGET INTENT...
//
// It stands in the comment of a test function, or above the entry of a table whose field `name` is the name of a subtest.
const directive = "//proves:"

// proof is a test that fails when a back-end does not hold an intent as it says.
type proof struct {
	target, intent string
	// file is relative to the repository. test is a function, and scenario one of its subtests, or empty for all.
	file, test, scenario string
	// kernels says that the test runs on each kernel.
	kernels bool
}

// proofs reads the directives of all tests below root, and adds what is listed.
func proofs(root string) ([]proof, error) {
	var out []proof
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte(directive)) {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		found, err := proofsIn(filepath.ToSlash(name), text)
		out = append(out, found...)
		return err
	})
	if err != nil {
		return nil, err
	}
	more, err := listed(root)
	out = append(out, more...)
	slices.SortFunc(out, func(a, b proof) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.test, b.test), cmp.Compare(a.scenario, b.scenario))
	})
	return out, err
}

// proofsIn reads the directives of one file.
func proofsIn(name string, text []byte) ([]proof, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var out []proof
	for _, group := range file.Comments {
		for _, comment := range group.List {
			said, ok := strings.CutPrefix(comment.Text, directive)
			if !ok {
				continue
			}
			words := strings.Fields(said)
			if len(words) < 2 {
				return nil, fmt.Errorf("%s: want %sTARGET INTENT..., got %q", set.Position(comment.Pos()), directive, comment.Text)
			}
			test, scenario := testAt(file, comment.Pos())
			if test == nil {
				return nil, fmt.Errorf("%s: %s stands at no test", set.Position(comment.Pos()), comment.Text)
			}
			for _, intent := range words[1:] {
				out = append(out, proof{words[0], intent, name, test.Name.Name, scenario, mentions(test, "Matrix")})
			}
		}
	}
	return out, nil
}

// testAt finds the test that a comment is about, and the subtest when it stands above an entry of a table.
func testAt(file *ast.File, at token.Pos) (test *ast.FuncDecl, scenario string) {
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		switch {
		case !ok:
		case isTest(f) && f.Doc != nil && f.Doc.Pos() <= at && at < f.Doc.End():
			return f, ""
		case f.Body != nil && f.Body.Pos() < at && at < f.Body.End():
			scenario := nameAfter(f, at)
			if scenario == "" {
				return nil, ""
			}
			if isTest(f) {
				return f, scenario
			}
			// The table is in a function that a test uses.
			for _, d := range file.Decls {
				if test, ok := d.(*ast.FuncDecl); ok && isTest(test) && mentions(test, f.Name.Name) {
					return test, scenario
				}
			}
		}
	}
	return nil, ""
}

// functions are those of a file that are no methods, by name.
func functions(file *ast.File) map[string]*ast.FuncDecl {
	out := map[string]*ast.FuncDecl{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
			out[f.Name.Name] = f
		}
	}
	return out
}

func isTest(f *ast.FuncDecl) bool { return f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") }

// mentions says whether a function uses a name.
func mentions(f *ast.FuncDecl, name string) bool {
	found := false
	ast.Inspect(f.Body, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return !found
	})
	return found
}

// nameAfter returns the first string literal in a field `name` behind a position.
func nameAfter(f *ast.FuncDecl, at token.Pos) string {
	name := ""
	ast.Inspect(f.Body, func(n ast.Node) bool {
		field, ok := n.(*ast.KeyValueExpr)
		if !ok || name != "" || field.Pos() < at {
			return name == ""
		}
		if key, ok := field.Key.(*ast.Ident); ok && key.Name == "name" {
			ast.Inspect(field.Value, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && name == "" {
					name, _ = strconv.Unquote(literal.Value)
				}
				return name == ""
			})
		}
		return name == ""
	})
	return strings.TrimSpace(name)
}
