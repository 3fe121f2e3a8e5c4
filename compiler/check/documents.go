// SPDX-License-Identifier: Apache-2.0

package check

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

// Documents reads policies and workloads from files. Rules and policies with
// errors are left out of the result as far as they have to be; the errors are
// in list. The result does not depend on the order of files.
func Documents(files []*diag.File, list *diag.List) *policy.Set {
	parts := make([]policy.Set, len(files))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, f := range files {
		slots <- struct{}{}
		wg.Go(func() {
			for _, doc := range syntax.Parse(f, list) {
				dispatch(doc, list, &parts[i])
			}
			<-slots
		})
	}
	wg.Wait()
	set := &policy.Set{}
	for _, p := range parts {
		set.Policies = append(set.Policies, p.Policies...)
		set.Workloads = append(set.Workloads, p.Workloads...)
		set.Tests = append(set.Tests, p.Tests...)
	}
	slices.SortStableFunc(set.Policies, func(a, b *policy.Policy) int { return comparePlaces(a.Span, b.Span) })
	set.Policies = unique(set.Policies, list, func(p *policy.Policy) (string, diag.Span) {
		return fmt.Sprintf("policy %q of namespace %q", p.Name, p.Namespace), p.Span
	})
	slices.SortStableFunc(set.Workloads, func(a, b *policy.Workload) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), comparePlaces(a.Span, b.Span))
	})
	set.Workloads = unique(set.Workloads, list, func(w *policy.Workload) (string, diag.Span) {
		return fmt.Sprintf("%s %q of namespace %q", w.Kind, w.Name, w.Namespace), w.Span
	})
	slices.SortStableFunc(set.Tests, func(a, b *policy.Test) int { return comparePlaces(a.Span, b.Span) })
	set.Tests = unique(set.Tests, list, func(t *policy.Test) (string, diag.Span) {
		return fmt.Sprintf("test %q of namespace %q", t.Name, t.Namespace), t.Span
	})
	return set
}

func comparePlaces(a, b diag.Span) int {
	return cmp.Or(cmp.Compare(a.File.Name, b.File.Name), cmp.Compare(a.Start, b.Start), bytes.Compare(a.File.Source, b.File.Source))
}

// unique reports and drops objects that have the name of an earlier one.
func unique[T any](objects []T, list *diag.List, name func(T) (string, diag.Span)) []T {
	first := make(map[string]diag.Span, len(objects))
	var out []T
	for _, o := range objects {
		what, at := name(o)
		if before, ok := first[what]; ok {
			list.Report(diag.DuplicateName, at, what+" is given twice", diag.See(before, "first given here"))
			continue
		}
		first[what] = at
		out = append(out, o)
	}
	return out
}
