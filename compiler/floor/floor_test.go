// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/linux"
)

var kernel = linux.KernelVersion{Major: 6, Minor: 1}

func seccomp(t *testing.T, runtime, version string, arch linux.Arch, capabilities ...string) Profile {
	t.Helper()
	p, err := Seccomp(Query{Runtime: runtime, Version: version, Arch: arch, Kernel: kernel, Capabilities: capabilities})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestVersionsFindTheirProfile(t *testing.T) {
	for _, test := range []struct {
		runtime, version, source string
		exact                    bool
	}{
		{"containerd", "1.6.0", "containerd 1.6.1", false},
		{"containerd", "1.6.1", "containerd 1.6.1", true},
		{"containerd", "1.6.20~ds1-1+deb12u1", "containerd 1.6.19", false},
		{"containerd", "v1.7.24", "containerd 1.7.15 to 1.7.31", true},
		{"containerd", "1.7.99", "containerd 1.7.32 to 1.7.35", false},
		{"containerd", "1.7", "containerd 1.7.32 to 1.7.35", true},
		{"containerd", "2.0.5", "containerd 2.0.13", false},
		{"containerd", "2.2.5", "containerd 2.2.8 to 2.2.9", false},
		{"containerd", "2.4.1", "containerd 2.4.0 to 2.4.1", true},
		{"containerd", "3.0.0", "containerd 2.4.2", false},
		{"cri-o", "1.30.4", "cri-o from 1.24.0", false},
		{"cri-o", "1.34", "cri-o from 1.34.0", false},
	} {
		p := seccomp(t, test.runtime, test.version, linux.AMD64)
		if p.Source != test.source || p.Exact != test.exact {
			t.Errorf("%s %s: %s, exact %v; want %s, exact %v", test.runtime, test.version, p.Source, p.Exact, test.source, test.exact)
		}
	}
}

func TestWrongQueriesAreErrors(t *testing.T) {
	good := Query{Runtime: "containerd", Version: "2.1.4", Arch: linux.AMD64, Kernel: kernel}
	for want, change := range map[string]func(*Query){
		"unknown container runtime": func(q *Query) { q.Runtime = "docker" },
		"the oldest version":        func(q *Query) { q.Version = "1.5.18" },
		"want MAJOR.MINOR.PATCH":    func(q *Query) { q.Version = "2" },
		"not a number":              func(q *Query) { q.Version = "2.x" },
		"no default profile for":    func(q *Query) { q.Arch = linux.I386 },
		"unknown capability":        func(q *Query) { q.Capabilities = []string{"CAP_KILL"} },
	} {
		q := good
		change(&q)
		if p, err := Seccomp(q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, %v; want an error with %q", q, p.Source, err, want)
		}
	}
}

// TestDefaultProfiles holds some facts that everybody relies on.
func TestDefaultProfiles(t *testing.T) {
	for _, test := range []struct {
		runtime, version string
		capabilities     []string
		call             string
		args             [6]uint64
		allowed          bool
	}{
		{"containerd", "2.1.4", nil, "read", [6]uint64{}, true},
		{"containerd", "2.1.4", nil, "mount", [6]uint64{}, false},
		{"containerd", "2.1.4", []string{"SYS_ADMIN"}, "mount", [6]uint64{}, true},
		{"containerd", "2.1.4", nil, "io_uring_setup", [6]uint64{}, false},
		{"containerd", "1.7.24", nil, "io_uring_setup", [6]uint64{}, true},
		{"containerd", "2.1.4", nil, "clone", [6]uint64{0x10000000}, false}, // CLONE_NEWUSER
		{"containerd", "2.1.4", nil, "clone", [6]uint64{0x11}, true},        // SIGCHLD
		{"containerd", "2.1.4", nil, "socket", [6]uint64{40}, false},        // AF_VSOCK
		{"containerd", "2.1.4", nil, "socket", [6]uint64{38}, true},         // AF_ALG
		{"containerd", "2.4.2", nil, "socket", [6]uint64{38}, false},
		{"containerd", "2.1.4", nil, "personality", [6]uint64{0}, true},
		{"containerd", "2.1.4", nil, "personality", [6]uint64{0x40000}, false}, // ADDR_NO_RANDOMIZE
		{"cri-o", "1.34.0", nil, "unshare", [6]uint64{}, false},
		{"cri-o", "1.34.0", []string{"SYS_ADMIN"}, "unshare", [6]uint64{}, true},
		{"cri-o", "1.34.0", nil, "socket", [6]uint64{16, 3, 9}, false}, // AF_NETLINK, NETLINK_AUDIT
		{"cri-o", "1.34.0", []string{"AUDIT_WRITE"}, "socket", [6]uint64{16, 3, 9}, true},
	} {
		p := seccomp(t, test.runtime, test.version, linux.AMD64, test.capabilities...)
		if v, err := Decide(&p.Seccomp, test.call, test.args); err != nil || v.Allows() != test.allowed {
			t.Errorf("%s %s with %v: %s%v is %v, %v; allowed should be %v", test.runtime, test.version, test.capabilities, test.call, test.args, v, err, test.allowed)
		}
	}
}

func TestClone3IsUnknown(t *testing.T) {
	p := seccomp(t, "containerd", "2.1.4", linux.ARM64)
	enosys, _ := linux.Errno("ENOSYS")
	want := Verdict{specs.ActErrno, uint(enosys)}
	if v, err := Decide(&p.Seccomp, "clone3", [6]uint64{}); err != nil || v != want {
		t.Errorf("clone3 is %v, %v; want %v, so that glibc falls back to clone", v, err, want)
	}
}

func TestOldKernelsHaveNoPtrace(t *testing.T) {
	for version, allowed := range map[string]bool{"4.7": false, "4.8": true, "6.1": true} {
		k, err := linux.ParseKernelVersion(version)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Seccomp(Query{Runtime: "containerd", Version: "2.1.4", Arch: linux.AMD64, Kernel: k})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := Decide(&p.Seccomp, "ptrace", [6]uint64{}); err != nil || v.Allows() != allowed {
			t.Errorf("ptrace on %s: %v, %v; allowed should be %v", version, v, err, allowed)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for runtime, want := range map[string][]string{
		"containerd": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP"},
		"cri-o":      {"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE"},
	} {
		got, err := Capabilities(runtime, map[string]string{"containerd": "2.1", "cri-o": "1.34"}[runtime])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", runtime, diff)
		}
	}
}

// TestDataIsWellFormed reads all of it: rows ascend, sets exist, and names are ones
// that Linux knows somewhere or that the runtimes list for other architectures.
func TestDataIsWellFormed(t *testing.T) {
	var rows []row
	if err := load("index", &rows); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"index": true}
	for i, r := range rows {
		if i > 0 && rows[i-1].Runtime == r.Runtime && rows[i-1].From.compare(r.From) >= 0 {
			t.Errorf("%s %s does not come after %s", r.Runtime, r.From, rows[i-1].From)
		}
		if !slices.Contains(Runtimes(), r.Runtime) {
			t.Errorf("%s is not in Runtimes", r.Runtime)
		}
		used[r.Set] = true
		for _, arch := range linux.NodeArches() {
			for _, name := range append(linux.CapabilityNames(), "") {
				q := Query{Runtime: r.Runtime, Version: r.From.String(), Arch: arch, Kernel: kernel}
				if name != "" {
					q.Capabilities = []string{name}
				}
				p, err := Seccomp(q)
				if err != nil {
					t.Fatal(err)
				}
				if n := len(p.Seccomp.Architectures); n != 1+len(arch.SubArches()) {
					t.Errorf("%s covers %d architectures", arch, n)
				}
				if v, err := Decide(&p.Seccomp, "read", [6]uint64{}); err != nil || !v.Allows() {
					t.Errorf("%s %s with %q refuses read: %v, %v", r.Runtime, r.From, name, v, err)
				}
			}
		}
	}
	files, err := data.ReadDir("data")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !used[strings.TrimSuffix(f.Name(), ".json")] {
			t.Errorf("data/%s is not used", f.Name())
		}
	}
}

