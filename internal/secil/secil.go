// SPDX-License-Identifier: Apache-2.0

// Package secil compiles policies of SELinux in CIL with the toolchains of Debian, and says what they grant, so that what a
// module means is tested without a kernel. It is for tests alone; the host needs no SELinux and no tools of it.
package secil

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/avert-dev/avert/internal/debian"
	"github.com/avert-dev/avert/internal/needs"
)

// Module is a part of a policy.
type Module struct {
	// Name is that of its file, such as "base.cil".
	Name string
	Text []byte
}

//go:embed base.cil
var base []byte

// Base is a small policy of our own with the blocks `container` and `net_container`. It grants containers all that modules
// of avert may take away.
func Base() Module { return Module{"base.cil", base} }

// Toolchain is a release of secilc.
type Toolchain struct{ root, loader string }

// The suites of Debian whose toolchains are used.
const (
	// Bookworm has 3.4, which does not know `deny`.
	Bookworm = "bookworm"
	// Trixie has 3.8.
	Trixie = "trixie"
)

// New fetches the toolchain of a suite. The error is a *needs.Unavailable when the machine lacks something.
func New(ctx context.Context, suite string) (*Toolchain, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return nil, &needs.Unavailable{Reason: "needs linux/amd64, to run Debian's secilc"}
	}
	root, err := debian.Unpack(ctx, suite, "secilc", "libsepol2", "libc6", "policycoreutils")
	if err != nil {
		return nil, err
	}
	// Before trixie /lib was no link to /usr/lib.
	for _, folder := range []string{"usr/lib", "lib"} {
		loader := filepath.Join(root, folder, "x86_64-linux-gnu/ld-linux-x86-64.so.2")
		if _, err := os.Stat(loader); err == nil {
			return &Toolchain{root, loader}, nil
		}
	}
	return nil, fmt.Errorf("%s has no dynamic loader", root)
}

// command runs a program of the toolchain with its own libraries.
func (c *Toolchain) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	path := strings.Join([]string{filepath.Dir(c.loader), filepath.Join(c.root, "usr/lib/x86_64-linux-gnu")}, ":")
	return exec.CommandContext(ctx, c.loader, append([]string{"--library-path", path, filepath.Join(c.root, program)}, args...)...)
}

// Refused is the error of a policy that does not compile.
type Refused struct{ Output string }

func (e *Refused) Error() string { return "secilc: " + e.Output }

// Compile returns the policy as kernels from 5.8 on load it. neverallow counts. The error is a *Refused when the modules do
// not make a policy.
func (c *Toolchain) Compile(ctx context.Context, modules ...Module) ([]byte, error) {
	dir, err := os.MkdirTemp("", "avert-secil-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "policy")
	args := []string{"--multiple-decls", "--mls", "true", "--policyvers", "33", "--output", out, "--filecontext", os.DevNull}
	for i, m := range modules {
		path := filepath.Join(dir, fmt.Sprintf("%d-%s", i, m.Name))
		if err := os.WriteFile(path, m.Text, 0o600); err != nil {
			return nil, err
		}
		args = append(args, path)
	}
	said, err := c.command(ctx, "usr/bin/secilc", args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, &Refused{strings.ReplaceAll(string(said), dir+"/", "")}
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// Access is a permission that a type may have on another, or on itself. Target may be an attribute.
type Access struct{ Source, Target, Class, Permission string }

func (a Access) String() string {
	return fmt.Sprintf("%s %s:%s %s", a.Source, a.Target, a.Class, a.Permission)
}

var failed = regexp.MustCompile(`neverallow check failed at \d+-questions\.cil:(\d+)`)

// Granted returns those of the accesses that a policy grants, whatever its booleans are set to. Each is asked for as a
// neverallow, and those that do not hold are granted.
func (c *Toolchain) Granted(ctx context.Context, modules []Module, ask []Access) (map[Access]bool, error) {
	var b strings.Builder
	for _, a := range ask {
		fmt.Fprintf(&b, "(neverallow %s %s (%s (%s)))\n", a.Source, a.Target, a.Class, a.Permission)
	}
	_, err := c.Compile(ctx, append(modules[:len(modules):len(modules)], Module{"questions.cil", []byte(b.String())})...)
	var refused *Refused
	if err != nil && !errors.As(err, &refused) {
		return nil, err
	}
	granted := map[Access]bool{}
	if refused == nil {
		return granted, nil
	}
	lines := failed.FindAllStringSubmatch(refused.Output, -1)
	if len(lines) == 0 {
		return nil, err // refused for another reason
	}
	for _, m := range lines {
		line, err := strconv.Atoi(m[1])
		if err != nil || line < 1 || line > len(ask) {
			return nil, fmt.Errorf("secilc names line %s of %d questions", m[1], len(ask))
		}
		granted[ask[line-1]] = true
	}
	return granted, nil
}
