// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// beside is a command that runs beside the cases.
type beside struct {
	cmd   *exec.Cmd
	lines chan string // of its output, until it ends
	seen  []string
	next  int // of seen: the line after the one that was awaited last
}

// startBeside runs a command and returns when it says that it is ready.
func startBeside(argv []string, ready string) (*beside, error) {
	b := &beside{cmd: exec.Command(argv[0], argv[1:]...), lines: make(chan string)}
	output, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	b.cmd.Stderr = b.cmd.Stdout
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start what runs beside the cases: %w", err)
	}
	go func() {
		defer close(b.lines)
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			b.lines <- scanner.Text()
		}
	}()
	return b, b.await(ready)
}

// await reads lines until there is one with a text in it, after the one that was awaited before.
func (b *beside) await(text string) error {
	limit := time.After(patience)
	for {
		for b.next < len(b.seen) {
			b.next++
			if strings.Contains(b.seen[b.next-1], text) {
				return nil
			}
		}
		select {
		case line, ok := <-b.lines:
			if !ok {
				return fmt.Errorf("%s ended before it wrote %q:\n%s", b.cmd, text, strings.Join(b.seen, "\n"))
			}
			b.seen = append(b.seen, line)
		case <-limit:
			return fmt.Errorf("%s does not write %q:\n%s", b.cmd, text, strings.Join(b.seen, "\n"))
		}
	}
}

// end interrupts the command and returns all that it wrote.
func (b *beside) end() ([]string, error) {
	if err := b.cmd.Process.Signal(unix.SIGINT); err != nil {
		return nil, err
	}
	for line := range b.lines {
		b.seen = append(b.seen, line)
	}
	if err := b.cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%s: %w", b.cmd, err)
	}
	return b.seen, nil
}
