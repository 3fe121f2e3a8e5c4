// SPDX-License-Identifier: Apache-2.0

package output

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/internal/needs"
)

// writerDir, in the environment, turns the test binary into a process that writes one of two trees to that folder after
// the other until it is killed.
const writerDir = "AVERT_TEST_WRITER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		for i := range 2000 {
			if _, err := Write(dir, files(generation(i)), Options{Prune: true}); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// generation is one of two trees that share no content and only some names.
func generation(i int) map[string]string {
	content := map[string]string{}
	for n := range 20 {
		content[fmt.Sprintf("manifests/%02d.yaml", n)] = fmt.Sprintf("generation %d\n", i%2)
		content[fmt.Sprintf("nodes/%d/%02d.json", i%2, n)] = strings.Repeat("x", 1000*n)
	}
	return content
}

// whole reads the tree of a crash test and fails unless it is one generation, complete, with the foreign file.
func whole(t *testing.T, dir string) {
	t.Helper()
	got := tree(t, dir)
	maps.DeleteFunc(got, func(_, content string) bool { return content == "/" })
	diffs := ""
	for i := range 2 {
		want := generation(i)
		want[indexName] = string(mustIndex(t, want).encode())
		want["mine/foreign"] = "foreign"
		diff := cmp.Diff(want, got)
		if diff == "" {
			return
		}
		diffs += fmt.Sprintf("against generation %d (-want +got):\n%s", i, diff)
	}
	t.Fatalf("the tree is neither the old nor the new one\n%.4000s", diffs)
}

func mustIndex(t *testing.T, content map[string]string) index {
	t.Helper()
	w, err := newWanted(files(content))
	if err != nil {
		t.Fatal(err)
	}
	return w.index
}

// startWriter starts a process that writes generations to dir until it is killed.
func startWriter(t *testing.T, dir string) (kill func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	writer := exec.Command(exe)
	writer.Env = append(os.Environ(), writerDir+"="+dir)
	writer.Stderr = &stderr
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		_ = writer.Process.Kill()
		if err := writer.Wait(); err == nil || stderr.Len() > 0 {
			t.Fatalf("the writer ended by itself: %v\n%s", err, &stderr)
		}
	}
}

func TestKilledAtAnyInstant(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "out")
	put(t, filepath.Join(dir, "mine/foreign"), "foreign")
	write(t, dir, generation(0), Options{})
	leftovers := 0
	for round := range 40 {
		kill := startWriter(t, dir)
		time.Sleep(time.Duration(5+rand.IntN(40)) * time.Millisecond)
		kill()
		whole(t, dir)
		if _, err := os.Stat(filepath.Join(parent, ".out.avert", "tree")); err == nil {
			leftovers++
		}
		if round%10 == 9 {
			write(t, dir, generation(round/10), Options{Prune: true}) // clears away what is left
			whole(t, dir)
		}
	}
	if leftovers == 0 {
		t.Error("no writer was killed in the middle of its work: this test shows nothing")
	}
}

func TestConcurrentRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	put(t, filepath.Join(dir, "mine/foreign"), "foreign")
	write(t, dir, generation(0), Options{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 10 {
				if _, err := Write(dir, files(generation(w+i)), Options{Prune: true}); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	done := make(chan struct{})
	var observer sync.WaitGroup
	observer.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			// Both generations have this file, so at no instant may it be absent.
			if _, err := os.Stat(filepath.Join(dir, "manifests/00.yaml")); err != nil {
				t.Errorf("observer: %v", err)
				return
			}
		}
	})
	writers.Wait()
	close(done)
	observer.Wait()
	whole(t, dir)
	write(t, dir, generation(0), Options{Prune: true}) // checks that nothing is left
}

func TestFullDisk(t *testing.T) {
	needs.Root(t)
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
		needs.Missing(t, "cannot mount a small tmpfs: "+err.Error())
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, 0) })
	dir := filepath.Join(disk, "out")
	put(t, filepath.Join(dir, "mine"), "foreign")
	write(t, dir, map[string]string{"a": "1", "b": "2"}, Options{})
	before := tree(t, disk)
	_, err := Write(dir, files(map[string]string{"a": "new", "b": strings.Repeat("x", 1<<20)}), Options{})
	if err == nil || !strings.Contains(err.Error(), "no space left on device") || !strings.Contains(err.Error(), "is as it was") {
		t.Errorf("error %v", err)
	}
	expect(t, tree(t, disk), before)
	write(t, dir, map[string]string{"a": "new", "b": "2"}, Options{})
}

func TestMountPoints(t *testing.T) {
	needs.Root(t)
	mount := func(t *testing.T, dir, source, kind string, flags uintptr) {
		t.Helper()
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount(source, dir, kind, flags, ""); err != nil {
			needs.Missing(t, "cannot mount: "+err.Error())
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	}
	source := t.TempDir()
	put(t, filepath.Join(source, "precious"), "x")
	for _, tt := range []struct {
		name, where, kind string
		flags             uintptr
	}{
		{"another file system", "out", "tmpfs", 0},
		{"the same file system", "out", "", syscall.MS_BIND},
		{"inside, another file system", "out/inner", "tmpfs", 0},
		{"inside, the same file system", "out/inner", "", syscall.MS_BIND},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parent := t.TempDir()
			at := filepath.Join(parent, tt.where)
			mount(t, at, source, tt.kind, tt.flags)
			put(t, filepath.Join(at, "precious"), "x")
			_, err := Write(filepath.Join(parent, "out"), files(map[string]string{"a": "1"}), Options{})
			if err == nil || !strings.Contains(err.Error(), "is a mount point") {
				t.Errorf("error %v", err)
			}
			expect(t, tree(t, at), map[string]string{".": "/", "precious": "x"})
			expect(t, tree(t, source), map[string]string{".": "/", "precious": "x"})
		})
	}
}

func TestReadOnlyParent(t *testing.T) {
	parent := t.TempDir()
	if os.Geteuid() == 0 {
		if err := syscall.Mount("tmpfs", parent, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
			needs.Missing(t, "cannot mount a read-only tmpfs: "+err.Error())
		}
		t.Cleanup(func() { _ = syscall.Unmount(parent, 0) })
	} else if err := os.Chmod(parent, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := Write(filepath.Join(parent, "out"), files(map[string]string{"a": "1"}), Options{})
	if err == nil || !strings.Contains(err.Error(), "choose an output folder in a writable one") {
		t.Errorf("error %v", err)
	}
}
