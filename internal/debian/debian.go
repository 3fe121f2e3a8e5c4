// SPDX-License-Identifier: Apache-2.0

// Package debian fetches packages of any suite of Debian into the cache, so that tests can run kernels and programs that the
// host does not have. The host's apt and its packages stay as they are; its sources say where Debian is. It is for tests
// alone, and it does not resolve dependencies.
package debian

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/avert-dev/avert/internal/cache"
	"github.com/avert-dev/avert/internal/needs"
)

// Package is a package in the cache.
type Package struct {
	// Name and Version are Debian's.
	Name, Version string
	// Path is the package's file.
	Path string
}

// Fetch finds the package of a suite (bookworm, bookworm-security, trixie-backports) whose whole name matches the regular
// expression and whose version is the newest, and fetches it unless the cache has it. Architecture is amd64 or all.
// The error is a *needs.Unavailable when the machine lacks something.
func Fetch(ctx context.Context, suite, pattern string) (Package, error) {
	whole, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return Package{}, fmt.Errorf("pattern of package names: %w", err)
	}
	a, unlock, err := open(ctx, suite)
	if err != nil {
		return Package{}, err
	}
	defer unlock()
	p, err := a.fetch(ctx, whole, regexp.MustCompile(pattern))
	var unavailable *needs.Unavailable
	if errors.As(err, &unavailable) && !a.fresh { // the suite may have moved on since its lists were fetched
		if err := a.refresh(ctx, 0); err != nil {
			return Package{}, err
		}
		return a.fetch(ctx, whole, regexp.MustCompile(pattern))
	}
	return p, err
}

// fetch is Fetch for the lists at hand.
func (a *apt) fetch(ctx context.Context, whole, prefix *regexp.Regexp) (Package, error) {
	name, version, err := a.newest(ctx, whole, prefix)
	if err != nil {
		return Package{}, err
	}
	debs, err := cache.Dir("debian", "packages")
	if err != nil {
		return Package{}, err
	}
	p := Package{Name: name, Version: version, Path: filepath.Join(debs, strings.ReplaceAll(name+"_"+version, ":", "%3a")+".deb")}
	return p, cache.Make(ctx, p.Path, func(path string) error {
		dir, err := os.MkdirTemp(debs, "download-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if _, err := a.run(ctx, dir, "apt-get", "-q", "download", name+"="+version); err != nil {
			if ctx.Err() != nil {
				return err
			}
			return &needs.Unavailable{Reason: fmt.Sprintf("the package %s %s of the suite %s cannot be fetched; is there a network? %v", name, version, a.suite, err)}
		}
		got, err := filepath.Glob(filepath.Join(dir, "*.deb"))
		if err != nil || len(got) != 1 {
			return fmt.Errorf("apt-get download %s: %d files came", name, len(got))
		}
		return os.Rename(got[0], path)
	})
}

// newest looks up the newest package whose whole name matches; prefix is the expression without anchors.
func (a *apt) newest(ctx context.Context, whole, prefix *regexp.Regexp) (name, version string, err error) {
	start, _ := prefix.LiteralPrefix()
	out, err := a.run(ctx, a.dir, "apt-cache", append([]string{"pkgnames"}, start)...)
	if err != nil {
		return "", "", err
	}
	names := slices.DeleteFunc(strings.Fields(string(out)), func(name string) bool { return !whole.MatchString(name) })
	slices.Sort(names)
	var records []map[string]string
	if len(names) > 0 {
		if out, err = a.run(ctx, a.dir, "apt-cache", append([]string{"show"}, names...)...); err != nil {
			return "", "", err
		}
		if records, err = stanzas(out); err != nil {
			return "", "", err
		}
	}
	for _, r := range records {
		if r["Filename"] == "" {
			continue // named by another, and not in the suite
		}
		if name != "" {
			newer, err := older(ctx, version, r["Version"])
			if err != nil {
				return "", "", err
			}
			if !newer {
				continue
			}
		}
		name, version = r["Package"], r["Version"]
	}
	if name == "" {
		return "", "", &needs.Unavailable{Reason: fmt.Sprintf("the suite %s has no package %s (any more)", a.suite, prefix)}
	}
	return name, version, nil
}

// older tells whether version a of a package comes before b.
func older(ctx context.Context, a, b string) (bool, error) {
	err := exec.CommandContext(ctx, "dpkg", "--compare-versions", a, "lt", b).Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return false, nil
	}
	return err == nil, err
}

// Unpack fetches the newest package for each pattern and unpacks them into one folder of the cache, which it returns.
// Whoever uses the folder changes nothing in it. No script of a package runs.
func Unpack(ctx context.Context, suite string, patterns ...string) (dir string, err error) {
	var packages []Package
	hash := sha256.New()
	for _, pattern := range patterns {
		p, err := Fetch(ctx, suite, pattern)
		if err != nil {
			return "", err
		}
		packages = append(packages, p)
		fmt.Fprintln(hash, p.Path)
	}
	trees, err := cache.Dir("debian", "unpacked")
	if err != nil {
		return "", err
	}
	dir = filepath.Join(trees, suite+"-"+hex.EncodeToString(hash.Sum(nil)[:8]))
	return dir, cache.Make(ctx, dir, func(path string) error {
		for _, p := range packages {
			if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", p.Path, path).CombinedOutput(); err != nil {
				return fmt.Errorf("dpkg-deb -x %s: %w: %s", p.Path, err, out)
			}
		}
		return nil
	})
}

// Walk calls visit for each entry of the package, in order, without unpacking it. Names begin with "./".
func (p Package) Walk(ctx context.Context, visit func(*tar.Header, io.Reader) error) (err error) {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", p.Path)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	entries := tar.NewReader(pipe)
	for {
		var header *tar.Header
		if header, err = entries.Next(); err != nil {
			break
		}
		if err = visit(header, entries); err != nil {
			break
		}
	}
	if err == io.EOF {
		_, err = io.Copy(io.Discard, pipe)
	}
	if err != nil {
		pipe.Close() // ends dpkg-deb, whose own error would only be that
		cmd.Wait()
		return fmt.Errorf("%s: %w", p.Path, err)
	}
	return cmd.Wait()
}
