// SPDX-License-Identifier: Apache-2.0

package main

// x32Bit marks an x32 call in the number register; __X32_SYSCALL_BIT in the
// kernel's arch/x86/include/uapi/asm/unistd.h.
const x32Bit = 0x40000000

// x32 derives the x32 numbers from amd64's: the same with x32Bit set, but for the calls
// that the kernel's table (arch/x86/entry/syscalls/syscall_64.tbl) marks "64",
// some of which have a number of their own from 512 on. That range is closed,
// so a future call is either common or absent.
func x32(amd64 map[string]int) map[string]int {
	numbers := map[string]int{}
	for name, number := range amd64 {
		numbers[name] = x32Bit | number
	}
	for _, name := range x32Absent {
		delete(numbers, name)
	}
	for i, name := range x32Own {
		numbers[name] = x32Bit | (512 + i)
	}
	return numbers
}

var x32Absent = []string{
	"_sysctl",
	"create_module",
	"epoll_ctl_old",
	"epoll_wait_old",
	"get_kernel_syms",
	"get_thread_area",
	"map_shadow_stack",
	"nfsservctl",
	"query_module",
	"set_thread_area",
	"uselib",
	"vserver",
}

// x32Own are the calls with an x32 entry point of their own, by number from 512.
var x32Own = []string{
	"rt_sigaction",
	"rt_sigreturn",
	"ioctl",
	"readv",
	"writev",
	"recvfrom",
	"sendmsg",
	"recvmsg",
	"execve",
	"ptrace",
	"rt_sigpending",
	"rt_sigtimedwait",
	"rt_sigqueueinfo",
	"sigaltstack",
	"timer_create",
	"mq_notify",
	"kexec_load",
	"waitid",
	"set_robust_list",
	"get_robust_list",
	"vmsplice",
	"move_pages",
	"preadv",
	"pwritev",
	"rt_tgsigqueueinfo",
	"recvmmsg",
	"sendmmsg",
	"process_vm_readv",
	"process_vm_writev",
	"setsockopt",
	"getsockopt",
	"io_setup",
	"io_submit",
	"execveat",
	"preadv2",
	"pwritev2",
}
