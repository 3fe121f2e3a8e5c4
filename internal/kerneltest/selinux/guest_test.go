// SPDX-License-Identifier: Apache-2.0

//go:build guest

package selinux

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/compiler/linux"
)

// confined is the environment variable of a process in a generated type: what it tries, one on a line.
const confined = "AVERT_DEEDS"

func TestMain(m *testing.M) {
	if tries, ok := os.LookupEnv(confined); ok {
		try(strings.Split(tries, "\n"))
		return
	}
	os.Exit(m.Run())
}

// try does one thing after the other, and prints for each the error number that came of it.
func try(tries []string) {
	runtime.LockOSThread()
	for _, name := range tries {
		kind, argument, _ := strings.Cut(name, " ")
		if kind == "wait" {
			fmt.Println(0)
			for {
				unix.Pause() // signals end it
			}
		}
		err := deeds[kind](argument)
		var errno syscall.Errno
		if err != nil && !errors.As(err, &errno) {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			errno = syscall.EIO
		}
		fmt.Println(int(errno))
	}
}

const folder = "/tmp/container"

// deeds are the kinds of things that processes try.
var deeds = map[string]func(string) error{
	"capability": func(name string) error { return capabilities[name]() },
	"socket":     func(family string) error { return open(family, unix.SOCK_DGRAM, 0) },
	"stream":     func(family string) error { return open(family, unix.SOCK_STREAM, 0) },
	"netlink": func(protocol string) error {
		n, err := strconv.Atoi(protocol)
		return errors.Join(err, open("netlink", unix.SOCK_RAW, n))
	},
	"bind": bind,
	"connect": func(address string) error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			return nil // the other side's business
		}
		return err
	},
	"read":  func(path string) error { _, err := os.ReadFile(path); return err },
	"write": func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
	"label": func(attribute string) error {
		return os.WriteFile("/proc/thread-self/attr/"+attribute, []byte("system_u:system_r:kernel_t:s0"), 0)
	},
	"mount": func(string) error {
		err := unix.Mount("none", folder+"/mount", "tmpfs", 0, "")
		if err == nil {
			err = unix.Unmount(folder+"/mount", 0)
		}
		return err
	},
	"bpf": func(string) error {
		attr := [6]uint32{2, 4, 4, 1, 0, 0} // an array of one element
		fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		if errno != 0 {
			return errno
		}
		return unix.Close(int(fd))
	},
	"module": func(string) error {
		err := unix.InitModule(make([]byte, 4096), "")
		if errors.Is(err, syscall.ENOEXEC) {
			return nil
		}
		return err
	},
	"userns": func(string) error { return again(unix.CLONE_NEWUSER) },
	"userns-capability": func(string) error {
		return again(unix.CLONE_NEWUSER | unix.CLONE_NEWUTS)
	},
	"ptrace": func(pid string) error {
		n, err := strconv.Atoi(pid)
		if err != nil {
			return err
		}
		const seize = 0x4206 // PTRACE_SEIZE; the tracee goes free when the tracer ends
		_, _, errno := unix.Syscall6(unix.SYS_PTRACE, seize, uintptr(n), 0, 0, 0, 0)
		if errno != 0 {
			return errno
		}
		return nil
	},
	"signal": func(argument string) error {
		pid, number, _ := strings.Cut(argument, " ")
		n, err1 := strconv.Atoi(pid)
		s, err2 := strconv.Atoi(number)
		if n == 0 {
			n = os.Getpid()
		}
		return errors.Join(err1, err2, unix.Kill(n, unix.Signal(s)))
	},
}

// capabilities are used by operations that need one and nothing else.
var capabilities = map[string]func() error{
	"CHOWN":  func() error { return os.Chown(folder+"/owned", 1, -1) },
	"FOWNER": func() error { return os.Chmod(folder+"/foreign", 0o700) },
	"MKNOD": func() error {
		defer os.Remove(folder + "/null")
		return unix.Mknod(folder+"/null", unix.S_IFCHR|0o600, 0x103)
	},
	"NET_ADMIN":        netAdmin,
	"NET_BIND_SERVICE": func() error { return bind("127.0.0.1:80") },
	"NET_RAW":          func() error { return open("inet", unix.SOCK_RAW, unix.IPPROTO_ICMP) },
	"SETGID":           func() error { return unix.Setgroups([]int{0}) },
	"SYS_ADMIN":        func() error { return unix.Sethostname([]byte("guest")) },
	"SYS_CHROOT":       func() error { return unix.Chroot("/") },
	"SYS_NICE":         func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -1) },
	"SYS_TIME": func() error {
		var now unix.Timeval
		return errors.Join(unix.Gettimeofday(&now), unix.Settimeofday(&now))
	},
	"WAKE_ALARM": func() error {
		fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME_ALARM, 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	},
}

