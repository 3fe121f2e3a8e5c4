// SPDX-License-Identifier: Apache-2.0

package apparmor

import "github.com/avert-dev/avert/compiler/policy"

// AppArmor has fewer permissions than the language has accesses (map_old_perms
// in security/apparmor): `w` is write, create, delete, chmod and chown at once, a
// rename needs `rw` at the old name and `w` at the new (apparmor_path_rename),
// and nothing asks about times and extended attributes.
const (
	bundle     = policy.AccessWrite | policy.AccessCreate | policy.AccessDelete | policy.AccessChmod | policy.AccessChown
	unmediated = policy.AccessTimes | policy.AccessXattr
)

// granted returns the fewest permissions that allow the accesses. `k` (lock) is
// nothing that the language knows, so it comes with anything.
func granted(a policy.Access) string {
	var s string
	if a&(policy.AccessRead|policy.AccessRename) != 0 {
		s += "r"
	}
	if a&(bundle|policy.AccessRename) != 0 {
		s += "w"
	}
	if a&policy.AccessCreate != 0 {
		s += "l"
	}
	if a&policy.AccessMap != 0 {
		s += "m"
	}
	if s != "" {
		s += "k"
	}
	return s
}

// denied returns the permissions whose loss blocks none but the accesses. The
// new name of a link needs `l`, and create by the language.
func denied(a policy.Access) string {
	var s string
	if a&policy.AccessRead != 0 {
		s += "r"
	}
	if a&bundle == bundle {
		s += "w"
	}
	if a&policy.AccessCreate != 0 {
		s += "l"
	}
	if a&policy.AccessMap != 0 {
		s += "m"
	}
	return s
}

// inexpressible returns those of the accesses that denied leaves allowed.
func inexpressible(a policy.Access) policy.Access {
	out := a & unmediated
	if a&bundle != bundle {
		out |= a & bundle
		// Without `w` or `r` a file cannot be renamed either.
		if a&policy.AccessRead == 0 {
			out |= a & policy.AccessRename
		}
	}
	return out
}
