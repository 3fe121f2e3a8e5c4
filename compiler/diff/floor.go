// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler/linux"
)

// Floor is the default profile of a container runtime on one architecture.
type Floor struct {
	Arch    linux.Arch
	Profile *specs.LinuxSeccomp
}
