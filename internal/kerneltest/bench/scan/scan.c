// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A list of rules that is looked at from its beginning for each open: what automata are compared with. It is the least
// that enforces prefixes of paths.
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define RULES 50
#define PREFIX 128
#define PATH_SIZE 4096
#define EPERM 1
#define FMODE_EXEC 0x20 /* an open by exec (include/linux/fs.h) */

struct path;
struct file { struct path { void *mnt, *dentry; } f_path; __u32 f_flags; } __attribute__((preserve_access_index));

struct rule { __u32 length; __u32 allow; char prefix[PREFIX]; };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULES);
	__type(key, __u32);
	__type(value, struct rule);
} rules SEC(".maps");
struct buffer { char path[PATH_SIZE + PREFIX]; };
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct buffer);
} buffers SEC(".maps");

/* The cgroup that is governed. */
const volatile __u64 governed = 0;

char _license[] SEC("license") = "Dual BSD/GPL";

static __always_inline bool applies(const struct rule *r, const char *path)
{
	_Pragma("clang loop unroll(disable)")
	for (__u32 i = 0; i < PREFIX; i++) {
		if (i >= r->length)
			return true;
		if (r->prefix[i] != path[i])
			return false;
	}
	return true;
}

__noinline int decide(__u32 n)
{
	__u32 zero = 0;
	const struct rule *r = bpf_map_lookup_elem(&rules, &n);
	struct buffer *b = bpf_map_lookup_elem(&buffers, &zero);
	if (!r || !b || !applies(r, b->path))
		return -1;
	return r->allow;
}

SEC("lsm/file_open")
int BPF_PROG(scan_open, struct file *file)
{
	__u32 zero = 0;
	if (bpf_get_current_cgroup_id() != governed || file->f_flags & FMODE_EXEC)
		return 0;
	struct buffer *b = bpf_map_lookup_elem(&buffers, &zero);
	if (!b)
		return -EPERM;
	if (bpf_d_path(&file->f_path, b->path, PATH_SIZE) < 0)
		return -EPERM;
	_Pragma("clang loop unroll(disable)")
	for (__u32 n = 0; n < RULES; n++) {
		int verdict = decide(n);
		if (verdict == 0)
			return -EPERM;
		if (verdict > 0)
			return 0;
	}
	return -EPERM;
}
