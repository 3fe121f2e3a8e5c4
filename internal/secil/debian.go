// SPDX-License-Identifier: Apache-2.0

package secil

import (
	"compress/bzip2"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avert-dev/avert/internal/cache"
	"github.com/avert-dev/avert/internal/debian"
)

// templates defines for Debian's policy the blocks that udica's templates define for Fedora's.
//
//go:embed debian.cil
var templates []byte

// Debian returns Debian 13's policy, all modules of it, with the blocks `container` and `net_container`. The error is a
// *needs.Unavailable when the machine lacks something.
func Debian(ctx context.Context) ([]Module, error) {
	c, err := New(ctx, Trixie)
	if err != nil {
		return nil, err
	}
	root, err := debian.Unpack(ctx, Trixie, "selinux-policy-default")
	if err != nil {
		return nil, err
	}
	folder, err := cache.Dir("selinux")
	if err != nil {
		return nil, err
	}
	folder = filepath.Join(folder, filepath.Base(root))
	err = cache.Make(ctx, folder, func(path string) error {
		packages, err := filepath.Glob(filepath.Join(root, "usr/share/selinux/default/*.pp.bz2"))
		if err != nil || len(packages) == 0 {
			return fmt.Errorf("%s has no modules", root)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			return err
		}
		for _, p := range packages {
			if err := c.convert(ctx, p, filepath.Join(path, strings.TrimSuffix(filepath.Base(p), ".pp.bz2")+".cil")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.cil"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var out []Module
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		out = append(out, Module{filepath.Base(f), text})
	}
	return append(out, Module{"templates.cil", templates}), nil
}

// convert writes a module of a package as CIL.
func (c *Toolchain) convert(ctx context.Context, packed, out string) error {
	in, err := os.Open(packed)
	if err != nil {
		return err
	}
	defer in.Close()
	data, err := io.ReadAll(bzip2.NewReader(in))
	if err != nil {
		return fmt.Errorf("%s: %w", packed, err)
	}
	if err := os.WriteFile(out+".pp", data, 0o600); err != nil {
		return err
	}
	defer os.Remove(out + ".pp")
	if said, err := c.command(ctx, "usr/libexec/selinux/hll/pp", out+".pp", out).CombinedOutput(); err != nil {
		return fmt.Errorf("pp %s: %w: %s", packed, err, said)
	}
	return nil
}
