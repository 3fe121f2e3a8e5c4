// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

// Command guest carries out a job of package lsmdiffer: it is the node, with its loader and its container runtime. What
// happens in containers is done by the worker, one system call at a time.
package main

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/gob"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/avert-dev/avert/internal/kerneltest/lsmdiffer"
)

func main() {
	// One thread, and garbage is left where it is as long as there is room: all else takes long under emulation.
	runtime.GOMAXPROCS(1)
	if err := run(os.Args[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(job string) error {
	f, err := os.Open(job)
	if err != nil {
		return err
	}
	defer f.Close()
	var j lsmdiffer.Job
	if err := gob.NewDecoder(f).Decode(&j); err != nil {
		return err
	}
	begin := time.Now()
	g, err := newGuest(j.Containers)
	if err != nil {
		return err
	}
	loaded := time.Now()
	outcomes := make([]lsmdiffer.Outcome, len(j.Steps))
	for i := range j.Steps {
		if outcomes[i], err = g.step(&j.Steps[i]); err != nil {
			return fmt.Errorf("step %d, %+v: %w", i, j.Steps[i], err)
		}
	}
	fmt.Printf("loading %v, %d steps %v\n", loaded.Sub(begin).Round(time.Millisecond), len(j.Steps), time.Since(loaded).Round(time.Millisecond))
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		return err
	}
	if err := gob.NewEncoder(w).Encode(outcomes); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	fmt.Printf("\n%s%s\n", lsmdiffer.Mark, base64.StdEncoding.EncodeToString(b.Bytes()))
	return nil
}
