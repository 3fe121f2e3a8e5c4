// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/avert-dev/avert/internal/cache"
	"github.com/avert-dev/avert/internal/debian"
	"github.com/avert-dev/avert/internal/needs"
)

// Kernels names the kernels that tests run on, by version.
var Kernels = []string{"5.10", "6.1", "6.12", "6.19"}

// packages says where each kernel is: a suite of Debian and the names of the packages that hold one. From 6.19 on the kernel
// is in linux-binary, apart from the modules, which backports drop sooner.
var packages = map[string]struct{ suite, pattern string }{
	"5.10": {"bullseye-security", `linux-image-5\.10\.0-\d+-amd64`},
	"6.1":  {"bookworm-security", `linux-image-6\.1\.0-\d+-amd64`},
	"6.12": {"bookworm-security", `linux-image-6\.12\.\d+\+deb12-amd64`},
	"6.19": {"trixie-backports", `linux-binary-6\.19\.\d+\+deb13-amd64`},
}

// modules are the modules that guests get where the kernel's package has them, in the order in which they are loaded.
var modules = []string{"overlay"}

var modulePath = regexp.MustCompile(`/kernel/.*/([^/]+)\.ko(?:\.xz)?$`)

// prepare returns the folder of the cache with what of a kernel is needed: vmlinux, and modules by name.
func prepare(ctx context.Context, kernel string) (dir string, err error) {
	from, ok := packages[kernel]
	if !ok {
		return "", fmt.Errorf("there is no kernel %q; there are %s", kernel, strings.Join(Kernels, ", "))
	}
	p, err := debian.Fetch(ctx, from.suite, from.pattern)
	if err != nil {
		return "", fmt.Errorf("kernel %s: %w", kernel, err)
	}
	kernels, err := cache.Dir("kernels")
	if err != nil {
		return "", err
	}
	dir = filepath.Join(kernels, p.Name+"_"+p.Version)
	return dir, cache.Make(ctx, dir, func(dir string) error {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		err := p.Walk(ctx, func(h *tar.Header, r io.Reader) error {
			var name string
			convert := func(ctx context.Context, data []byte) ([]byte, error) { return data, nil }
			if strings.HasPrefix(h.Name, "./boot/vmlinuz-") {
				name, convert = "vmlinux", vmlinux
			} else if m := modulePath.FindStringSubmatch(h.Name); m != nil && wanted(m[1]) {
				name = m[1]
				if path.Ext(h.Name) == ".xz" {
					convert = func(ctx context.Context, data []byte) ([]byte, error) { return decompress(ctx, data, "xz") }
				}
			} else {
				return nil
			}
			data, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			if data, err = convert(ctx, data); err != nil {
				return fmt.Errorf("%s: %w", h.Name, err)
			}
			return os.WriteFile(filepath.Join(dir, name), data, 0o600)
		})
		if _, missing := os.Stat(filepath.Join(dir, "vmlinux")); err == nil && missing != nil {
			err = fmt.Errorf("%s has no kernel", p.Path)
		}
		return err
	})
}

func wanted(module string) bool {
	for _, m := range modules {
		if m == module {
			return true
		}
	}
	return false
}

// vmlinux takes the ELF kernel out of a bzImage. Booted directly, through its PVH entry, it need not decompress itself,
// which takes an emulated processor longer than the whole rest. The fields are those of the x86 boot protocol, 2.08
// (Documentation/arch/x86/boot.rst).
func vmlinux(ctx context.Context, image []byte) ([]byte, error) {
	if len(image) < 0x250 || string(image[0x202:0x206]) != "HdrS" {
		return nil, errors.New("not a Linux kernel for x86")
	}
	le := binary.LittleEndian
	start := (uint64(image[0x1f1])+1)*512 + uint64(le.Uint32(image[0x248:]))
	end := start + uint64(le.Uint32(image[0x24c:]))
	if end > uint64(len(image)) || end < start+4 {
		return nil, errors.New("the compressed kernel lies outside of the file")
	}
	payload := image[start : end-4] // the last four bytes are the size of what is in it
	var program string
	switch {
	case bytes.HasPrefix(payload, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		program = "zstd"
	case bytes.HasPrefix(payload, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		program = "xz"
	default:
		return nil, errors.New("the kernel is compressed with neither zstd nor xz")
	}
	kernel, err := decompress(ctx, payload, program)
	if err == nil && !bytes.HasPrefix(kernel, []byte("\x7fELF")) {
		err = errors.New("what is compressed is not an ELF file")
	}
	return kernel, err
}

func decompress(ctx context.Context, data []byte, program string) ([]byte, error) {
	if _, err := exec.LookPath(program); err != nil {
		return nil, &needs.Unavailable{Reason: "needs the program " + program + ", to unpack a kernel"}
	}
	cmd := exec.CommandContext(ctx, program, "-dc")
	var problems bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(data), &problems
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", program, err, problems.Bytes())
	}
	return out, err
}
