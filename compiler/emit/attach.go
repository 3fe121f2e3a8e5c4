// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"strings"

	"github.com/avert-dev/avert/compiler/ir"
)

// SeccompFolder is where profiles are installed below the kubelet's seccomp
// folder, which localhostProfile is relative to.
const SeccompFolder = "avert"

// OwnSeccompProfile says whether the workload names a seccomp profile for the
// unit's container that avert did not make, and that attaching one would replace.
func OwnSeccompProfile(u *ir.Unit) bool {
	return u.Container != nil && u.Container.SeccompProfile != "" && !strings.HasPrefix(u.Container.SeccompProfile, SeccompFolder+"/")
}

// SeccompProfile returns the file name of a unit's seccomp profile, which the
// seccomp back-end writes and the securitycontext back-end attaches. ok is
// false when no policy of the unit says anything that seccomp could hold.
func SeccompProfile(u *ir.Unit) (name string, ok bool) {
	for _, l := range append([]*ir.Layer{u.Enforced}, u.Audits...) {
		if l.Syscalls != nil || l.System != nil {
			ok = true
		}
	}
	return u.Name + ".json", ok
}
