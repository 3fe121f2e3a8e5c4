// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/platform"
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

// AppArmorProfile returns the name of the AppArmor profile that a unit's
// container is started in, which the apparmor back-end writes and the
// securitycontext back-end attaches. ok is false when no policy of the unit says
// anything that AppArmor could hold, so that the runtime's own profile stays.
func AppArmorProfile(u *ir.Unit) (name string, ok bool) {
	for _, l := range append([]*ir.Layer{u.Enforced}, u.Audits...) {
		ok = ok || AppArmorHolds(l)
	}
	return appArmorPrefix + u.Name, ok
}

// AppArmorHolds says whether a layer has anything that AppArmor could hold.
func AppArmorHolds(l *ir.Layer) bool {
	return l.Paths != nil || l.Capabilities != nil || l.System != nil || l.Network != nil && l.Network.BySocket()
}

// appArmorPrefix keeps the names of profiles apart from those of others.
const appArmorPrefix = "avert."

// TooMuch is the finding that a unit is more than a back-end can write.
func TooMuch(u *ir.Unit, what, hint string) diag.Diagnostic {
	return diag.Diagnostic{Code: diag.StateBudget, Severity: diag.Error, Span: u.Policies[0].Span, Message: what, Hint: hint}
}

// FewerRules is the hint for a unit that has too many.
const FewerRules = "use fewer rules or patterns, or several policies for different containers"

// OwnAppArmorProfile says whether the workload asks for an AppArmor profile, or
// for none, that attaching one would replace.
func OwnAppArmorProfile(u *ir.Unit) bool {
	return u.Container != nil && u.Container.AppArmorProfile != "" && !strings.HasPrefix(u.Container.AppArmorProfile, appArmorPrefix)
}

// selinuxPrefix begins the names of all blocks that avert makes.
const selinuxPrefix = "avert_"

// SELinuxBlock returns the name of the CIL block of a unit, which is also its
// module's. ok is false when no policy of the unit says anything that SELinux
// could hold on the pool, or when the container would not run in its type.
//
// Names in CIL have letters, digits, "-" and "_" (libsepol, cil_verify_name), and
// those of modules also fit a file's. Another character becomes its number in
// hexadecimal after "_", and "_" itself doubles, so that no two names become one.
func SELinuxBlock(u *ir.Unit, pool *platform.Pool) (name string, ok bool) {
	e := u.Enforced
	ok = e.Capabilities != nil
	if SELinuxDenies(pool) {
		ok = ok || e.System != nil || e.Network != nil && e.Network.BySocket()
	}
	if u.Container != nil && u.Container.Privileged || OwnSELinuxType(u) {
		ok = false // nothing attaches it
	}
	var b strings.Builder
	b.WriteString(selinuxPrefix)
	for i := range len(u.Name) {
		switch c := u.Name[i]; {
		case c == '_':
			b.WriteString("__")
		case c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	return ir.ArtifactName(b.String()), ok
}

// SELinuxType returns the type that a block of SELinuxBlock defines: what
// seLinuxOptions.type names.
func SELinuxType(block string) string { return block + ".process" }

// OwnSELinuxType says whether the workload names a type for the unit's container
// that avert did not make, and that attaching one would replace.
func OwnSELinuxType(u *ir.Unit) bool {
	return u.Container != nil && u.Container.SELinux.Type != "" && !strings.HasPrefix(u.Container.SELinux.Type, selinuxPrefix)
}

// SELinuxDenies says whether modules can take away what the policy of the pool's
// nodes grants: `deny` rules came with version 3.6 of libsepol.
func SELinuxDenies(pool *platform.Pool) bool { return pool.SELinux.Toolchain.AtLeast(3, 6) }
