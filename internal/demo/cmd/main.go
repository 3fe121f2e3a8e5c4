// SPDX-License-Identifier: Apache-2.0

// Command cmd shows a policy in force on a node: make demo-node. It compiles the example with avert, boots a kernel, has
// avert-node load what was compiled, starts a container, and prints what that attempts, what comes of it, and the alerts.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/avert-dev/avert/internal/demo"
	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/vm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

const (
	kernel  = "6.12"
	example = "examples/checkout"
	image   = "shop-checkout_deployment-checkout_app.img"
)

//go:embed pool.yaml
var pool []byte

// run shows everything.
func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "avert-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files, err := prepare(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, intro, kernel, example, image, demo.Cgroup)
	r, err := vm.Run(ctx, vm.Config{Kernel: kernel, Files: files, MemoryMB: 1024, Timeout: 5 * time.Minute}, "/bin/guest")
	if err != nil {
		return err
	}
	at := bytes.LastIndex(r.Output, []byte("\n"+demo.Mark))
	if r.Code != 0 || at < 0 {
		return fmt.Errorf("the guest failed:\n%s\n%s", r.Output, r.Console)
	}
	var outcomes []demo.Outcome
	if err := json.Unmarshal(r.Output[at+1+len(demo.Mark):], &outcomes); err != nil {
		return fmt.Errorf("what the guest says: %w", err)
	}
	return show(out, outcomes)
}

// prepare compiles the example and builds what the guest runs.
func prepare(ctx context.Context, dir string) ([]vm.File, error) {
	module, err := command(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return nil, err
	}
	module = strings.TrimSpace(module)
	config, compiled := filepath.Join(dir, "pool.yaml"), filepath.Join(dir, "out")
	if err := os.WriteFile(config, pool, 0o600); err != nil {
		return nil, err
	}
	if _, err := command(ctx, "go", "-C", module, "run", "./cmd/avert", "compile", example, "-o", compiled, "--config", config); err != nil {
		return nil, err
	}
	loader, err := vm.Build("github.com/avert-dev/avert/cmd/avert-node")
	if err != nil {
		return nil, err
	}
	guest, err := vm.Build("github.com/avert-dev/avert/internal/demo/guest")
	if err != nil {
		return nil, err
	}
	busybox, err := tool("busybox", "busybox-static")
	if err != nil {
		return nil, err
	}
	runc, err := tool("runc", "runc")
	if err != nil {
		return nil, err
	}
	files, err := vm.Program(runc)
	if err != nil {
		return nil, err
	}
	root := demo.Bundle + "/rootfs"
	return append(files,
		vm.File{Guest: "/bin/avert-node", Data: loader, Mode: 0o755},
		vm.File{Guest: "/bin/guest", Data: guest, Mode: 0o755},
		vm.File{Guest: demo.Image, Host: filepath.Join(compiled, "nodes/lsm", image)},
		vm.File{Guest: demo.Bundle + "/config.json", Data: container},
		vm.File{Guest: root + "/usr/local/bin/node", Data: guest, Mode: 0o755},
		vm.File{Guest: root + "/bin/busybox", Host: busybox, Mode: 0o755},
		vm.File{Guest: root + "/bin/sh", Link: "busybox"},
		vm.File{Guest: root + "/usr/bin/curl", Host: busybox, Mode: 0o755},
		vm.File{Guest: root + "/etc/passwd", Data: []byte("root:x:0:0::/:/bin/sh\n")},
		vm.File{Guest: root + "/app/config/settings.yaml", Data: []byte("currency: EUR\n")},
		vm.File{Guest: root + "/proc", Mode: fs.ModeDir | 0o755},
	), nil
}

// container is the configuration of the container, for runc.
//
//go:embed container.json
var container []byte

// command runs a command and returns what it prints.
func command(ctx context.Context, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, &problems)
	}
	return string(out), nil
}

func tool(name, pkg string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &needs.Unavailable{Reason: fmt.Sprintf("needs the program %s (package %s)", name, pkg)}
	}
	return filepath.EvalSymlinks(path)
}
