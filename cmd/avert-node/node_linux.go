// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/runtime/node"
)

// nodeCommands are those that change or show what is in force.
func (a *app) nodeCommands() []*cobra.Command {
	return []*cobra.Command{a.loadCommand(), a.unloadCommand(), a.listCommand(), a.statusCommand()}
}

func bpffsFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("bpffs", "/sys/fs/bpf", "where the BPF file system is mounted")
}

func (a *app) loadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "load IMAGE --cgroup DIR",
		Short: "Put an image in force for a cgroup",
		Long: `load verifies an image (*.img in nodes/lsm of what avert compile writes) and
puts it in force for the containers in a cgroup and below it: for processes
that have left the node's mount namespace.

An image of a unit that is loaded replaces it at once and as a whole. Loading
the same twice changes nothing. What is loaded stays in force when avert-node
ends, until unload or the next boot.

Nothing of Kubernetes is asked: whoever starts a container names its cgroup.`,
		Example: `  avert-node load nodes/lsm/shop-checkout.img --cgroup /sys/fs/cgroup/checkout`,
		Args:    cobra.ExactArgs(1),
	}
	bpffs := bpffsFlag(cmd)
	cgroup := cmd.Flags().String("cgroup", "", "folder of the cgroup (version 2) to govern")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if *cgroup == "" {
			return fmt.Errorf("--cgroup is missing: name the folder of a cgroup, below /sys/fs/cgroup")
		}
		raw, err := readImage(args[0])
		if err != nil {
			return err
		}
		change, err := node.New(*bpffs).Load(raw, *cgroup)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		fmt.Fprintf(a.stderr, "avert-node: %s: %s\n", args[0], [...]string{
			node.Unchanged: "is in force already", node.Governs: "is in force, and now governs this cgroup too",
			node.Replaced: "is in force, instead of an earlier revision", node.Loaded: "is in force",
		}[change])
		return nil
	}
	return cmd
}

func (a *app) unloadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unload UNIT",
		Short: "Take a unit out of force",
		Long: `unload takes an effective policy out of force for all cgroups that it governs.
avert-node list shows the units. After the last one nothing is attached to the
kernel.`,
		Args: cobra.ExactArgs(1),
	}
	bpffs := bpffsFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error { return node.New(*bpffs).Unload(args[0]) }
	return cmd
}

func (a *app) listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the units that are in force",
		Args:  cobra.NoArgs,
	}
	bpffs := bpffsFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		units, err := node.New(*bpffs).List()
		if err != nil {
			return err
		}
		paths := node.CgroupPaths("/sys/fs/cgroup")
		for _, u := range units {
			fmt.Fprintf(a.stdout, "%s\n  policies    %s\n  revision    %s\n  image       sha256:%s\n  generation  %d\n  layout      %d\n",
				u.Name, strings.Join(u.Policies, ", "), u.Revision, u.Image, u.Generation, u.Layout)
			if len(u.Cgroups) == 0 {
				fmt.Fprintln(a.stdout, "  cgroup      none")
			}
			for _, id := range u.Cgroups {
				path, ok := paths[id]
				if !ok {
					path = "not in /sys/fs/cgroup"
				}
				fmt.Fprintf(a.stdout, "  cgroup      %d (%s)\n", id, filepath.ToSlash(path))
			}
		}
		return nil
	}
	return cmd
}

func (a *app) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say what this node can enforce, and what is attached",
		Long: `status prints what the node lacks to enforce images, each with how to mend it;
the kernel's features; the programs that are attached; hooks that the kernel
does not have, with what policies can say that is not enforced without them;
and counters.

Exit codes: 0 all can be enforced, 1 something cannot, 2 it could not be found out.`,
		Args: cobra.NoArgs,
	}
	bpffs := bpffsFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		s, err := node.New(*bpffs).Status()
		if err != nil {
			return err
		}
		a.findings = a.findings || printStatus(a.stdout, s)
		return nil
	}
	return cmd
}

// printStatus says whether something cannot be enforced.
func printStatus(w io.Writer, s *node.Status) (lacking bool) {
	for _, f := range s.Findings {
		fmt.Fprintf(w, "lacks     %s; %s\n", f.Problem, f.Mend)
		lacking = true
	}
	if len(s.Findings) == 0 {
		labels := "in the tasks"
		if !s.TaskStorage {
			labels = "in a table by task (no task storage before Linux 5.12)"
		}
		fmt.Fprintf(w, "labels    %s\n", labels)
	}
	for _, h := range s.Missing {
		if len(h.Intents) == 0 {
			fmt.Fprintf(w, "no hook   %s: another one does its work on this kernel\n", h.Name)
			continue
		}
		fmt.Fprintf(w, "no hook   %s: not enforced: %s\n", h.Name, strings.Join(h.Intents, ", "))
		lacking = true
	}
	if len(s.Layouts) == 0 {
		fmt.Fprintln(w, "loaded    nothing")
	}
	for _, l := range s.Layouts {
		fmt.Fprintf(w, "layout    %d\n  units     %d\n  attached  %s\n", l.Layout, l.Units, strings.Join(l.Attached, " "))
		for _, name := range l.Lacking {
			fmt.Fprintf(w, "  not attached: %s; load an image anew\n", name)
			lacking = true
		}
		for _, c := range l.Counters {
			fmt.Fprintf(w, "  %-9s %d\n", c.Name, c.Value)
		}
	}
	return lacking
}
