// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avert-dev/avert/internal/cache"
	"github.com/avert-dev/avert/internal/needs"
)

// The harness itself is tested on the kernel that boots fastest.
const fastest = "5.10"

func TestRun(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tests := []struct {
		name   string
		config Config
		argv   []string
		code   int
		output string
	}{
		{name: "large output", argv: []string{"sh", "-c", `yes 123456789012345 | head -n 65536`}, code: 0, output: strings.Repeat("123456789012345\n", 65536)},
		{name: "files and a false mark", config: Config{Files: []File{
			{Guest: "/a/b/set", Data: []byte("x"), Mode: 0o755 | fs.ModeSetuid},
			{Guest: "/a/plain", Data: []byte("plain")},
			{Guest: "/a/link", Link: "b/../plain"},
			{Guest: "/a/folder", Mode: 0o700 | fs.ModeDir},
			{Guest: "/a/host", Host: folder, Mode: 0o500},
			{Guest: "/a/twice", Data: []byte("first")},
			{Guest: "/a/twice", Data: []byte("second")},
		}}, argv: []string{"sh", "-c", `cd /a; find . -mindepth 1 | sort | xargs stat -c '%n %A %u:%g'; cat link twice; printf '\navert-exit-X 0\n'; false`}, code: 1,
			output: "./b drwxr-xr-x 0:0\n./b/set -rwsr-xr-x 0:0\n./folder drwx------ 0:0\n./host dr-x------ 0:0\n" +
				"./link lrwxrwxrwx 0:0\n./plain -rw-r--r-- 0:0\n./twice -rw-r--r-- 0:0\nplainsecond\navert-exit-X 0\n"},
		{name: "no command", argv: []string{"/nowhere"}, code: 127, output: "/avert/job: exec: line 1: /nowhere: not found\n"},
		{name: "modules and a signal", config: Config{LSM: SELinux}, argv: []string{"sh", "-c", "cat /sys/kernel/security/lsm; mkdir l u w m; mount -t overlay -o lowerdir=l,upperdir=u,workdir=w overlay m && kill -9 $$"},
			code: 137, output: "lockdown,capability,yama,selinux,bpfKilled\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.config.Kernel = fastest
			r := MustRun(t, test.config, test.argv...)
			if r.Code != test.code || string(r.Output) != test.output {
				t.Errorf("exit code %d, %d bytes: %q", r.Code, len(r.Output), r.Output[:min(len(r.Output), 1000)])
			}
		})
	}
}

// TestFailures holds that a guest which does not run its command to the end is an error that tells why.
func TestFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config Config
		argv   []string
		want   string
	}{
		{"timeout", Config{Kernel: fastest, Timeout: time.Second}, []string{"sleep", "1000"}, "the guest did not end within 1s"},
		{"panic", Config{Kernel: fastest}, []string{"sh", "-c", "echo c > /proc/sysrq-trigger"}, "Kernel panic - not syncing"},
		{"power off", Config{Kernel: fastest}, []string{"sh", "-c", "echo so far; poweroff -f"}, "the guest ended before its command: so far"},
		{"kernel", Config{Kernel: "2.4"}, []string{"true"}, `there is no kernel "2.4"; there are 5.10`},
		{"no command", Config{Kernel: fastest}, nil, "no command"},
		{"variable", Config{Kernel: fastest, Env: []string{"a b=c"}}, []string{"true"}, `"a b=c" is not NAME=value`},
		{"path", Config{Kernel: fastest, Files: []File{{Guest: "relative"}}}, []string{"true"}, `"relative" is not an absolute path`},
		{"parent", Config{Kernel: fastest, Files: []File{{Guest: "/f"}, {Guest: "/f/g"}}}, []string{"true"}, "/f/g lies below /f, which is not a folder"},
		{"emulator", Config{Kernel: fastest, CPUs: 1 << 20}, []string{"true"}, "--- the end of the guest's console ---"},
		{"counting", Config{Kernel: fastest, CPUs: 2, ICount: true}, []string{"true"}, "on one processor"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := Run(t.Context(), test.config, test.argv...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				needs.NoError(t, err)
				t.Errorf("got no error with %q", test.want)
			}
		})
	}
}

// TestInstructionCount holds that a guest's clock counts instructions: to the same number in every boot.
func TestInstructionCount(t *testing.T) {
	t.Parallel()
	var outputs [2][]byte
	var errs [2]error
	var boots sync.WaitGroup
	for i := range outputs {
		boots.Go(func() {
			var r Result
			r, errs[i] = Run(t.Context(), Config{Kernel: fastest, ICount: true}, "cat", "/proc/uptime", "/proc/timer_list")
			outputs[i] = r.Output
		})
	}
	boots.Wait()
	needs.NoError(t, errors.Join(errs[:]...))
	if len(outputs[0]) < 1000 || !bytes.Equal(outputs[0], outputs[1]) {
		t.Errorf("two boots differ:\n%s\n%s", outputs[0], outputs[1])
	}
}

// TestPlaces holds that no more guests run at once than the machine has processors.
func TestPlaces(t *testing.T) {
	t.Setenv("AVERT_CACHE", t.TempDir())
	for range runtime.NumCPU() {
		leave, err := enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if leave, err := enter(ctx); leave != nil || err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("one more got in: %v", err)
	}
	dir, err := cache.Dir("places")
	if err != nil {
		t.Fatal(err)
	}
	for i := range runtime.NumCPU() {
		if unlock, err := cache.TryLock(filepath.Join(dir, strconv.Itoa(i))); unlock != nil || err != nil {
			t.Errorf("place %d is free: %v", i, err)
		}
	}
}
