// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/internal/needs"
	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// filter is a compiled seccomp filter, run in user space.
type filter struct{ vm *bpf.VM }

// newFilter builds the filter of a profile with libseccomp in the way of runc:
// names that libseccomp does not know and rules with the default action are
// left out, and a rule with two conditions on one argument becomes a rule for
// each condition.
func newFilter(profile *specs.LinuxSeccomp, others ...libseccomp.ScmpArch) (*filter, error) {
	f, err := load(profile, others...)
	if err != nil {
		return nil, err
	}
	defer f.Release()
	return compile(f)
}

// instructions returns the size of the filter for all architectures that a
// profile can be for.
func instructions(profile *specs.LinuxSeccomp) (int, error) {
	f, err := load(profile, libseccomp.ArchX86, libseccomp.ArchX32, libseccomp.ArchARM64, libseccomp.ArchARM)
	if err != nil {
		return 0, err
	}
	defer f.Release()
	code, err := export(f)
	return len(code) / 8, err
}

// load gives libseccomp the rules of a profile, for this machine's architecture
// and others.
func load(profile *specs.LinuxSeccomp, others ...libseccomp.ScmpArch) (*libseccomp.ScmpFilter, error) {
	action := func(a specs.LinuxSeccompAction, errno *uint) libseccomp.ScmpAction {
		code := int16(unix.EPERM)
		if errno != nil {
			code = int16(*errno)
		}
		return map[specs.LinuxSeccompAction]libseccomp.ScmpAction{
			specs.ActAllow:       libseccomp.ActAllow,
			specs.ActErrno:       libseccomp.ActErrno.SetReturnCode(code),
			specs.ActLog:         libseccomp.ActLog,
			specs.ActKillProcess: libseccomp.ActKillProcess,
		}[a]
	}
	operator := map[specs.LinuxSeccompOperator]libseccomp.ScmpCompareOp{
		specs.OpEqualTo:      libseccomp.CompareEqual,
		specs.OpNotEqual:     libseccomp.CompareNotEqual,
		specs.OpLessThan:     libseccomp.CompareLess,
		specs.OpLessEqual:    libseccomp.CompareLessOrEqual,
		specs.OpGreaterThan:  libseccomp.CompareGreater,
		specs.OpGreaterEqual: libseccomp.CompareGreaterEqual,
		specs.OpMaskedEqual:  libseccomp.CompareMaskedEqual,
	}
	fallback := action(profile.DefaultAction, profile.DefaultErrnoRet)
	f, err := libseccomp.NewFilter(fallback)
	if err != nil {
		return nil, err
	}
	for _, arch := range others {
		if err := f.AddArch(arch); err != nil {
			return nil, err
		}
	}
	for _, rule := range profile.Syscalls {
		act := action(rule.Action, rule.ErrnoRet)
		if act == fallback {
			continue
		}
		var conditions []libseccomp.ScmpCondition
		for _, c := range rule.Args {
			condition, err := libseccomp.MakeCondition(c.Index, operator[c.Op], c.Value, c.ValueTwo)
			if err != nil {
				return nil, err
			}
			conditions = append(conditions, condition)
		}
		for _, name := range rule.Names {
			call, err := libseccomp.GetSyscallFromName(name)
			switch {
			case err != nil:
			case len(conditions) == 0:
				err = f.AddRule(call, act)
			case repeats(rule.Args):
				for _, c := range conditions {
					err = errors.Join(err, f.AddRuleConditional(call, act, []libseccomp.ScmpCondition{c}))
				}
			default:
				err = f.AddRuleConditional(call, act, conditions)
			}
			if err != nil && !errors.Is(err, libseccomp.ErrSyscallDoesNotExist) {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return f, nil
}

// export returns the program of a filter as the kernel takes it.
func export(f *libseccomp.ScmpFilter) ([]byte, error) {
	file, err := os.CreateTemp("", "filter-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := f.ExportBPF(file); err != nil {
		return nil, err
	}
	return os.ReadFile(file.Name())
}

// compile turns a filter into a program for the BPF machine of x/net.
func compile(f *libseccomp.ScmpFilter) (*filter, error) {
	code, err := export(f)
	if err != nil {
		return nil, err
	}
	var program []bpf.Instruction
	for ; len(code) >= 8; code = code[8:] {
		program = append(program, bpf.RawInstruction{
			Op: binary.NativeEndian.Uint16(code), Jt: code[2], Jf: code[3], K: binary.NativeEndian.Uint32(code[4:]),
		}.Disassemble())
	}
	vm, err := bpf.NewVM(program)
	return &filter{vm}, err
}

// decide runs the filter on the call as struct seccomp_data shows it. The
// machine of x/net loads words in network byte order, so that is how they are
// written; their offsets are those of a little-endian kernel.
func (f *filter) decide(name string, args [6]uint64) (floor.Verdict, error) {
	return f.decideOn(linux.AMD64, 0xc000003e, name, args)
}

// decide32 is decide for a 32-bit program.
func (f *filter) decide32(name string, args [6]uint64) (floor.Verdict, error) {
	return f.decideOn(linux.I386, 0x40000003, name, args)
}

// decideOn takes the architecture also as linux/audit.h numbers it.
func (f *filter) decideOn(arch linux.Arch, audit uint32, name string, args [6]uint64) (floor.Verdict, error) {
	call, ok := linux.Syscall(arch, name)
	if !ok {
		return floor.Verdict{}, fmt.Errorf("%s has no %s", arch, name)
	}
	seccompData := binary.BigEndian.AppendUint32(nil, uint32(call))
	seccompData = binary.BigEndian.AppendUint32(seccompData, audit)
	seccompData = binary.BigEndian.AppendUint64(seccompData, 0) // instruction pointer
	for _, arg := range args {
		seccompData = binary.BigEndian.AppendUint32(seccompData, uint32(arg))
		seccompData = binary.BigEndian.AppendUint32(seccompData, uint32(arg>>32))
	}
	answer, err := f.vm.Run(seccompData)
	if err != nil {
		return floor.Verdict{}, err
	}
	switch uint32(answer) & unix.SECCOMP_RET_ACTION_FULL {
	case unix.SECCOMP_RET_ALLOW:
		return floor.Verdict{Action: specs.ActAllow}, nil
	case unix.SECCOMP_RET_LOG:
		return floor.Verdict{Action: specs.ActLog}, nil
	case unix.SECCOMP_RET_KILL_PROCESS:
		return floor.Verdict{Action: specs.ActKillProcess}, nil
	case unix.SECCOMP_RET_ERRNO:
		return floor.Verdict{Action: specs.ActErrno, Errno: uint(answer & unix.SECCOMP_RET_DATA)}, nil
	}
	return floor.Verdict{}, fmt.Errorf("unknown answer %#x", answer)
}

// knows says whether this libseccomp has heard of a call.
func (f *filter) knows(name string) bool {
	_, err := libseccomp.GetSyscallFromName(name)
	return err == nil
}

// needAMD64 skips a test that can only look at filters for amd64.
func needAMD64(t *testing.T) {
	if arch, err := libseccomp.GetNativeArch(); err != nil || arch != libseccomp.ArchAMD64 {
		needs.Missing(t, "needs amd64, this is "+arch.String())
	}
}

// shape is a way to write the rules of one call that libseccomp gets right. It
// does not in general: where several rules are about one call, and one of them has
// more than one condition, an inequality among them makes it lose calls, or loop
// forever; so do inequalities whose values differ in their upper half. Version
// 2.5.4 does, and no release note since speaks of it.
type shape struct {
	name      string
	rules     int // at most
	args      int // at most, in one rule
	values    []uint64
	operators []specs.LinuxSeccompOperator
}

var (
	words = []uint64{0, 1, 2, 3, 38, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff}
	wide  = append([]uint64{0x1_0000_0000, 0x1_0000_0001, 0x2_0000_0000, 1<<64 - 1}, words...)

	equalities = []specs.LinuxSeccompOperator{specs.OpEqualTo, specs.OpMaskedEqual}
	operators  = append([]specs.LinuxSeccompOperator{specs.OpNotEqual, specs.OpLessThan, specs.OpLessEqual, specs.OpGreaterThan, specs.OpGreaterEqual}, equalities...)

	shapes = []shape{
		{"any number of equalities", 6, 3, wide, equalities},
		{"one rule of any conditions", 1, 3, wide, operators},
		{"single conditions on words", 6, 1, words, operators},
	}
)

func TestDecideEqualsLibseccomp(t *testing.T) {
	needAMD64(t)
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			compared := 0
			rapid.Check(t, func(t *rapid.T) {
				profile := shape.profile(t)
				f, err := newFilter(profile)
				if err != nil {
					// Rules with the same conditions and different actions.
					t.Skipf("libseccomp refuses the profile: %v", err)
				}
				for _, name := range []string{"read", "socket", "execve"} {
					for range 10 {
						var args [6]uint64
						for i := range 3 {
							args[i] = rapid.SampledFrom(wide).Draw(t, "argument")
						}
						got, err := floor.Decide(profile, name, args)
						if errors.Is(err, floor.ErrOverlap) {
							continue
						}
						if err != nil {
							t.Fatal(err)
						}
						want, err := f.decide(name, args)
						if err != nil {
							t.Fatal(err)
						}
						compared++
						if got != want {
							t.Errorf("%s%x: Decide says %v, libseccomp %v", name, args, got, want)
						}
					}
				}
			})
			if compared < 1000 {
				t.Errorf("only %d calls were compared", compared)
			}
		})
	}
}

