// SPDX-License-Identifier: Apache-2.0

//go:build guest

package apparmorbin

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// TestDeeds does in a guest what the host wrote down.
func TestDeeds(t *testing.T) {
	policy, err := os.ReadFile(policyFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/sys/kernel/security/apparmor/.replace", policy, 0); err != nil {
		t.Fatal("the kernel refuses the policy: ", err)
	}
	text, err := os.ReadFile(deedsFile)
	if err != nil {
		t.Fatal(err)
	}
	var deeds []deed
	if err := json.Unmarshal(text, &deeds); err != nil {
		t.Fatal(err)
	}
	prepare(t, deeds)

	next, errs := make(chan deed), make(chan error)
	go confined(next, errs)
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
	for _, d := range deeds {
		next <- d
		if err := <-errs; allowed(err) != d.Allowed {
			t.Errorf("%+v: %v", d, err)
		}
		if d.Op == "link" {
			os.Remove(d.Path)
		}
	}
}

// confined takes a thread under the profile and does deeds there. The thread ends
// with it.
func confined(next <-chan deed, errs chan<- error) {
	runtime.LockOSThread()
	errs <- os.WriteFile("/proc/thread-self/attr/current", []byte("changeprofile p"), 0)
	for d := range next {
		errs <- try(d)
	}
}

// allowed reports whether AppArmor let an operation pass, whatever became of it
// then.
func allowed(err error) bool { return !errors.Is(err, syscall.EACCES) }

// prepare makes what the deeds are about. What has no extension is a directory.
func prepare(t *testing.T, deeds []deed) {
	for _, d := range deeds {
		for _, path := range []string{d.Path, d.To} {
			dir, isFile := path, filepath.Ext(path) != ""
			if isFile {
				dir = filepath.Dir(path)
			}
			if !filepath.IsAbs(path) {
				continue
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if isFile && (d.Op != "link" || path != d.Path) {
				if err := os.WriteFile(path, []byte("x"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// try does a deed. Where it takes two steps, the error is that of the second.
func try(d deed) error {
	use := func(flags int, then func(fd int) error) error {
		fd, err := syscall.Open(d.Path, flags|syscall.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer syscall.Close(fd)
		return then(fd)
	}
	open := func(flags int) error { return use(flags, func(int) error { return nil }) }
	switch d.Op {
	case "read":
		return open(syscall.O_RDONLY)
	case "write":
		return open(syscall.O_WRONLY)
	case "append":
		return open(syscall.O_WRONLY | syscall.O_APPEND)
	case "readdir":
		return open(syscall.O_RDONLY | syscall.O_DIRECTORY)
	case "chmod":
		return syscall.Chmod(d.Path, 0o755)
	case "lock":
		// An exclusive lock asks for write as well.
		return use(syscall.O_RDONLY, func(fd int) error { return syscall.Flock(fd, syscall.LOCK_SH|syscall.LOCK_NB) })
	case "map":
		return use(syscall.O_RDONLY, func(fd int) error {
			data, err := syscall.Mmap(fd, 0, 1, syscall.PROT_READ|syscall.PROT_EXEC, syscall.MAP_PRIVATE)
			if err != nil {
				return err
			}
			return syscall.Munmap(data)
		})
	case "exec":
		// The file is no program: ENOEXEC is for those who may.
		_, err := syscall.ForkExec(d.Path, []string{"x"}, &syscall.ProcAttr{Env: []string{}})
		return err
	case "link":
		return syscall.Link(d.To, d.Path)
	case "socket":
		got, err := syscall.Socket(int(d.Family), int(d.Kind), 0)
		if err == nil {
			syscall.Close(got)
		}
		return err
	case "mount":
		return syscall.Mount("none", d.Path, d.To, uintptr(d.Flags), "")
	}
	return errors.New("no such deed")
}