func TestDecide(t *testing.T) {
	errno := func(n uint) *uint { return &n }
	eq := func(index uint, value uint64) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: index, Value: value, Op: specs.OpEqualTo}
	}
	refused := Verdict{specs.ActErrno, 1}
	allowed := Verdict{Action: specs.ActAllow}
	for name, test := range map[string]struct {
		rules []specs.LinuxSyscall
		args  [6]uint64
		want  Verdict
		err   bool
	}{
		"no rule":                    {want: refused},
		"allowed":                    {rules: []specs.LinuxSyscall{{Names: []string{"a", "x"}, Action: specs.ActAllow}}, want: allowed},
		"all conditions hold":        {rules: []specs.LinuxSyscall{{Names: []string{"x"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{eq(0, 1), eq(1, 2)}}}, args: [6]uint64{1, 2}, want: allowed},
		"one condition fails":        {rules: []specs.LinuxSyscall{{Names: []string{"x"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{eq(0, 1), eq(1, 2)}}}, args: [6]uint64{1, 3}, want: refused},
		"one index twice is or":      {rules: []specs.LinuxSyscall{{Names: []string{"x"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{eq(0, 1), eq(0, 2)}}}, args: [6]uint64{2}, want: allowed},
		"and so are the others":      {rules: []specs.LinuxSyscall{{Names: []string{"x"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{eq(0, 1), eq(0, 2), eq(1, 5)}}}, args: [6]uint64{9, 5}, want: allowed},
		"upper half counts":          {rules: []specs.LinuxSyscall{{Names: []string{"x"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{eq(0, 1)}}}, args: [6]uint64{1<<32 | 1}, want: refused},
		"first unconditional":        {rules: []specs.LinuxSyscall{{Names: []string{"x"}, Action: specs.ActErrno, ErrnoRet: errno(2)}, {Names: []string{"x"}, Action: specs.ActAllow}}, want: Verdict{specs.ActErrno, 2}},
		"default action is no rule":  {rules: []specs.LinuxSyscall{{Names: []string{"x"}, Action: specs.ActErrno, ErrnoRet: errno(1)}, {Names: []string{"x"}, Action: specs.ActAllow}}, want: allowed},
		"errno without one is EPERM": {rules: []specs.LinuxSyscall{{Names: []string{"x"}, Action: specs.ActErrno}}, want: refused},
		"different actions":          {rules: []specs.LinuxSyscall{{Names: []string{"x"}, Action: specs.ActAllow}, {Names: []string{"x"}, Action: specs.ActLog, Args: []specs.LinuxSeccompArg{eq(0, 0)}}}, err: true},
		"seventh argument":           {rules: []specs.LinuxSyscall{{Names: []string{"x"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{eq(6, 0)}}}, err: true},
		"unknown operator":           {rules: []specs.LinuxSyscall{{Names: []string{"x"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{{Op: "SCMP_CMP_LIKE"}}}}, err: true},
	} {
		got, err := Decide(&specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: test.rules}, "x", test.args)
		if got != test.want || (err != nil) != test.err {
			t.Errorf("%s: %v, %v; want %v, error %v", name, got, err, test.want, test.err)
		}
		if name == "different actions" && !errors.Is(err, ErrOverlap) {
			t.Errorf("%s: %v, want ErrOverlap", name, err)
		}
	}
}

func TestOperators(t *testing.T) {
	number := rapid.Uint64()
	rapid.Check(t, func(t *rapid.T) {
		arg, value, mask := number.Draw(t, "argument"), number.Draw(t, "value"), number.Draw(t, "mask")
		if rapid.Bool().Draw(t, "equal") {
			arg = value
		}
		decide := func(op specs.LinuxSeccompOperator, value, two uint64) bool {
			ok, err := holds(specs.LinuxSeccompArg{Value: value, ValueTwo: two, Op: op}, arg)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		less, equal := decide(specs.OpLessThan, value, 0), decide(specs.OpEqualTo, value, 0)
		if less != (arg < value) || equal != (arg == value) {
			t.Error("less or equal is wrong")
		}
		if decide(specs.OpLessEqual, value, 0) != (less || equal) || decide(specs.OpGreaterThan, value, 0) == (less || equal) ||
			decide(specs.OpGreaterEqual, value, 0) == less || decide(specs.OpNotEqual, value, 0) == equal {
			t.Error("the operators contradict each other")
		}
		if decide(specs.OpMaskedEqual, mask, value&mask) != ((arg^value)&mask == 0) {
			t.Error("masked equality is wrong")
		}
	})
}

func FuzzParseVersion(f *testing.F) {
	f.Add("v1.6.20~ds1-1+deb12u1")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parseVersion(text)
		if err != nil {
			return
		}
		for _, n := range v {
			if n < 0 {
				t.Errorf("%q is %v", text, v)
			}
		}
		for _, name := range Runtimes() {
			if r, _, err := find(name, text); err == nil && r.Set == "" {
				t.Errorf("%q has no profile", text)
			}
		}
	})
}

func BenchmarkSeccomp(b *testing.B) {
	q := Query{Runtime: "containerd", Version: "2.1.4", Arch: linux.AMD64, Kernel: kernel, Capabilities: []string{"CHOWN", "KILL"}}
	for b.Loop() {
		if _, err := Seccomp(q); err != nil {
			b.Fatal(err)
		}
	}
}
