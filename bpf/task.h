/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Labels of tasks, and the tables that they lead to. */
#ifndef AVERT_TASK_H
#define AVERT_TASK_H

#include "maps.h"

/* label_of returns the label of a task, 0 for none. */
static __always_inline struct label *label_of(struct task_struct *task)
{
	if (has_task_storage) {
		struct governed *g = bpf_task_storage_get(&governed_task, task, 0, 0);
		return g ? &g->label : 0;
	}
	u64 key = (u64)task;
	return bpf_map_lookup_elem(&labels_hash, &key);
}

static __always_inline struct label *current_label(void)
{
	if (has_task_storage)
		return label_of(bpf_get_current_task_btf());
	return label_of((void *)bpf_get_current_task());
}

/* add_label gives a task a label; 0 on failure. A label that is not filled in yet is
 * that of no unit. */
static __always_inline struct label *add_label(struct task_struct *task, const struct label *with)
{
	if (has_task_storage) {
		struct governed *g = bpf_task_storage_get(&governed_task, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (!g)
			return 0;
		const u32 rest = sizeof(with->policy);
		__builtin_memcpy((u8 *)&g->label + rest, (const u8 *)with + rest, sizeof(*with) - rest);
		*(volatile u64 *)&g->label.policy = with->policy;
		return &g->label;
	}
	u64 key = (u64)task;
	if (bpf_map_update_elem(&labels_hash, &key, with, BPF_ANY))
		return 0;
	return bpf_map_lookup_elem(&labels_hash, &key);
}

/* current_scratch returns the memory of a governed task; 0 for others. */
static __always_inline struct scratch *current_scratch(void)
{
	if (has_task_storage) {
		struct governed *g = bpf_task_storage_get(&governed_task, bpf_get_current_task_btf(), 0, 0);
		if (!g)
			return 0;
		asm volatile("" : "+r"(g)); /* no arithmetic before the comparison */
		return &g->scratch;
	}
	u32 zero = 0;
	return bpf_map_lookup_elem(&scratch_cpu, &zero);
}

/* second_path returns the memory for the path that is kept; 0 on failure. */
static __always_inline u8 *second_path(void)
{
	struct kept *k;
	u32 zero = 0;
	if (has_task_storage)
		k = bpf_task_storage_get(&kept_task, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	else
		k = bpf_map_lookup_elem(&kept_cpu, &zero);
	return k ? k->path : 0;
}

/* handle_of returns where the table of a unit is; 0 when it is not loaded. */
static __always_inline u64 handle_of(u64 policy)
{
	u32 slot = (u32)policy & (MAX_POLICIES - 1);
	u64 *p = bpf_map_lookup_elem(&policies, &slot);
	if (!p)
		return 0;
	u64 handle = *p;
	return handle >> 32 == policy >> 32 ? handle : 0;
}

#define INDEX(handle) ((handle) & (2 * MAX_POLICIES - 1))

/* head returns the head of a table. */
static __always_inline const struct head *head(u32 handle)
{
	u32 zero = 0, index = INDEX(handle);
	void *inner = bpf_map_lookup_elem(&heads, &index);
	return inner ? bpf_map_lookup_elem(inner, &zero) : 0;
}

/* table returns a table and, in mask, the offsets of 4-byte words that lie in it. The
 * verifier looks at what follows once for each size. */
static __always_inline const u32 *table(u32 handle, u32 *mask)
{
	u32 zero = 0, index = INDEX(handle);
	void *inner;
	switch (handle >> 24 & 3) {
	case 0:
		inner = bpf_map_lookup_elem(&slots_64k, &index);
		*mask = (1 << 14) - 1;
		break;
	case 1:
		inner = bpf_map_lookup_elem(&slots_512k, &index);
		*mask = (1 << 17) - 1;
		break;
	default:
		inner = bpf_map_lookup_elem(&slots_4m, &index);
		*mask = (1 << 20) - 1;
	}
	return inner ? bpf_map_lookup_elem(inner, &zero) : 0;
}

/* governed_by returns the unit of a cgroup, 0 for none. */
static __always_inline u64 governed_by(u64 cgroup)
{
	u64 *policy = bpf_map_lookup_elem(&cgroups, &cgroup);
	return policy ? *policy : 0;
}

/* Levels of cgroups that are looked at, from below. A process cannot choose where its
 * container's first program starts. */
#define LEVELS 32

/* governing returns the unit of the nearest governed cgroup that a task is in. */
static __always_inline u64 governing(struct task_struct *task)
{
	struct cgroup *cg = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	NOUNROLL
	for (u32 level = 0; level < LEVELS; level++) {
		u64 policy;
		if (!cg)
			return 0;
		policy = governed_by(BPF_CORE_READ(cg, kn, id));
		if (policy)
			return policy;
		struct cgroup_subsys_state *parent = BPF_CORE_READ(cg, self.parent);
		cg = parent ? (void *)parent - bpf_core_field_offset(struct cgroup, self) : 0;
	}
	return 0;
}

/* governing_current is governing() for the current task (5.12: LSM programs have the
 * function). */
static __always_inline u64 governing_current(void)
{
	u64 nearest = 0;
	NOUNROLL
	for (u32 level = 1; level < LEVELS; level++) {
		u64 id = bpf_get_current_ancestor_cgroup_id(level);
		if (!id)
			break;
		u64 policy = governed_by(id);
		if (policy)
			nearest = policy;
	}
	return nearest;
}

/* in_container says whether a task has left the node's mount namespace. */
static __always_inline bool in_container(struct task_struct *task)
{
	return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) != host_mnt_ns;
}

static __always_inline void set_root(struct label *l, struct task_struct *task)
{
	l->root_mnt = (u64)BPF_CORE_READ(task, fs, root.mnt);
	l->root_dentry = (u64)BPF_CORE_READ(task, fs, root.dentry);
}

/* any returns 1 for every number but 0. It has no branch: in loops, branches are what
 * makes the verifier slow, since it looks at each way through. */
static __always_inline u64 any(u64 x)
{
	x |= -x;
	asm volatile("" : "+r"(x));
	return x >> 63;
}

/* conditions returns those that hold in a state, and 0 on failure. */
__noinline u64 conditions(u64 current, u64 parent, u64 seen, u32 handle)
{
	const struct head *h = head(handle);
	if (!h)
		return 0;
	u32 n = h->conditions;
	u64 sum = 0;
	NOUNROLL
	for (u32 i = 0; i < MAX_CONDITIONS; i++) {
		if (i >= n)
			break;
		const struct condition *c = &h->conds[i];
		sum |= (1 ^ any((c->exe & ~current) | (c->parent & ~parent) | (c->ancestor & ~seen))) << i;
	}
	return sum | ALWAYS;
}

/* set_state gives a label a lineage. */
static __always_inline void set_state(struct label *l, const struct state *state, u32 handle)
{
	u64 held = conditions(state->current, state->parent, state->seen, handle);
	if (!held)
		l->lost = 1;
	l->state = *state;
	l->held = held;
	l->may_hold = l->lost ? ~0ULL : held;
}

/* carry translates atoms of the revision that is behind this one by so many more. */
__noinline u64 carry(u64 atoms, u32 behind, u32 handle)
{
	const struct head *h = head(handle);
	if (!h || behind >= CARRIES)
		return 0;
	const u8 *row = h->carry[behind];
	u64 sum = 0;
	NOUNROLL
	for (u32 i = 0; i < MAX_ATOMS; i++) {
		u64 to = row[i]; /* MAX_ATOMS or more: nothing stands for it any more */
		u64 keep = (to - MAX_ATOMS) >> 63;
		sum |= (atoms >> i & keep) << (to & (MAX_ATOMS - 1));
	}
	return sum;
}

#endif
