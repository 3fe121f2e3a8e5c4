// SPDX-License-Identifier: Apache-2.0

// Package compiler is the pipeline, and the only place that calls its stages:
//
//	files ─ check.Documents ─▶ typed policies and workloads
//	      ─ check.Meaning   ─▶ findings about what they mean
//	      ─ lower.Program   ─▶ IR
//	      ─ Target.Emit     ─▶ artifacts and what each back-end admits, per pool
//	      ─ gaps            ─▶ findings about what nothing holds
//	      ─ bundle.Tree     ─▶ the files of the output tree
//
// A stage that finds errors does not keep the stages that judge the same input
// from running; nothing is emitted from input with errors. Nothing here reads
// or writes files.
package compiler

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/avert-dev/avert/compiler/bundle"
	"github.com/avert-dev/avert/compiler/check"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/targets"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/output"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/compiler/suggest"
)

// Input is what one run compiles.
type Input struct {
	// Files are policies and workloads, in any order.
	Files []*diag.File
	// Config is .avert.yaml, or nil for one pool with common properties.
	Config *diag.File
	// Targets overrides those of the pools; Pools keeps only those named.
	Targets, Pools []string
}

// Result is what one run made. Files is nil when there are errors.
type Result struct {
	Findings []diag.Diagnostic
	Set      *policy.Set
	Program  *ir.Program
	Pools    []*report.Pool
	Files    []output.File
}

// HasErrors says whether any finding is an error.
func (r *Result) HasErrors() bool {
	return slices.ContainsFunc(r.Findings, func(d diag.Diagnostic) bool { return d.Severity == diag.Error })
}

// Check runs every stage up to the IR, and judges what would be emitted, but
// assembles no tree.
func Check(in Input) *Result { return run(in, false) }

// Compile runs the whole pipeline.
func Compile(in Input) *Result { return run(in, true) }

// Understand runs every stage up to the IR, for those who ask what policies
// mean, whatever enforces them.
func Understand(in Input) *Result {
	list := &diag.List{}
	result := &Result{}
	defer func() { result.Findings = list.Sorted() }()
	for _, pool := range understand(in, result, list) {
		result.Pools = append(result.Pools, &report.Pool{Pool: pool})
	}
	return result
}

// understand returns the pools; result.Program is nil when there are errors.
func understand(in Input, result *Result, list *diag.List) []*platform.Pool {
	pools := choosePools(in, list)
	result.Set = check.Documents(in.Files, list)
	check.Meaning(result.Set, pools, list)
	if list.HasErrors() {
		return pools
	}
	program := lower.Program(result.Set, list)
	if list.HasErrors() {
		return pools
	}
	if err := program.Verify(); err != nil {
		panic(fmt.Sprintf("lower broke an invariant: %v", err)) // a defect, never the input
	}
	result.Program = program
	return pools
}

func run(in Input, assemble bool) *Result {
	list := &diag.List{}
	result := &Result{}
	defer func() { result.Findings = list.Sorted() }()

	pools := understand(in, result, list)
	if result.Program == nil {
		return result
	}
	used := map[*policy.Accept]bool{}
	for _, pool := range pools {
		result.Pools = append(result.Pools, emitPool(result.Program, result.Set.Policies, pool, used, list))
	}
	reportUnusedAccepts(result.Set.Policies, pools, used, list)
	if assemble && !list.HasErrors() {
		result.Files = bundle.Tree(result.Pools)
	}
	return result
}

// emitPool runs the back-ends of one pool, all at once.
func emitPool(program *ir.Program, policies []*policy.Policy, pool *platform.Pool, used map[*policy.Accept]bool, list *diag.List) *report.Pool {
	selected := make([]*emit.Target, len(pool.Targets))
	outputs := make([]emit.Output, len(pool.Targets))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, name := range pool.Targets {
		selected[i] = targets.Find(name)
		wg.Go(func() {
			slots <- struct{}{}
			outputs[i] = selected[i].Emit(emit.Input{Program: program, Pool: pool})
			<-slots
		})
	}
	wg.Wait()
	r := &report.Pool{Pool: pool, Units: program.Units}
	for i, o := range outputs {
		for _, f := range o.Files {
			r.Files = append(r.Files, report.File{Target: selected[i].Name, File: f})
		}
		r.Lowerings = append(r.Lowerings, o.Lowerings...)
		for _, d := range o.Findings {
			list.Add(d)
		}
	}
	if slices.ContainsFunc(selected, func(t *emit.Target) bool { return len(t.Sections) > 0 }) {
		r.Gaps = gaps(policies, r.Lowerings, used)
	}
	reportGaps(pool, r.Gaps, list)
	reportStricter(pool, r.Lowerings, list)
	return r
}

// choosePools reads the configuration and decides each pool's targets.
func choosePools(in Input, list *diag.List) []*platform.Pool {
	pools := check.DefaultPools()
	if in.Config != nil {
		pools = check.Config(in.Config, list)
	}
	for _, p := range pools {
		if len(pools) > 1 {
			p.Folder = p.Name
		}
	}
	if len(in.Pools) > 0 {
		pools = pickPools(pools, in.Pools, list)
	}
	for _, p := range pools {
		p.Targets = chooseTargets(p, in.Targets, list)
	}
	return pools
}

func pickPools(pools []*platform.Pool, names []string, list *diag.List) []*platform.Pool {
	var known []string
	for _, p := range pools {
		known = append(known, p.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			list.Report(diag.UnknownTarget, diag.Span{}, fmt.Sprintf("no pool is named %q", name), diag.Hint("the configuration has: %s", strings.Join(known, ", ")))
		}
	}
	return slices.DeleteFunc(pools, func(p *platform.Pool) bool { return !slices.Contains(names, p.Name) })
}

// chooseTargets returns the sorted names of the targets of a pool: those asked
// for on the command line, else in the configuration, else all that suit it.
func chooseTargets(p *platform.Pool, asked []string, list *diag.List) []string {
	names, spans := p.Targets, p.TargetSpans
	if len(asked) > 0 {
		names, spans = asked, nil
	}
	var out []string
	if names == nil {
		for _, t := range targets.All() {
			if t.Takes(p) == nil && t.Default(p) {
				out = append(out, t.Name)
			}
		}
	}
	for i, name := range names {
		span := p.Span
		if i < len(spans) {
			span = spans[i]
		}
		t := targets.Find(name)
		if t == nil {
			hint := "one of: " + strings.Join(targets.Names(), ", ")
			if close := suggest.Words(name, targets.Names()); len(close) > 0 {
				hint = fmt.Sprintf("did you mean %q?", close[0])
			}
			list.Report(diag.UnknownTarget, span, fmt.Sprintf("no target is named %q", name), diag.Hint("%s", hint))
			continue
		}
		if err := t.Takes(p); err != nil {
			list.Report(diag.PoolMismatch, span, fmt.Sprintf("pool %s cannot take target %s: %v", p.Name, name, err))
			continue
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
