// SPDX-License-Identifier: Apache-2.0

package debian

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/avert-dev/avert/internal/needs"
)

// A small package of a small suite whose name has the version of something in it.
const suite, pattern = "bookworm-security", `linux-kbuild-6\.1`

// TestFetch fetches into an empty cache, several at once, and holds that the host's apt is as before.
func TestFetch(t *testing.T) {
	before := fingerprint(t)
	t.Setenv("AVERT_CACHE", t.TempDir())
	first, err := Fetch(t.Context(), suite, pattern)
	needs.NoError(t, err)
	if first.Name != "linux-kbuild-6.1" || !strings.HasPrefix(first.Version, "6.1.") {
		t.Errorf("%+v", first)
	}
	if err := os.Remove(first.Path); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if p, err := Fetch(t.Context(), suite, pattern); err != nil || p != first {
				t.Errorf("%+v: %v", p, err)
			}
		})
	}
	all.Wait()
	dir, err := Unpack(t.Context(), suite, pattern)
	if err != nil {
		t.Fatal(err)
	}
	// Walk sees what Unpack unpacks.
	err = first.Walk(t.Context(), func(h *tar.Header, r io.Reader) error {
		if h.Typeflag != tar.TypeReg {
			return nil
		}
		want, err := os.ReadFile(filepath.Join(dir, h.Name))
		if got, readErr := io.ReadAll(r); err != nil || readErr != nil || string(got) != string(want) {
			t.Errorf("%s: %d bytes: %v, %v", h.Name, len(got), err, readErr)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	enough := errors.New("enough")
	if err := first.Walk(t.Context(), func(*tar.Header, io.Reader) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
	if after := fingerprint(t); after != before {
		t.Error("the host's apt has changed")
	}
	_, err = Fetch(t.Context(), suite, "avert-is-not-packaged")
	unavailable(t, err, "has no package avert-is-not-packaged")
}

func TestUnknownSuite(t *testing.T) {
	t.Setenv("AVERT_CACHE", t.TempDir())
	_, err := Fetch(t.Context(), "avert-security", "x")
	unavailable(t, err, "the suite avert-security is not where this host's sources have Debian")
}

func TestWithoutApt(t *testing.T) {
	t.Setenv("AVERT_CACHE", t.TempDir())
	t.Setenv("PATH", "")
	_, err := Fetch(t.Context(), suite, pattern)
	unavailable(t, err, "needs the program apt-get")
}

func TestOlder(t *testing.T) {
	needs.Tool(t, "dpkg")
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"6.1.9-1", "6.1.10-1", true},
		{"6.1.10-1", "6.1.9-1", false},
		{"6.1.9-1", "6.1.9-1", false},
		{"6.12.9-1~deb12u1", "6.12.9-1", true},
		{"9", "1:1", true},
	} {
		if got, err := older(t.Context(), test.a, test.b); got != test.want || err != nil {
			t.Errorf("%s before %s: %v, %v", test.a, test.b, got, err)
		}
	}
}

func TestBadPattern(t *testing.T) {
	if _, err := Fetch(t.Context(), suite, "("); err == nil || !strings.Contains(err.Error(), "pattern of package names") {
		t.Errorf("%v", err)
	}
}

// unavailable holds that err says what the machine lacks. Where it lacks more than that, the test ends.
func unavailable(t *testing.T, err error, want string) {
	t.Helper()
	var missing *needs.Unavailable
	if !errors.As(err, &missing) {
		t.Fatalf("%v", err)
	}
	if !strings.Contains(err.Error(), want) {
		needs.Missing(t, err.Error())
	}
}

// fingerprint is the state of the host's apt: its packages, lists and archives.
func fingerprint(t *testing.T) string {
	hash := sha256.New()
	for _, root := range []string{"/var/lib/apt/lists", "/var/cache/apt", "/var/lib/dpkg/status", "/etc/apt"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				fmt.Fprintln(hash, path, info.ModTime(), info.Size())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return string(hash.Sum(nil))
}
