// SPDX-License-Identifier: Apache-2.0

package apparmorbin

// deed is something that a process under profile "p" tries, and what the package
// says of it. The host writes deeds, the guest does them.
type deed struct {
	Op       string
	Path, To string
	Family   uint16
	Kind     uint16
	Flags    uint32
	Allowed  bool
}

const (
	deedsFile  = "/avert/deeds"
	policyFile = "/avert/policy"
)
