// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// entries are the first programs of containers whose first exec is the attempt.
var entries = map[string][]string{
	"blocked program":   {"/blocked/tool"},
	"first instruction": {"/tools/tool", "read", "/secret/key"},
}

// guards are the rows about what holds the policy, and about many operations at once.
var guards = map[string]func() error{
	"22 open after 40,000": func() error { flood(); return reads("/secret/key") },
	"22 exec after 40,000": func() error { flood(); return runs("/blocked/tool") },

	"23 storm": storm,
	"24 storm": storm,

	"25 mount bpffs": func() error { return changed(unix.Mount("bpf", "/m", "bpf", 0, "")) },
	"25 create a map": func() error {
		attributes := [16]uint32{2, 4, 4, 1} // an array of one element
		return changed(call(unix.SYS_BPF, unix.BPF_MAP_CREATE, ptr(&attributes), 64, 0, 0))
	},
	"25 walk the maps": func() error {
		var attributes [16]uint32
		err := call(unix.SYS_BPF, unix.BPF_MAP_GET_NEXT_ID, ptr(&attributes), 64, 0, 0)
		if errors.Is(err, unix.ENOENT) {
			err = nil // there is none, and nobody keeps us from looking
		}
		return changed(err)
	},

	"31 two names": func() error {
		// No file has ever been at any other name than these two, and both are secret.
		for range 30_000 {
			for _, name := range []string{"/race/a/x/key", "/race/b/y/key"} {
				fd, err := unix.Open(name, unix.O_RDONLY, 0)
				if err == nil {
					return readsFrom(fd)
				}
				if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
					refusals++
				} else if !errors.Is(err, unix.ENOENT) {
					return err
				}
			}
		}
		if refusals == 0 {
			return errors.New("no open was refused")
		}
		return fmt.Errorf("%d opens: %w", refusals, unix.EPERM)
	},
}

var refusals int

// flood makes more alerts than their buffer holds.
func flood() {
	for range 40_000 {
		if fd, err := unix.Open("/secret/key", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			unix.Close(fd)
		}
	}
}

// storm opens, forks and executes, on all processors at once, until the node says that it has done what it did beside, and
// at least once each: one that comes through is the effect.
func storm() error {
	var end atomic.Bool
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1)) // the end of the input ends it too
		end.Store(true)
	}()
	var last error
	var lock sync.Mutex
	var all sync.WaitGroup
	for _, f := range []func() error{
		func() error { return reads("/secret/key") },
		func() error { return runs("/blocked/tool") },
		func() error { return runs("/free/tool", "fork", "/secret/key") },
	} {
		all.Go(func() {
			for {
				err := f()
				if err == nil {
					return
				}
				lock.Lock()
				last = err
				lock.Unlock()
				if end.Load() {
					return
				}
			}
		})
	}
	all.Wait()
	return last
}
