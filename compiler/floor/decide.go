// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"errors"
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Verdict is what a filter does with a system call.
type Verdict struct {
	Action specs.LinuxSeccompAction
	Errno  uint // of SCMP_ACT_ERRNO and SCMP_ACT_TRACE, else 0
}

// Allows reports whether the call takes place.
func (v Verdict) Allows() bool {
	return v.Action == specs.ActAllow || v.Action == specs.ActLog
}

// ErrOverlap says that rules with different actions match one call. Which of
// them holds then depends on how libseccomp arranges its tree and what it finds
// superfluous, so a profile must not contain such rules. The exception are two rules
// without conditions.
var ErrOverlap = errors.New("rules with different actions match")

// Decide returns what a profile means for a call of the node's own architecture
// when runc or crun build the filter from it with libseccomp:
//
//   - A rule whose action is the default one, errno included, is not added
//     (matchCall in runc, libcrun_generate_seccomp in crun).
//   - The conditions of a rule are ANDed, unless two of them are about one argument:
//     then each condition is a rule of its own, so they are ORed, those about
//     other arguments as well (runc and crun, as above).
//   - Rules are ORed. Where none matches, the default action holds.
//   - Of several rules without conditions the first one holds (libseccomp keeps a
//     rule that is at least as large as the new one).
//
// That libseccomp builds this very filter holds only for some ways to write a
// profile: all conditions are SCMP_CMP_EQ or SCMP_CMP_MASKED_EQ; or a call has one
// rule; or each rule has one condition, on a value below 1<<32. Otherwise it may
// build another filter, or never return; testdata/floor compares the two.
//
// A name that libseccomp does not know is ignored there, and not here. The error
// that runc returns for a call newer than all those of the profile, ENOSYS in
// place of a default EPERM, is not modelled: either way the call is refused.
func Decide(profile *specs.LinuxSeccomp, call string, args [6]uint64) (Verdict, error) {
	fallback := newVerdict(profile.DefaultAction, profile.DefaultErrnoRet)
	var matched []Verdict
	unconditional := false
	for _, rule := range profile.Syscalls {
		v := newVerdict(rule.Action, rule.ErrnoRet)
		if v == fallback || !slices.Contains(rule.Names, call) {
			continue
		}
		if len(rule.Args) == 0 {
			if unconditional {
				continue
			}
			unconditional = true
		}
		ok, err := matches(rule.Args, args)
		if err != nil {
			return Verdict{}, fmt.Errorf("%s: %w", call, err)
		}
		if ok && !slices.Contains(matched, v) {
			matched = append(matched, v)
		}
	}
	if len(matched) > 1 {
		return Verdict{}, fmt.Errorf("%s%#x: %w", call, args, ErrOverlap)
	}
	if len(matched) == 1 {
		return matched[0], nil
	}
	return fallback, nil
}

func newVerdict(action specs.LinuxSeccompAction, errno *uint) Verdict {
	if action != specs.ActErrno && action != specs.ActTrace {
		return Verdict{Action: action}
	}
	if errno == nil {
		eperm, _ := linux.Errno("EPERM")
		return Verdict{action, uint(eperm)}
	}
	return Verdict{action, *errno}
}

// matches says whether the conditions of one rule hold.
func matches(conditions []specs.LinuxSeccompArg, args [6]uint64) (bool, error) {
	var count [6]int
	met := 0
	for _, c := range conditions {
		if c.Index >= uint(len(args)) {
			return false, fmt.Errorf("condition on argument %d: a call has six", c.Index)
		}
		count[c.Index]++
		ok, err := holds(c, args[c.Index])
		if err != nil {
			return false, err
		}
		if ok {
			met++
		}
	}
	if slices.Max(count[:]) > 1 {
		return met > 0, nil
	}
	return met == len(conditions), nil
}

func holds(c specs.LinuxSeccompArg, arg uint64) (bool, error) {
	switch c.Op {
	case specs.OpEqualTo:
		return arg == c.Value, nil
	case specs.OpNotEqual:
		return arg != c.Value, nil
	case specs.OpLessThan:
		return arg < c.Value, nil
	case specs.OpLessEqual:
		return arg <= c.Value, nil
	case specs.OpGreaterThan:
		return arg > c.Value, nil
	case specs.OpGreaterEqual:
		return arg >= c.Value, nil
	case specs.OpMaskedEqual:
		return arg&c.Value == c.ValueTwo, nil
	}
	return false, fmt.Errorf("unknown operator %q", c.Op)
}
