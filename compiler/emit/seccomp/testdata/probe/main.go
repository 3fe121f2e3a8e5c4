// SPDX-License-Identifier: Apache-2.0

// The probe makes system calls and prints their error numbers, one a line: 0 for
// success. Each argument is "number" or "number,argument,argument...".
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	for _, arg := range os.Args[1:] {
		var v [7]uintptr
		for i, field := range strings.Split(arg, ",") {
			n, err := strconv.ParseUint(field, 0, 64)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			v[i] = uintptr(n)
		}
		_, _, errno := syscall.Syscall6(v[0], v[1], v[2], v[3], v[4], v[5], v[6])
		fmt.Println(int(errno))
	}
}
