// SPDX-License-Identifier: Apache-2.0

// Command cmd runs a command, or a shell, on one of the kernels of the tests: make vm KERNEL=6.12 CMD='uname -a'.
// It ends with the exit code of the command, or with 125 if the guest could not run it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/avert-dev/avert/internal/vm"
)

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		code = 125
	}
	os.Exit(code)
}

func run() (code int, err error) {
	config := vm.Config{}
	flag.StringVar(&config.Kernel, "kernel", vm.Kernels[len(vm.Kernels)-1], "one of "+strings.Join(vm.Kernels, ", "))
	flag.IntVar(&config.CPUs, "cpus", 1, "processors")
	flag.IntVar(&config.MemoryMB, "memory", 0, "memory in MiB; 0: what is needed")
	flag.BoolVar(&config.ICount, "icount", false, "count instructions instead of time")
	flag.DurationVar(&config.Timeout, "timeout", 0, "how long the guest may run; 0: three minutes for a command, no limit for a shell")
	flag.StringVar(&config.Append, "append", "", "further parameters of the kernel")
	lsm := flag.String("lsm", "apparmor", "apparmor, selinux or none")
	flag.Func("file", "a file or folder of the host to put into the guest, as HOST:GUEST; a program comes with its libraries; repeatable", func(value string) error {
		host, guest, ok := strings.Cut(value, ":")
		if !ok {
			return fmt.Errorf("%q is not HOST:GUEST", value)
		}
		info, err := os.Stat(host)
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			files, err := vm.Program(host)
			if err != nil {
				return err
			}
			config.Files = append(config.Files, files[1:]...)
		}
		config.Files = append(config.Files, vm.File{Host: host, Guest: guest})
		return nil
	})
	flag.Parse()
	switch *lsm {
	case "apparmor":
		config.LSM = vm.AppArmor
	case "selinux":
		config.LSM = vm.SELinux
	case "none":
	default:
		return 0, fmt.Errorf("there is no LSM %q; there are apparmor, selinux and none", *lsm)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if flag.NArg() == 0 {
		return 0, vm.Shell(ctx, config)
	}
	r, err := vm.Run(ctx, config, flag.Args()...)
	if err != nil {
		return 0, err
	}
	os.Stdout.Write(r.Output)
	return r.Code, nil
}
