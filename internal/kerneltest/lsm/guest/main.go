// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

// Command guest makes the attempts of package lsm in a kernel. It is three programs: the node ("run JOB"), what a container
// runtime is ("enter"), and what runs in the container ("try ROW NAME").
package main

import (
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"syscall"

	"github.com/avert-dev/avert/internal/kerneltest/lsm"
)

func main() {
	// Namespaces and credentials belong to threads.
	runtime.LockOSThread()
	var err error
	switch os.Args[1] {
	case "run":
		err = run(os.Args[2])
	case "enter":
		err = enter(os.Args[2], os.Args[3], os.Args[4:])
	case "try":
		try(os.Args[2], os.Args[3])
	default:
		err = fmt.Errorf("nothing is called %q", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
}

// fail says what came in the way and ends the process.
func fail(err error) {
	fmt.Println(err)
	var errno syscall.Errno
	if errors.As(err, &errno) {
		fmt.Println("errno", int(errno))
	}
	os.Exit(1)
}

// ran says that the effect is reached.
func ran() error {
	fmt.Println("ran")
	return nil
}

// try makes one attempt: nil means that nothing refused it, which is not yet its effect.
func try(row, name string) {
	f := attempts[row+" "+name]
	if f == nil {
		fail(fmt.Errorf("there is no attempt %q in row %s", name, row))
	}
	if err := f(); err != nil {
		fail(err)
	}
}

// attempts are the attempts by row and name, as package lsm lists them.
var attempts = collect(work, execs, files, lineages, mounts, rings, guards, compats, layers, changes)

func collect(parts ...map[string]func() error) map[string]func() error {
	out := map[string]func() error{}
	for _, part := range parts {
		maps.Copy(out, part)
	}
	return out
}

// run makes the attempts of a job and prints their outcomes.
func run(job string) error {
	f, err := os.Open(job)
	if err != nil {
		return err
	}
	defer f.Close()
	var j lsm.Job
	if err := gob.NewDecoder(f).Decode(&j); err != nil {
		return err
	}
	outcomes := make([]lsm.Outcome, len(j.Attempts))
	for i, trial := range j.Attempts {
		if outcomes[i], err = makeAttempt(i, trial); err != nil {
			return fmt.Errorf("row %d, %s: %w", trial.Row, trial.Name, err)
		}
	}
	data, err := json.Marshal(outcomes)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s%s\n", lsm.Mark, data)
	return nil
}

func makeAttempt(i int, trial lsm.Trial) (lsm.Outcome, error) {
	w, err := newWorld(i, trial)
	if err != nil {
		return lsm.Outcome{}, err
	}
	outcome, err := w.attempt()
	return outcome, errors.Join(err, w.remove())
}
