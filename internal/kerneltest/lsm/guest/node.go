// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"fmt"
	"os/exec"
	"strconv"
)

// loader is the program that loads policies on the node.
const loader = "/tools/avert-node"

// load loads an image of the trial, if it has one, for the container's cgroup.
func (w *world) load(i int) error {
	if len(w.trial.Images) == 0 {
		return nil
	}
	cmd := exec.Command(loader, "load", w.trial.Images[i%len(w.trial.Images)], "--cgroup", w.cgroup)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return nil
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
