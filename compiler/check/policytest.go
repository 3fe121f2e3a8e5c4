// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

// policyTest reads a PolicyTest. Cases with errors are left out. It returns nil
// when the name is not valid.
func policyTest(doc *syntax.Node, list *diag.List) *policy.Test {
	var d syntax.PolicyTest
	syntax.Decode(doc, &d, list)
	c := &checker{list: list}
	t := &policy.Test{Namespace: "default", Span: d.Metadata.Name.Span}
	if d.Metadata.Name.Given() {
		t.Name = c.label("the name of a test", d.Metadata.Name)
	}
	if d.Metadata.Namespace.Given() {
		t.Namespace = c.label("the namespace", d.Metadata.Namespace)
	}
	if c.failed || t.Name == "" {
		return nil
	}
	t.Workload, t.Container = d.Spec.Workload.Value, d.Spec.Container.Value
	names := map[string]diag.Span{}
	for i := range d.Spec.Cases {
		e := &d.Spec.Cases[i]
		expect, ok := actions[e.Expect.Value]
		if !ok || e.Operation.Value == "" {
			continue // reported
		}
		op, err := operation.Parse(e.Operation.Value, t.Namespace)
		if err != nil {
			c.report(diag.InvalidOperation, e.Operation.Span, err.Error())
			continue
		}
		k := policy.TestCase{Name: e.Name.Value, Text: e.Operation.Value, Operation: op, Expect: expect, Rule: e.Rule.Value, Audit: e.Audit.Value, Span: e.Place}
		if k.Name == "" {
			k.Name = k.Text
		} else if first, ok := names[k.Name]; ok {
			c.report(diag.DuplicateName, e.Name.Span, fmt.Sprintf("two cases have the name %s", quote(k.Name)), diag.See(first, "the first one"))
		} else {
			names[k.Name] = e.Name.Span
		}
		t.Cases = append(t.Cases, k)
	}
	return t
}
