// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/opencontainers/runtime-spec/specs-go"
)

//go:embed probe
var probes embed.FS

// ErrNoEmulator says that a probe must run under QEMU's user-mode emulation,
// which is not installed.
var ErrNoEmulator = errors.New("needs qemu-user-static")

// Probe asks one version of a runtime for its default profile, by building the
// runtime's own unmodified package into a small program.
type Probe struct {
	module string // directory of the downloaded module
	dir    string // what is built
}

// NewProbe downloads a version of a source's module, which the go command checks
// against the public checksum database, and prepares a program in dir. Only
// the profile's package is built, in a module of the same path: the rest of the
// runtime has hundreds of dependencies that the profile does not need.
func NewProbe(s Source, version, dir string) (*Probe, error) {
	module, err := download(s.Module, version)
	if err != nil {
		return nil, err
	}
	p := &Probe{module: module, dir: dir}
	name, packages := "containerd", []string{"contrib/seccomp", "contrib/seccomp/kernelversion", "pkg/kernelversion"}
	if s.Module == common {
		name, packages = "crio", []string{"pkg/seccomp"}
	}
	for _, path := range packages {
		if err := p.copyPackage(path); err != nil {
			return nil, err
		}
	}
	main, err := probes.ReadFile("probe/" + name + ".go.txt")
	if err != nil {
		return nil, err
	}
	stub, err := probes.ReadFile("probe/libseccomp.go.txt")
	if err != nil {
		return nil, err
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		return nil, err
	}
	require := ""
	for _, path := range []string{"github.com/opencontainers/runtime-spec", "golang.org/x/sys"} {
		out, err := exec.Command("go", "list", "-m", path).Output() // at the version whose sum go.sum has
		if err != nil {
			return nil, fmt.Errorf("go list -m %s: %w", path, err)
		}
		require += "require " + string(out)
	}
	for path, text := range map[string]string{
		"probe/main.go":         strings.ReplaceAll(string(main), "MODULE", s.Module),
		"libseccomp/seccomp.go": string(stub),
		"libseccomp/go.mod":     "module github.com/seccomp/libseccomp-golang\n",
		"go.sum":                string(sums),
		"go.mod":                "module " + s.Module + "\n\ngo 1.26.0\n\n" + require + "require github.com/seccomp/libseccomp-golang v0.0.0\nreplace github.com/seccomp/libseccomp-golang => ./libseccomp\n",
	} {
		if err := p.write(path, []byte(text)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func download(module, version string) (dir string, err error) {
	out, err := exec.Command("go", "mod", "download", "-json", module+"@v"+version).Output()
	if err != nil {
		return "", fmt.Errorf("download %s@v%s: %w: %s", module, version, err, out)
	}
	var answer struct{ Dir string }
	if err := json.Unmarshal(out, &answer); err != nil {
		return "", err
	}
	return answer.Dir, nil
}

func (p *Probe) write(path string, content []byte) error {
	path = filepath.Join(p.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

// copyPackage copies a package as it is, without what reaches beyond the
// profile: tests, containerd's options for its client, and the parts of
// containers/common that build and load filters. A package that this version
// does not have is left out.
func (p *Probe) copyPackage(path string) error {
	beyond := []string{"contrib/seccomp/seccomp.go", "pkg/seccomp/filter.go", "pkg/seccomp/validate.go", "pkg/seccomp/conversion.go", "pkg/seccomp/generate.go"}
	files, err := filepath.Glob(filepath.Join(p.module, path, "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name := path + "/" + filepath.Base(file)
		if strings.HasSuffix(name, "_test.go") || slices.Contains(beyond, name) {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := p.write(name, content); err != nil {
			return err
		}
	}
	return nil
}

// Profiles returns the default profile for each set of capabilities, which are
// named without CAP_, as the runtime makes it on a node of that architecture.
// The kernel is the release that the node's uname reports; "" is that of this
// machine.
func (p *Probe) Profiles(arch linux.Arch, kernel string, sets [][]string) ([]*specs.LinuxSeccomp, error) {
	program := filepath.Join(p.dir, string(arch))
	if _, err := os.Stat(program); err != nil {
		build := exec.Command("go", "build", "-tags", "seccomp", "-o", program, "./probe")
		build.Dir = p.dir
		build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+string(arch), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build probe: %w: %s", err, out)
		}
	}
	var command []string
	if string(arch) != runtime.GOARCH || kernel != "" {
		emulator, err := exec.LookPath(map[linux.Arch]string{linux.AMD64: "qemu-x86_64-static", linux.ARM64: "qemu-aarch64-static"}[arch])
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrNoEmulator, err)
		}
		command = append(command, emulator)
		if kernel != "" {
			command = append(command, "-r", kernel)
		}
	}
	prefixed := make([][]string, len(sets))
	for i, set := range sets {
		prefixed[i] = []string{}
		for _, name := range set {
			prefixed[i] = append(prefixed[i], "CAP_"+name)
		}
	}
	input, err := json.Marshal(prefixed)
	if err != nil {
		return nil, err
	}
	command = append(command, program)
	run := exec.Command(command[0], command[1:]...)
	run.Stdin = bytes.NewReader(input)
	run.Stderr = os.Stderr
	out, err := run.Output()
	if err != nil {
		return nil, fmt.Errorf("run probe: %w", err)
	}
	var profiles []*specs.LinuxSeccomp
	if err := json.Unmarshal(out, &profiles); err != nil {
		return nil, err
	}
	return profiles, nil
}

// Capabilities returns what the runtime gives a container that asks for
// nothing, without CAP_. containerd keeps the list in a function of its own,
// from whose source it is read; CRI-O's is not in a module of ours, and its
// list has been the same since 1.18.
func (p *Probe) Capabilities(s Source) ([]string, error) {
	if s.Module == common {
		return []string{"CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE", "KILL"}, nil
	}
	file := filepath.Join(p.module, "oci", "spec.go")
	if s.Module == containerd2 {
		file = filepath.Join(p.module, "pkg", "oci", "spec.go")
	}
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, declaration := range tree.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok || f.Name.Name != "defaultUnixCaps" {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				name, _ := strconv.Unquote(literal.Value)
				names = append(names, strings.TrimPrefix(name, "CAP_"))
			}
			return true
		})
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no default capabilities in %s", file)
	}
	return names, nil
}
