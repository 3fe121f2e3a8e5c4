// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
)

// AppArmor returns the default AppArmor profile of one version of a source under
// a name, as the runtime would write it for a node without apparmor_parser's
// macros. The manager is the profile that the runtime itself runs under.
func AppArmor(s Source, version, name, manager string) (string, error) {
	module, err := download(s.Module, version)
	if err != nil {
		return "", err
	}
	file, constant := "contrib/apparmor/template.go", "defaultTemplate"
	if s.Module == common {
		file, constant = "pkg/apparmor/apparmor_linux_template.go", "defaultProfileTemplate"
	}
	text, err := stringConstant(filepath.Join(module, file), constant)
	if err != nil {
		return "", err
	}
	t, err := template.New(constant).Parse(text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, struct {
		Name, Abi, DaemonProfile, RootlessKit string
		Imports, InnerImports                 []string
		Version                               int
	}{
		Name: name, DaemonProfile: manager, Imports: []string{"@{PROC}=/proc/"},
		Version: 300_000, // of apparmor_parser: 3.0.0
	})
	return out.String(), err
}

// stringConstant reads the value of a constant from the source that declares it.
func stringConstant(file, name string) (string, error) {
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	for _, declaration := range tree.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			if value.Names[0].Name != name {
				continue
			}
			if literal, ok := value.Values[0].(*ast.BasicLit); ok {
				return strconv.Unquote(literal.Value)
			}
		}
	}
	return "", fmt.Errorf("%s has no constant %s", file, name)
}
