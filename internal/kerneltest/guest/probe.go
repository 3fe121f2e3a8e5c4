// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// probe is a process that runs the probe. How they talk stands in probe.c.
type probe struct {
	pid      int
	to, from *os.File
}

// answer is the probe's `struct answer`.
type answer struct{ Stage, Errno int32 }

// Stages that are none.
const (
	hello  = -1
	killed = -2
)

// patience is how long any single operation may take.
const patience = 30 * time.Second

// startProbe runs a command that is a probe, or becomes one.
func startProbe(argv ...string) (*probe, error) {
	stdin, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	from, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{stdin.Fd(), stdout.Fd(), 2}})
	err = errors.Join(err, stdin.Close(), stdout.Close())
	if err != nil {
		return nil, fmt.Errorf("start the probe: %w", err)
	}
	p := &probe{pid: pid, to: to, from: from}
	if a, err := p.receive(); err != nil || a.Stage != hello {
		status, _ := p.end()
		return nil, fmt.Errorf("%v does not start the probe: %v, %v, status %#x", argv, a, err, status)
	}
	return p, nil
}

// ask has the probe carry out an operation. The error is io.EOF when it ended instead.
func (p *probe) ask(op, path, target string, n [3]int64, payload []byte) (answer, error) {
	body := op + "\x00" + path + "\x00" + target + "\x00" + string(payload)
	var b bytes.Buffer
	for _, v := range []any{uint32(len(body)), uint32(0), n} {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			return answer{}, err
		}
	}
	b.WriteString(body)
	if _, err := p.to.Write(b.Bytes()); err != nil {
		return answer{}, err
	}
	return p.receive()
}

func (p *probe) receive() (a answer, err error) {
	if err := p.from.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return a, err
	}
	var b [8]byte
	n, err := io.ReadFull(p.from, b[:])
	if n == 0 && err == io.EOF {
		return a, io.EOF
	}
	if err != nil {
		return a, fmt.Errorf("the probe does not answer: %w", err)
	}
	return answer{int32(binary.LittleEndian.Uint32(b[:4])), int32(binary.LittleEndian.Uint32(b[4:]))}, nil
}

// end lets the process end by itself, since its policy may keep signals from it.
func (p *probe) end() (unix.WaitStatus, error) {
	p.to.Close()
	p.from.Close()
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(p.pid, &status, 0, nil); err != unix.EINTR {
			return status, err
		}
	}
}
