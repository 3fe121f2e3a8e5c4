// SPDX-License-Identifier: Apache-2.0

// Package view describes a compilation to guardrails: policies as they are
// written, containers as they are governed in effect, and node pools, as
// values with a fixed JSON form.
//
// It states facts and judges nothing. What a path may be used for is asked of
// the automata, so that no guardrail needs to understand patterns.
package view
