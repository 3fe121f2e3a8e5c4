// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawn is a drawn decision.
type drawn struct {
	policies []*policy.Policy
	op       policy.Operation
	base     reference.Base
	result   reference.Result
}

func draw(t *rapid.T) drawn {
	d := drawn{policies: sample.Policies().Draw(t, "policies")}
	d.op = sample.Operation(d.policies).Draw(t, "operation")
	d.base = sample.Base().Draw(t, "base")
	d.result = reference.Decide(d.policies, d.op, d.base)
	return d
}

// TestOrderNeverMatters: neither that of policies nor that of rules changes
// what is done, only what is named.
func TestOrderNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		slices.Reverse(d.policies)
		for _, p := range d.policies {
			for _, s := range []*policy.PathSection{p.Process, p.File} {
				if s != nil {
					slices.Reverse(s.Rules)
				}
			}
			if p.Network != nil {
				slices.Reverse(p.Network.Rules)
			}
			if p.Capabilities != nil {
				slices.Reverse(p.Capabilities.Rules)
			}
			if p.System != nil {
				slices.Reverse(p.System.Rules)
			}
			if p.Syscalls != nil {
				slices.Reverse(p.Syscalls.Rules)
			}
		}
		got := reference.Decide(d.policies, d.op, d.base)
		if got.Verdict.Action != d.result.Verdict.Action {
			t.Fatalf("in reverse %s, else %s", show(got), show(d.result))
		}
	})
}

// TestAuditIsSeparate: without the policies in mode Audit the verdict is the
// same, and each of them alone and enforced decides what it would decide.
func TestAuditIsSeparate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		var enforced reference.Policies
		var would []policy.Verdict
		for _, p := range d.policies {
			if p.Mode == policy.Enforce {
				enforced = append(enforced, p)
				continue
			}
			alone := *p
			alone.Mode = policy.Enforce
			would = append(would, reference.Decide(reference.Policies{&alone}, d.op, d.base).Verdict)
		}
		if diff := cmp.Diff(reference.Decide(enforced, d.op, d.base).Verdict, d.result.Verdict); diff != "" {
			t.Fatal("verdict: " + diff)
		}
		if diff := cmp.Diff(would, d.result.Would); diff != "" {
			t.Fatal("would: " + diff)
		}
	})
}

// TestBlockRulesStay: what a rule blocks stays blocked whatever policies are
// added.
func TestBlockRulesStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		more := append(sample.Policies().Draw(t, "more"), ps...)
		for range 20 {
			op := sample.Operation(ps).Draw(t, "operation")
			before := reference.Decide(ps, op, nil)
			_, rule, _ := strings.Cut(before.Verdict.Rule.Rule, "/")
			if before.Verdict.Action != policy.Block || !strings.HasPrefix(rule, "r") {
				continue
			}
			if after := reference.Decide(more, op, nil); after.Verdict.Action != policy.Block {
				t.Fatalf("%s becomes %s", show(before), show(after))
			}
		}
	})
}

// TestVerdictsAreWhole: what is reported, named and returned fits the action.
func TestVerdictsAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		for _, v := range append(d.result.Would, d.result.Verdict) {
			if v.Rule == (policy.RuleRef{}) && v.Action != policy.Allow {
				t.Errorf("%+v names nothing", v)
			}
			if v.Report && v.Action == policy.Allow || !v.Report && v.Action == policy.Audit {
				t.Errorf("%+v: wrong report", v)
			}
			if (v.Errno != 0) != (v.Action == policy.Block && d.op.Kind == policy.OpSyscall) {
				t.Errorf("%+v: wrong errno", v)
			}
		}
	})
}
