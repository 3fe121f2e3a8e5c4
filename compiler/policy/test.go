// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/avert-dev/avert/compiler/diag"

// Test is one PolicyTest document.
type Test struct {
	Namespace, Name string
	// Span is that of metadata.name.
	Span diag.Span
	// Workload and Container choose what is asked about; "" where there is one
	// choice.
	Workload, Container string
	Cases               []TestCase
}

// TestCase is one operation and what is expected of it.
type TestCase struct {
	// Name is given, or else the operation as it is written.
	Name string
	// Text is the operation as it is written.
	Text      string
	Operation Operation
	Expect    Action
	// Rule is what decides; "" means any.
	Rule string
	// Audit is the policy in mode Audit that is asked; "" means what is enforced.
	Audit string
	Span  diag.Span
}