// profile draws a profile about two calls.
func (s shape) profile(t *rapid.T) *specs.LinuxSeccomp {
	action := func(name string) (specs.LinuxSeccompAction, *uint) {
		a := rapid.SampledFrom([]specs.LinuxSeccompAction{specs.ActAllow, specs.ActErrno, specs.ActLog}).Draw(t, name)
		if a == specs.ActErrno && rapid.Bool().Draw(t, name+" has errno") {
			errno := rapid.SampledFrom([]uint{1, 13, 38}).Draw(t, name+" errno")
			return a, &errno
		}
		return a, nil
	}
	profile := &specs.LinuxSeccomp{}
	profile.DefaultAction, profile.DefaultErrnoRet = action("default")
	for _, name := range []string{"read", "socket"} {
		for range rapid.IntRange(0, s.rules).Draw(t, "rules") {
			rule := specs.LinuxSyscall{Names: []string{name}}
			rule.Action, rule.ErrnoRet = action("action")
			for range rapid.IntRange(0, s.args).Draw(t, "conditions") {
				rule.Args = append(rule.Args, s.condition(t))
			}
			if s.rules == 1 && repeats(rule.Args) {
				rule.Args = rule.Args[:1] // it would become several rules
			}
			profile.Syscalls = append(profile.Syscalls, rule)
		}
	}
	return profile
}

func (s shape) condition(t *rapid.T) specs.LinuxSeccompArg {
	c := specs.LinuxSeccompArg{
		Index: rapid.UintRange(0, 2).Draw(t, "index"),
		Value: rapid.SampledFrom(s.values).Draw(t, "value"),
		Op:    rapid.SampledFrom(s.operators).Draw(t, "operator"),
	}
	if c.Op == specs.OpMaskedEqual {
		c.ValueTwo = rapid.SampledFrom(s.values).Draw(t, "wanted") & c.Value
	}
	return c
}

// repeats says whether two conditions are about one argument.
func repeats(conditions []specs.LinuxSeccompArg) bool {
	count := map[uint]int{}
	for _, c := range conditions {
		count[c.Index]++
		if count[c.Index] > 1 {
			return true
		}
	}
	return false
}
