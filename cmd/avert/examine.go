// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/compiler/source"
	"github.com/avert-dev/avert/compiler/syntax"
)

// examine reads paths and the configuration, and runs the pipeline or a part
// of it over them. in says what else the pipeline gets. An error means that it
// did not run to an end that can be judged.
func (a *app) examine(paths []string, in compiler.Input, pipeline func(compiler.Input) *compiler.Result) (*compiler.Result, *report.Run, error) {
	configPath, root, err := a.configuration(paths)
	if err != nil {
		return nil, nil, err
	}
	list := &diag.List{}
	if configPath != "" {
		if in.Config, err = source.ReadFile(configPath, root, list); err != nil {
			return nil, nil, fmt.Errorf("configuration: %w", err)
		}
	}
	files, err := source.Read(paths, root, a.stdin, list)
	if err != nil {
		return nil, nil, err
	}
	configured := false // the configuration itself was named, as hooks do
	for _, f := range files {
		switch {
		case in.Config != nil && f.Name == in.Config.Name:
			configured = f.Named
		case path.Base(f.Name) == syntax.ConfigName:
			a.verdict("%s is not in use: it holds when its folder is given alone, or with --config", f.Path)
		default:
			in.Files = append(in.Files, f.File)
		}
	}
	r := &report.Run{Files: len(in.Files)}
	result := &compiler.Result{}
	if configPath == "" || in.Config != nil { // else it cannot be read, and list says why
		result = pipeline(in)
		r.Policies, r.Workloads = len(result.Set.Policies), len(result.Set.Workloads)
	}
	// What is generated has names that do not depend on the working folder;
	// people open files from there.
	for _, f := range files {
		if f.Path != "" {
			f.Name = filepath.ToSlash(f.Path)
		}
	}
	if in.Config != nil {
		in.Config.Name = filepath.ToSlash(configPath)
	}
	for _, d := range result.Findings {
		if d.Code == diag.UnknownTarget && d.Span.IsZero() && len(in.Pools) > 0 {
			return nil, nil, usagef("%s; %s", d.Message, d.Hint)
		}
		list.Add(d)
	}
	r.Findings = list.Sorted()
	if r.Policies == 0 && r.Count(diag.Error) == 0 && !(configured && r.Files == 0) {
		return nil, nil, fmt.Errorf("no policy found in %s (%s): nothing was checked", report.Plural(r.Files, "file"), report.Plural(r.Workloads, "workload"))
	}
	return result, r, nil
}

// configuration returns the path of the configuration in use, "" for none, and
// the absolute path of the folder that it is in.
func (a *app) configuration(paths []string) (file, root string, err error) {
	if file = string(a.config); file == "" {
		home, _ := os.UserHomeDir() // without one the search goes further up
		if file, err = source.FindConfig(paths, home); file == "" || err != nil {
			return "", "", err
		}
	}
	root, err = filepath.Abs(filepath.Dir(file))
	return file, root, err
}
