/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports come after the verdict and never change it. */
#ifndef AVERT_REPORT_H
#define AVERT_REPORT_H

#include "task.h"

#define SMALL 256 /* the longest path of a small event */

/* The first path stands at 0, the second at SMALL or PATH_SIZE. What lies beyond is
 * never written: it lets the verifier see that nothing else is. */
struct small_event { struct event event; u8 text[3 * SMALL]; };
struct large_event { struct event event; u8 text[3 * PATH_SIZE]; };

/* copy copies a path of at most size bytes, a power of two. */
#define COPY(to, size, length, from)                                                                                   \
	do {                                                                                                           \
		u32 n = length;                                                                                        \
		asm volatile("" : "+r"(n));                                                                            \
		bpf_probe_read_kernel(to, n & (2 * (size) - 1), from);                                                 \
	} while (0)

static __always_inline void describe(struct event *e, struct label *l, struct scratch *s, u32 kind, u32 access, u32 classes, u32 refused, u32 len0, u32 len1)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 id = bpf_get_current_pid_tgid(), user = bpf_get_current_uid_gid();
	e->time = bpf_ktime_get_boot_ns();
	e->policy = l->policy;
	e->cgroup = bpf_get_current_cgroup_id();
	e->state = l->state;
	e->generation = l->generation;
	e->pid = (u32)id;
	e->tgid = id >> 32;
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	e->uid = (u32)user;
	e->gid = user >> 32;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->kind = kind;
	e->operation = kind == KIND_SYSTEM ? access : 0;
	e->class[0] = classes;
	e->class[1] = classes >> 8;
	e->access = kind == KIND_SYSTEM ? 0 : access;
	e->blocks = s->blocks;
	e->audits = s->audits;
	e->carried = s->carried;
	e->refused = refused;
	e->length[0] = len0;
	e->length[1] = len1;
	e->lost = l->lost;
	e->pad = 0;
}

/* report sends what the scratch memory has noted. offsets are where the paths were in the
 * buffer, PATH_SIZE for none; the second has been kept since. classes are two enum
 * class, low byte first. */
__noinline int report(u32 kind_access, u32 classes, u32 refused, u32 offset0, u32 offset1)
{
	u32 kind = kind_access >> 16, access = kind_access & 0xffff;
	struct label *l = current_label();
	struct scratch *s = current_scratch();
	if (!l || !s)
		return 0;
	if (offset0 > PATH_SIZE || offset1 > PATH_SIZE)
		return 0;
	const u8 *second = offset1 < PATH_SIZE ? second_path() : s->path;
	if (!second)
		return 0;
	u32 len0 = PATH_SIZE - offset0, len1 = PATH_SIZE - offset1;
	if (len0 <= SMALL && len1 <= SMALL) {
		struct small_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
		if (!e) {
			count(COUNT_LOST);
			return 0;
		}
		describe(&e->event, l, s, kind, access, classes, refused, len0, len1);
		COPY(e->text, SMALL, len0, &s->path[offset0 & (PATH_SIZE - 1)]);
		COPY(&e->text[SMALL], SMALL, len1, second);
		bpf_ringbuf_submit(e, 0);
	} else {
		struct large_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
		if (!e) {
			count(COUNT_LOST);
			return 0;
		}
		describe(&e->event, l, s, kind, access, classes, refused, len0, len1);
		COPY(e->text, PATH_SIZE, len0, &s->path[offset0 & (PATH_SIZE - 1)]);
		COPY(&e->text[PATH_SIZE], PATH_SIZE, len1, second);
		bpf_ringbuf_submit(e, 0);
	}
	count(COUNT_REPORTED);
	return 0;
}

#endif
