// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Guest is the side of a kernel test that runs in the guest: it loads policies, starts processes under them, has them carry
// out operations and prints the outcomes. It runs unconfined, in a mount namespace of its own. It is for kerneltest alone.
package main

import (
	"bufio"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"os"

	"github.com/avert-dev/avert/internal/kerneltest/wire"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var job wire.Job
	if err := gob.NewDecoder(bufio.NewReader(f)).Decode(&job); err != nil {
		return err
	}
	r := &runner{}
	if len(job.Beside) > 0 {
		if r.beside, err = startBeside(job.Beside, job.Ready); err != nil {
			return err
		}
	}
	if len(job.Runc) > 0 {
		if r.world, err = newContainer(&job); err != nil {
			return err
		}
		return report(&job, r)
	}
	if r.world, err = newWorld(&job); err != nil {
		return err
	}
	idle, err := startProbe(launcher)
	if err != nil {
		return err
	}
	defer idle.end()
	r.outside = idle.pid
	return report(&job, r)
}

// report runs all cases and prints what became of them.
func report(job *wire.Job, r *runner) (err error) {
	result := wire.Result{Outcomes: make([][]wire.Outcome, len(job.Cases))}
	for i := range job.Cases {
		if result.Outcomes[i], err = r.run(&job.Cases[i]); err != nil {
			return fmt.Errorf("case %d: %w", i, err)
		}
	}
	if r.beside != nil {
		if result.Beside, err = r.beside.end(); err != nil {
			return err
		}
	}
	encoded, err := json.Marshal(result)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("\n%s%s\n", wire.ResultMark, encoded)
	return err
}
