// SPDX-License-Identifier: Apache-2.0

// Package sample draws valid policies and operations about them, for tests that
// compare two ways to decide: IR against reference, artifacts and kernels
// against either.
//
// Everything is drawn from small alphabets, so that operations meet rules and
// their boundaries often. Policies are such as check hands on; what check would
// refuse is not drawn. Spans have no file; their Start numbers the places of
// one policy, so that a comparison notices a wrong one.
package sample

import "pgregory.net/rapid"

// pick draws one of several values.
func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

// some draws between one and most of several values, each at most once.
func some[T comparable](t *rapid.T, label string, most int, from ...T) []T {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, min(most, len(from)), rapid.ID).Draw(t, label)
}

// chance is true once in n draws, and false where a failure is made smaller.
func chance(t *rapid.T, label string, n int) bool {
	return rapid.SampledFrom(append(make([]bool, n-1), true)).Draw(t, label)
}
