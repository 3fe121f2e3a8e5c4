// SPDX-License-Identifier: Apache-2.0

package selinux

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/platform"
)

// identifier is what libsepol takes as the name of a block, within what a file's
// name may have.
var identifier = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]{0,220}$`)

// TestNames: whatever a unit is called, its block has a name, and none has
// another's.
func TestNames(t *testing.T) {
	pool := &platform.Pool{}
	block := func(name string) string {
		b, _ := emit.SELinuxBlock(&ir.Unit{Name: name, Enforced: &ir.Layer{}}, pool)
		return b
	}
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.OneOf(rapid.StringOf(rapid.SampledFrom([]rune("ab2f_+-. \n;()\x00ä"))), rapid.String(), rapid.Just(strings.Repeat("_", 300)))
		a, b := names.Draw(t, "a"), names.Draw(t, "b")
		if !identifier.MatchString(block(a)) {
			t.Fatalf("%q becomes %q", a, block(a))
		}
		if a != b && block(a) == block(b) {
			t.Fatalf("%q and %q become %q", a, b, block(a))
		}
	})
}
