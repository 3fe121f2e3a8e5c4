// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command guest runs the demonstration in a kernel. It is two programs: the node, and as /usr/local/bin/node the program of
// the container, which does what it is told.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/internal/demo"
)

func main() {
	run := node
	if filepath.Base(os.Args[0]) == "node" {
		run = workload
	}
	if err := run(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// patience is how long anything may take.
const patience = 30 * time.Second

// silence is how long after a step further alerts may arrive.
const silence = 300 * time.Millisecond

// node puts the image in force, starts the container and has it take all steps.
func node() error {
	if err := os.Mkdir(demo.Cgroup, 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("avert-node", "load", demo.Image, "--cgroup", demo.Cgroup).CombinedOutput(); err != nil {
		return fmt.Errorf("avert-node load: %w\n%s", err, out)
	}
	alerts, stop, err := follow()
	if err != nil {
		return err
	}
	defer stop()
	container := exec.Command("runc", "run", "--bundle", demo.Bundle, "checkout")
	container.Stderr = os.Stdout
	in, err1 := container.StdinPipe()
	out, err2 := container.StdoutPipe()
	if err := errors.Join(err1, err2, container.Start()); err != nil {
		return err
	}
	to, from := json.NewEncoder(in), json.NewDecoder(out)
	outcomes := make([]demo.Outcome, len(demo.Steps))
	for i, step := range demo.Steps {
		if err := errors.Join(to.Encode(step.Order), from.Decode(&outcomes[i])); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		if outcomes[i].Alerts, err = collect(alerts, step.Alerts); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	if err := errors.Join(in.Close(), container.Wait()); err != nil {
		return err
	}
	data, err := json.Marshal(outcomes)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s%s\n", demo.Mark, data)
	return nil
}

// follow starts avert-node events, whose lines come through the channel.
func follow() (alerts <-chan json.RawMessage, stop func(), err error) {
	cmd := exec.Command("avert-node", "events")
	out, err1 := cmd.StdoutPipe()
	said, err2 := cmd.StderrPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return nil, nil, err
	}
	// It says when it reads.
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil {
		return nil, nil, fmt.Errorf("avert-node events: %w: %s", err, line)
	}
	lines := make(chan json.RawMessage)
	go func() {
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines <- json.RawMessage(append([]byte(nil), scanner.Bytes()...))
		}
	}()
	return lines, func() { _ = cmd.Process.Kill() }, nil
}

// collect takes as many alerts as there should be, and those that follow.
func collect(alerts <-chan json.RawMessage, expected int) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for {
		wait := silence
		if len(out) < expected {
			wait = patience
		}
		select {
		case alert := <-alerts:
			out = append(out, alert)
		case <-time.After(wait):
			if len(out) < expected {
				return nil, fmt.Errorf("%d alerts instead of %d", len(out), expected)
			}
			return out, nil
		}
	}
}

// workload takes the order in its arguments, or orders until there are no more.
func workload() error {
	if len(os.Args) > 1 {
		_, err := take(os.Args[1:])
		return err
	}
	orders, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var order []string
		if err := orders.Decode(&order); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		output, err := take(order)
		var errno unix.Errno
		if err != nil && !errors.As(err, &errno) {
			return err
		}
		if err := answers.Encode(demo.Outcome{Errno: int(errno), Output: output}); err != nil {
			return err
		}
	}
}

// take follows an order.
func take(order []string) (output string, err error) {
	switch order[0] {
	case "run":
		out, err := exec.Command(order[1], order[2:]...).CombinedOutput()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = nil // it ran, and says itself what went wrong
		}
		return string(out), err
	case "read", "write":
		flag := os.O_RDONLY
		if order[0] == "write" {
			flag = os.O_WRONLY
		}
		f, err := os.OpenFile(order[1], flag, 0)
		if err != nil {
			return "", err
		}
		return "", f.Close()
	}
	return "", fmt.Errorf("nobody knows how to %q", order)
}
