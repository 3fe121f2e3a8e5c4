// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/runtime/node"
)

// loader is the program that loads policies on the node.
const loader = "/tools/avert-node"

// load loads an image of the trial for the container's cgroup, if it has any.
func (w *world) load(i int) error {
	if len(w.trial.Images) == 0 {
		return nil
	}
	cmd := w.loading(i)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return nil
}

func (w *world) loading(i int) *exec.Cmd {
	return exec.Command(loader, "load", w.trial.Images[i%len(w.trial.Images)], "--cgroup", w.cgroup)
}

// beside is what happens on the node while an attempt of a row is made. It returns what ends it, when the attempt has ended.
var beside = map[int]func(w *world, stdin io.Writer) (stop func() error){
	23: func(w *world, stdin io.Writer) func() error { return times(10, stdin, w.load) },
	24: func(w *world, stdin io.Writer) func() error {
		const loaders = 20
		killed := 0
		return times(loaders, stdin, func(i int) error {
			if len(w.trial.Images) == 0 {
				return nil
			}
			cmd := w.loading(i)
			if err := cmd.Start(); err != nil {
				return err
			}
			time.Sleep(time.Duration(i) * 10 * time.Millisecond)
			if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return err
			}
			if cmd.Wait() != nil { // otherwise it was faster
				killed++
			}
			if i == loaders && killed == 0 {
				return errors.New("no loader was killed")
			}
			return nil
		})
	},
	31: func(w *world, _ io.Writer) func() error {
		var end atomic.Bool
		result := make(chan error)
		go func() {
			var err error
			for one, other := w.root+"/race/a/x", w.root+"/race/b/y"; !end.Load() && err == nil; one, other = other, one {
				err = os.Rename(one, other)
			}
			result <- err
		}()
		return func() error { end.Store(true); return <-result }
	},
}

// times does something that often, with the numbers from 1, and then ends the attempt.
func times(n int, stdin io.Writer, f func(int) error) (stop func() error) {
	result := make(chan error, 1)
	go func() {
		var err error
		for i := 1; i <= n && err == nil; i++ {
			err = f(i)
		}
		_, wrong := stdin.Write([]byte("\n"))
		if errors.Is(wrong, syscall.EPIPE) || errors.Is(wrong, os.ErrClosed) {
			wrong = nil // the attempt had its effect and ended
		}
		result <- errors.Join(err, wrong)
	}()
	return func() error { return <-result }
}

// alerts returns how many alerts there have been, with those that were lost.
func (w *world) alerts() (uint64, error) {
	if len(w.trial.Images) == 0 {
		return 0, nil
	}
	events, counters, err := node.New("/sys/fs/bpf").Reports()
	if err != nil {
		return 0, err
	}
	defer events.Close()
	defer counters.Close()
	var reported, lost uint64
	err = errors.Join(counters.Lookup(bpf.Reported, &reported), counters.Lookup(bpf.Lost, &lost))
	return reported + lost, err
}

// unmount detaches the volume in the container while it is in use, as a node may, and returns the line that answers.
func (w *world) unmount(pid int) string {
	cmd := exec.Command("/bin/nsenter", "-t", strconv.Itoa(pid), "-m", "/bin/umount", "-l", "/volume")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return strconv.Quote(fmt.Sprintf("%v: %s", err, out)) + "\n"
	}
	return "done\n"
}
