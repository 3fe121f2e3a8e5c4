// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/avert-dev/avert/compiler/diag"
)

// Source is where rules come from.
type Source struct {
	// Files are modules of Rego, those of tests left out.
	Files []*diag.File
	// BuiltIn says that they are avert's own.
	BuiltIn bool
}

// level is a severity, or off.
type level struct {
	off      bool
	severity diag.Severity
}

// Set is a set of rules that is ready to judge.
type Set struct {
	// Rules are all that were read, sorted by id.
	Rules []*Rule

	config *Config
	// levels and parameters override those of rules, by id and name.
	levels     map[string]level
	parameters map[string]map[string]any
	files      map[string]*diag.File
	groups     []group
}

// group is evaluated at once: the built-in rules about one subject, or one rule
// of somebody else, so that it can be named when it does not end.
type group struct {
	subject Subject
	rules   []*Rule
	query   rego.PreparedEvalQuery
}

// ownPackage is the prefix of packages that only built-in rules may have.
const ownPackage = "data.avert"

// Load reads, checks and compiles rules. What is wrong with them is reported in
// their files. The set has every rule that was read, and judges nothing when
// anything is wrong.
func Load(sources []Source, config *Config, list *diag.List) *Set {
	s := &Set{config: config, files: map[string]*diag.File{}}
	modules := s.parse(sources, list)
	config.resolve(s, list)
	s.checkPaths(list)
	if list.HasErrors() {
		return s
	}
	queries := s.gather(modules)
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithStrict(true)
	if compiler.Compile(modules); compiler.Failed() {
		s.report(compiler.Errors, nil, list)
		return s
	}
	for i := range s.groups {
		query, err := rego.New(rego.Compiler(compiler), rego.Query(queries[i]), rego.Capabilities(capabilities())).PrepareForEval(noContext)
		if err != nil {
			panic(fmt.Sprintf("guard wrote a query that does not compile: %v", err))
		}
		s.groups[i].query = query
	}
	return s
}

// parse reads all modules and the rules that they are.
func (s *Set) parse(sources []Source, list *diag.List) map[string]*ast.Module {
	modules := map[string]*ast.Module{}
	byName := map[string]*Rule{}
	for _, source := range sources {
		for _, file := range source.Files {
			m := s.module(file, list)
			if m == nil {
				continue
			}
			modules[file.Name] = m
			if path := m.Package.Path.String(); !source.BuiltIn && (path == ownPackage || strings.HasPrefix(path, ownPackage+".")) {
				list.Report(diag.InvalidRule, spanOf(file, m.Package.Location), "packages below avert are those of built-in rules", diag.Hint("use a package of your own, such as guardrails.%s", lastOf(m.Package.Path)))
				continue
			}
			r := annotated(m, file, list)
			if r == nil {
				continue
			}
			r.BuiltIn = source.BuiltIn
			for _, name := range append([]string{r.ID}, r.Aliases...) {
				if first := byName[name]; first != nil {
					list.Report(diag.InvalidRule, r.Span, fmt.Sprintf("two rules are named %s", name), diag.See(first.Span, "the other one"))
				}
				byName[name] = r
			}
			s.Rules = append(s.Rules, r)
		}
	}
	slices.SortStableFunc(s.Rules, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	return modules
}

// module parses a file; nil when that is not possible.
func (s *Set) module(file *diag.File, list *diag.List) *ast.Module {
	s.files[file.Name] = file
	m, err := ast.ParseModuleWithOpts(file.Name, string(file.Source), ast.ParserOptions{ProcessAnnotation: true, Capabilities: capabilities()})
	if err != nil {
		s.report(err, file, list)
		return nil
	}
	return m
}

func lastOf(path ast.Ref) string {
	name, _ := path[len(path)-1].Value.(ast.String)
	return string(name)
}

// report turns errors of OPA, about file where they do not say, into findings.
func (s *Set) report(err error, file *diag.File, list *diag.List) {
	var all ast.Errors
	if !errors.As(err, &all) {
		list.Report(diag.InvalidRule, diag.Span{File: file}, err.Error())
		return
	}
	for _, e := range all {
		span := diag.Span{File: file}
		if known := s.files[e.Location.File]; e.Location.Row > 0 {
			span = spanOf(known, e.Location)
		}
		message := firstLine(e.Message)
		list.Report(diag.InvalidRule, span, message, diag.Hint("%s", whyWithheld(message)))
	}
}

// Find returns the rule of an id or alias, or nil.
func (s *Set) Find(name string) *Rule {
	for _, r := range s.Rules {
		if r.ID == name || slices.Contains(r.Aliases, name) {
			return r
		}
	}
	return nil
}

// level returns how severe findings of a rule are; ok is false when it is off.
func (s *Set) level(r *Rule) (severity diag.Severity, ok bool) {
	if l, set := s.levels[r.ID]; set {
		return l.severity, !l.off
	}
	return r.Severity, !r.Optional
}

// Judged says whether a rule is judged under the configuration.
func (s *Set) Judged(r *Rule) bool {
	_, ok := s.level(r)
	return ok
}

// Paths lists what the rules that are judged ask about, sorted.
func (s *Set) Paths() []string {
	paths := map[string]bool{}
	for _, r := range s.Rules {
		if list, ok := s.parameter(r, "paths").([]string); ok && s.Judged(r) {
			for _, p := range list {
				paths[p] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(paths))
}

// parameter returns the value of a parameter of a rule, nil when it has none.
func (s *Set) parameter(r *Rule, name string) any {
	if v, ok := s.parameters[r.ID][name]; ok {
		return v
	}
	return r.Parameters[name]
}

// checkPaths reports parameters that views cannot answer for.
func (s *Set) checkPaths(list *diag.List) {
	for _, r := range s.Rules {
		for name := range r.Parameters {
			if _, ok := s.parameter(r, name).([]string); name == "paths" && !ok {
				list.Report(diag.InvalidRule, r.Span, fmt.Sprintf("the parameter paths of %s is no list", r.ID))
			}
		}
	}
}

// gather forms the groups and adds two modules that belong to them: the
// parameters of all rules, and one set of findings for each group.
func (s *Set) gather(modules map[string]*ast.Module) (queries []string) {
	parameters := map[string]map[string]any{}
	builtIn := map[Subject]int{}
	for _, r := range s.Rules {
		parameters[r.ID] = map[string]any{}
		for name := range r.Parameters {
			parameters[r.ID][name] = s.parameter(r, name)
		}
		if !s.Judged(r) {
			continue
		}
		if i, ok := builtIn[r.Judges]; ok && r.BuiltIn {
			s.groups[i].rules = append(s.groups[i].rules, r)
			continue
		}
		if r.BuiltIn {
			builtIn[r.Judges] = len(s.groups)
		}
		s.groups = append(s.groups, group{subject: r.Judges, rules: []*Rule{r}})
	}
	text, err := json.Marshal(parameters)
	if err != nil {
		panic(err) // texts and lists of texts
	}
	var found strings.Builder
	found.WriteString("package avert.found\n")
	for i, g := range s.groups {
		queries = append(queries, fmt.Sprintf("data.avert.found.group%d", i))
		for j, r := range g.rules {
			fmt.Fprintf(&found, "group%d contains [%d, finding] if some finding in %s.deny\n", i, j, r.pkg)
		}
	}
	modules["(parameters)"] = ast.MustParseModule("package avert\nparameters := " + string(text))
	modules["(found)"] = ast.MustParseModule(found.String())
	return queries
}
