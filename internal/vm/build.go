// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/avert-dev/avert/internal/needs"
)

// Build returns a command of this module, built for guests. It is a *needs.Unavailable where there is no go.
func Build(command string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "avert-guest-program-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "program")
	if err := build(path, command, "build", "-trimpath"); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// build runs go with arguments that build a package, to be a program at path.
func build(path, pkg string, arguments ...string) error {
	if _, err := exec.LookPath("go"); err != nil {
		return &needs.Unavailable{Reason: "needs the program go, to build what a guest runs"}
	}
	if out, err := forGuest(append(arguments, "-o", path, pkg)...).CombinedOutput(); err != nil {
		return fmt.Errorf("build %s for a guest: %w\n%s", pkg, err, out)
	}
	return openSources(pkg)
}

func forGuest(arguments ...string) *exec.Cmd {
	cmd := exec.Command("go", arguments...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	return cmd
}

// openSources opens what a package and its tests for guests are made of. go test does not repeat a test when nothing has
// changed that it knows of, which is what the test's own program is made of and the files that it opens: not what a program
// is made of that the test builds.
func openSources(pkg string) error {
	paths, err := sources(pkg)
	if err != nil {
		return fmt.Errorf("list the sources of %s: %w", pkg, err)
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

// sources returns the files of this module that a package and its tests for guests are made of.
func sources(pkg string) ([]string, error) {
	const files = `{{$p := .}}{{with .Module}}{{if .Main}}{{range $p.GoFiles}}{{$p.Dir}}/{{.}}
{{end}}{{range $p.EmbedFiles}}{{$p.Dir}}/{{.}}
{{end}}{{end}}{{end}}`
	out, err := forGuest("list", "-deps", "-test", "-tags=guest", "-f", files, pkg).Output()
	if err != nil {
		return nil, err
	}
	var paths []string
	for path := range strings.Lines(string(out)) {
		// go test's own main function is no file of the module.
		if path = strings.TrimSpace(path); path != "" && !strings.Contains(path, "//") {
			paths = append(paths, path)
		}
	}
	return paths, nil
}
