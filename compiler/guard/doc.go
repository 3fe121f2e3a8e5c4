// SPDX-License-Identifier: Apache-2.0

// Package guard judges compilations by guardrails: rules in Rego, each a
// package with METADATA whose set `deny` has the findings about a view.
//
// It is the only importer of OPA. Rules see what package view says and nothing
// else: no network, no clock, no environment. What is wrong with a rule is a
// finding in the rule's own file; a rule that takes too much time or memory is
// stopped and named.
package guard
