// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"

	"github.com/avert-dev/avert/compiler/policy"
)

func (b *builder) syscallRule(p *policy.Policy, r *policy.SyscallRule) SyscallRule {
	out := SyscallRule{Rule: b.rule(p, &r.Rule), Names: b.patterns(r.Names), Errno: r.Errno, Args: make([]Arg, len(r.Args))}
	for i, a := range r.Args {
		out.Args[i] = Arg{a.Index, a.Op.String(), fmt.Sprintf("%#x", a.Value), fmt.Sprintf("%#x", a.Mask)}
	}
	return out
}