func bind(address string) error {
	l, err := net.Listen("tcp", address)
	if err == nil {
		l.Close()
	}
	return err
}

// netAdmin sets the priority of a socket above what everybody may.
func netAdmin() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, 7)
}

// open makes a socket. That the kernel does not have the family is no refusal.
func open(family string, kind, protocol int) error {
	number, ok := linux.AddressFamily(family)
	if !ok {
		return fmt.Errorf("no family %q", family)
	}
	fd, err := unix.Socket(number, kind, protocol)
	for _, absent := range []error{syscall.EAFNOSUPPORT, syscall.EPROTONOSUPPORT, syscall.ESOCKTNOSUPPORT, syscall.EINVAL} {
		if errors.Is(err, absent) {
			return nil
		}
	}
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// again starts this program in new namespaces.
func again(flags uintptr) error {
	c := exec.Command("/proc/self/exe")
	c.Env = []string{confined + "=read /proc/self/stat"}
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	return c.Run()
}

// TestTypes loads the policy and has processes in each type try what the plan says.
func TestTypes(t *testing.T) {
	var p plan
	data, err := os.ReadFile(planFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	program := prepare(t)
	other, err := enter(program, p.Node, "wait")
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := other.StdoutPipe()
	if err == nil {
		err = other.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer other.Process.Kill()
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		t.Fatalf("a process of %s: %v", p.Node, err)
	}
	for _, r := range p.Roles {
		t.Run(r.Type, func(t *testing.T) {
			var tries []string
			for _, d := range r.Deeds {
				tries = append(tries, strings.ReplaceAll(d.Name, "OTHER", fmt.Sprint(other.Process.Pid)))
			}
			c, err := enter(program, r.Type, tries...)
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.Output()
			results := strings.Fields(string(out))
			if err != nil || len(results) != len(r.Deeds) {
				t.Fatalf("%d results for %d deeds: %v: %v", len(results), len(r.Deeds), err, results)
			}
			refused := 0
			for i, d := range r.Deeds {
				n, err := strconv.Atoi(results[i])
				if err != nil {
					t.Fatal(err)
				}
				errno := syscall.Errno(n)
				isRefused := errno == syscall.EACCES || errno == syscall.EPERM
				if isRefused {
					refused++
				}
				if isRefused != d.Refused || !isRefused && errno != 0 {
					t.Errorf("%s: %v (%d), want refused: %v", d.Name, errno, n, d.Refused)
				}
			}
			t.Logf("%d of %d refused", refused, len(r.Deeds))
		})
	}
}

// prepare sets up the world that types are for: the policy in force, the program and the folder of a container with labels.
func prepare(t *testing.T) (program string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", folder, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile(policyFile)
	if err != nil {
		t.Fatal(err)
	}
	// The kernel takes a policy in one write.
	if err := os.WriteFile("/sys/fs/selinux/load", policy, 0); err != nil {
		t.Fatalf("the kernel refuses the policy: %v", err)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(folder, "program")
	for name, data := range map[string][]byte{program: self, folder + "/owned": nil, folder + "/foreign": nil, folder + "/shadow": []byte("s"), folder + "/volume": nil} {
		if err := os.WriteFile(name, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(folder+"/foreign", 1, 1); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder+"/mount", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{folder, folder + "/mount", program, folder + "/owned", folder + "/foreign", folder + "/volume"} {
		label(t, name, "container_file_t")
	}
	label(t, folder+"/shadow", "shadow_t")
	if err := os.WriteFile("/sys/fs/selinux/enforce", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	return program
}

func label(t *testing.T, path, typ string) {
	t.Helper()
	if err := unix.Setxattr(path, "security.selinux", []byte("system_u:object_r:"+typ+":s0\x00"), 0); err != nil {
		t.Fatalf("%s as %s: %v", path, typ, err)
	}
}

// enter returns the command that tries something in a type. The type is set for the thread that starts it.
func enter(program, typ string, tries ...string) (*exec.Cmd, error) {
	runtime.LockOSThread()
	context := "system_u:system_r:" + typ + ":s0"
	if err := os.WriteFile("/proc/thread-self/attr/exec", []byte(context), 0); err != nil {
		return nil, fmt.Errorf("entering %s: %w", context, err)
	}
	c := exec.Command(program)
	c.Env = []string{confined + "=" + strings.Join(tries, "\n")}
	c.Stderr = os.Stderr
	return c, nil
}
