// SPDX-License-Identifier: Apache-2.0

package syntax

import "github.com/avert-dev/avert/compiler/diag"

// Scalar is a value with its place. The zero Scalar was not given.
type Scalar[T string | bool | uint64] struct {
	Value T
	Span  diag.Span
}

// Given says whether the document has the value.
func (s Scalar[T]) Given() bool { return !s.Span.IsZero() }

type (
	// Text is a string.
	Text = Scalar[string]
	// Number is an unsigned integer, decimal or with the prefix 0x, 0o or 0b.
	Number = Scalar[uint64]
	// Bool is true or false.
	Bool = Scalar[bool]
)

// Labels maps names to values, both with their places.
type Labels = map[Text]Text

// At is embedded in document types to record where the mapping begins, and
// whether something in it was reported: what it lacks then need not be.
type At struct {
	Place  diag.Span
	Flawed bool
}

// Spelled says whether a span holds all of a scalar: on one line, plain or in
// quotes, without a tag or an anchor. Only then can it be replaced as text.
func Spelled(at diag.Span, value string) bool {
	text := at.Text()
	if n := len(text); n > 1 && (text[0] == '"' || text[0] == '\'') {
		return text[n-1] == text[0]
	}
	return text != "" && text == value
}
