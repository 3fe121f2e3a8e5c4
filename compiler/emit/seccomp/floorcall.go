// SPDX-License-Identifier: Apache-2.0

package seccomp

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// floorCall is what the runtime's default profile says of one system call.
type floorCall struct {
	allow   [][]policy.Arg // any of them
	refuses []refusal      // with another outcome than the profile's default
	entries []specs.LinuxSyscall
}

type refusal struct {
	args    []policy.Arg
	outcome outcome
}

// allows separates the vectors that the floor allows.
func (f *floorCall) allows(boxes []box) (in, out []box) {
	out = boxes
	for _, args := range f.allow {
		part, rest := split(out, args)
		in, out = append(in, part...), rest
	}
	return in, out
}

// base is the runtime's default profile by name.
type base struct {
	calls map[string]*floorCall
	// rest is the outcome of all other calls: refusal, with EPERM in containerd
	// and ENOSYS in CRI-O.
	rest outcome
	// untouched holds the rules about calls that no rule of a policy is about,
	// by what decides them.
	untouched map[string][]specs.LinuxSyscall
	// standIn names the version whose profile was taken, when that of the
	// pool's version is not known; else "".
	standIn string
}

// baseOf joins the profiles of all architectures of a pool: a call that exists
// on several must be treated alike on all, as it is in every known runtime.
func baseOf(pool *platform.Pool, capabilities []string) (*base, error) {
	b := &base{calls: map[string]*floorCall{}, untouched: map[string][]specs.LinuxSyscall{}}
	own := map[linux.Arch]map[string]*floorCall{}
	for i, arch := range pool.Architectures {
		p, err := floor.Seccomp(floor.Query{
			Runtime: pool.Runtime.Name, Version: pool.Runtime.Version.String(), Arch: arch,
			Kernel: pool.Kernel, Capabilities: capabilities,
		})
		if err != nil {
			return nil, err
		}
		if p.Seccomp.DefaultAction != specs.ActErrno {
			return nil, fmt.Errorf("the default profile of %s refuses by %s, not with an error", p.Source, p.Seccomp.DefaultAction)
		}
		rest := refused(eperm)
		if p.Seccomp.DefaultErrnoRet != nil {
			rest = refused(int(*p.Seccomp.DefaultErrnoRet))
		}
		if i > 0 && rest != b.rest {
			return nil, errors.New("the default profiles of the pool's architectures refuse with different errors: declare a pool for each")
		}
		b.rest = rest
		if !p.Exact {
			b.standIn = p.Source
		}
		calls, err := byName(p.Seccomp.Syscalls)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Source, err)
		}
		own[arch] = calls
		maps.Copy(b.calls, calls)
	}
	for _, name := range slices.Sorted(maps.Keys(b.calls)) {
		for arch, calls := range own {
			// Absence counts where the architecture has the call.
			_, exists := linux.Syscall(arch, name)
			if f := calls[name]; f == nil && exists || f != nil && !slices.EqualFunc(f.entries, b.calls[name].entries, equalEntry) {
				return nil, fmt.Errorf("the default profile treats %s differently on the pool's architectures: declare a pool for each", name)
			}
		}
	}
	return b, nil
}

func byName(rules []specs.LinuxSyscall) (map[string]*floorCall, error) {
	out := map[string]*floorCall{}
	for _, s := range rules {
		for _, name := range s.Names {
			if out[name] == nil {
				out[name] = &floorCall{}
			}
			if err := out[name].add(s); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return out, nil
}

// add records an entry of the profile. Two conditions on one argument are
// alternatives to runc and crun.
func (f *floorCall) add(s specs.LinuxSyscall) error {
	s.Names = nil
	f.entries = append(f.entries, s)
	var lists [][]policy.Arg
	var seen [6]bool
	repeated := false
	var all []policy.Arg
	for _, a := range s.Args {
		arg, err := argOf(a)
		if err != nil {
			return err
		}
		repeated = repeated || seen[arg.Index]
		seen[arg.Index] = true
		all = append(all, arg)
	}
	if repeated {
		for _, a := range all {
			lists = append(lists, []policy.Arg{a})
		}
	} else {
		lists = append(lists, all)
	}
	switch s.Action {
	case specs.ActAllow:
		f.allow = append(f.allow, lists...)
	case specs.ActErrno:
		errno := uint(eperm)
		if s.ErrnoRet != nil {
			errno = *s.ErrnoRet
		}
		for _, l := range lists {
			f.refuses = append(f.refuses, refusal{l, outcome{specs.ActErrno, errno}})
		}
	default:
		return fmt.Errorf("action %s", s.Action)
	}
	return nil
}

func equalEntry(a, b specs.LinuxSyscall) bool {
	return a.Action == b.Action && slices.Equal(a.Args, b.Args) && (a.ErrnoRet == nil) == (b.ErrnoRet == nil) && (a.ErrnoRet == nil || *a.ErrnoRet == *b.ErrnoRet)
}

var ops = map[specs.LinuxSeccompOperator]policy.ArgOp{
	specs.OpEqualTo: policy.ArgEqual, specs.OpNotEqual: policy.ArgNotEqual,
	specs.OpLessThan: policy.ArgLess, specs.OpLessEqual: policy.ArgLessEqual,
	specs.OpGreaterThan: policy.ArgGreater, specs.OpGreaterEqual: policy.ArgGreaterEqual,
}

func argOf(a specs.LinuxSeccompArg) (policy.Arg, error) {
	if a.Index > 5 {
		return policy.Arg{}, fmt.Errorf("argument %d", a.Index)
	}
	if a.Op == specs.OpMaskedEqual {
		return policy.Arg{Index: int(a.Index), Op: policy.ArgMaskedEqual, Mask: a.Value, Value: a.ValueTwo}, nil
	}
	op, ok := ops[a.Op]
	if !ok {
		return policy.Arg{}, fmt.Errorf("operator %s", a.Op)
	}
	return policy.Arg{Index: int(a.Index), Op: op, Value: a.Value}, nil
}
