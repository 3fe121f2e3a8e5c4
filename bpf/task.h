/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Labels of tasks, and the tables that they lead to. */
#ifndef AVERT_TASK_H
#define AVERT_TASK_H

#include "maps.h"

static __always_inline struct label *current_label(void)
{
	if (has_task_storage)
		return bpf_task_storage_get(&labels_task, bpf_get_current_task_btf(), 0, 0);
	u64 task = bpf_get_current_task();
	return bpf_map_lookup_elem(&labels_hash, &task);
}

static __always_inline struct label *add_label(struct task_struct *task, struct label *with)
{
	if (has_task_storage)
		return bpf_task_storage_get(&labels_task, task, with, BPF_LOCAL_STORAGE_GET_F_CREATE);
	u64 key = (u64)task;
	if (bpf_map_update_elem(&labels_hash, &key, with, BPF_NOEXIST))
		return 0;
	return bpf_map_lookup_elem(&labels_hash, &key);
}

static __always_inline struct scratch *current_scratch(void)
{
	if (has_task_storage)
		return bpf_task_storage_get(&scratch_task, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	u32 zero = 0;
	return bpf_map_lookup_elem(&scratch_cpu, &zero);
}

/* path_of returns the buffer of the path at a place; 0 on failure. */
static __always_inline u8 *path_of(struct scratch *s, u32 which)
{
	if (!(which & 1))
		return s->first.path;
	struct buffer *b;
	u32 zero = 0;
	if (has_task_storage)
		b = bpf_task_storage_get(&second_task, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	else
		b = bpf_map_lookup_elem(&second_cpu, &zero);
	return b ? b->path : 0;
}

/* What a unit is: its table's size class and index; 0 when it is not loaded. */
static __always_inline u32 handle_of(u64 policy)
{
	u32 slot = (u32)policy & (MAX_POLICIES - 1);
	u64 *p = bpf_map_lookup_elem(&policies, &slot);
	if (!p)
		return 0;
	u64 v = *p;
	if (v >> 32 != policy >> 32)
		return 0;
	return (u32)v | 1u << 31; /* the class has but two bits */
}

/* table returns a table and, in mask, the offsets of 4-byte words that lie in it. */
static __always_inline const u32 *table(u32 handle, u32 *mask)
{
	u32 zero = 0, index = handle & 0xffffff;
	void *inner;
	switch (handle >> 24 & 3) {
	case 0:
		inner = bpf_map_lookup_elem(&slots_64k, &index);
		if (!inner)
			return 0;
		*mask = (1 << 14) - 1;
		return bpf_map_lookup_elem(inner, &zero);
	case 1:
		inner = bpf_map_lookup_elem(&slots_256k, &index);
		if (!inner)
			return 0;
		*mask = (1 << 16) - 1;
		return bpf_map_lookup_elem(inner, &zero);
	case 2:
		inner = bpf_map_lookup_elem(&slots_1m, &index);
		if (!inner)
			return 0;
		*mask = (1 << 18) - 1;
		return bpf_map_lookup_elem(inner, &zero);
	default:
		inner = bpf_map_lookup_elem(&slots_4m, &index);
		if (!inner)
			return 0;
		*mask = (1 << 20) - 1;
		return bpf_map_lookup_elem(inner, &zero);
	}
}

/* The head alone is in every table. */
static __always_inline const struct head *head(u32 handle)
{
	u32 mask;
	return (const struct head *)table(handle, &mask);
}

/* governing returns the unit of the nearest governed cgroup that a task is in. */
static __always_inline u64 governing(struct task_struct *task)
{
	struct cgroup *cg = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	NOUNROLL
	for (int level = 0; level < 16; level++) {
		if (!cg)
			return 0;
		u64 id = BPF_CORE_READ(cg, kn, id);
		u64 *policy = bpf_map_lookup_elem(&cgroups, &id);
		if (policy)
			return *policy;
		struct cgroup_subsys_state *parent = BPF_CORE_READ(cg, self.parent);
		cg = parent ? (void *)parent - bpf_core_field_offset(struct cgroup, self) : 0;
	}
	return 0;
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

/* condition adds one to the sum if it holds in a state. */
__noinline int condition(u32 i, u64 current, u64 parent, u64 seen, u32 handle)
{
	const struct head *h = head(handle);
	struct scratch *s = current_scratch();
	if (!h || !s || i >= MAX_CONDITIONS || i >= h->conditions)
		return -1;
	const struct condition *c = &h->conds[i];
	if (!((c->exe & ~current) | (c->parent & ~parent) | (c->ancestor & ~seen)))
		s->sum |= 1ULL << i;
	return 0;
}

/* conditions returns those that hold in a state. */
__noinline u64 conditions(u64 current, u64 parent, u64 seen, u32 handle)
{
	struct scratch *s = current_scratch();
	if (!s)
		return ALWAYS;
	s->sum = ALWAYS;
	NOUNROLL
	for (u32 i = 0; i < MAX_CONDITIONS; i++) {
		if (condition(i, current, parent, seen, handle))
			break;
	}
	return s->sum;
}

/* carry translates atoms of the revision that is behind this one by so many more. */
__noinline u64 carry(u64 atoms, u32 behind, u32 handle)
{
	u32 mask;
	const u32 *t = table(handle, &mask);
	const struct head *h = (const struct head *)t;
	struct scratch *s = current_scratch();
	if (!h || !s || behind >= h->carried || behind >= CARRIES)
		return 0;
	const u8 *row = h->carry[behind];
	s->sum = 0;
	NOUNROLL
	for (u32 i = 0; i < MAX_ATOMS; i++) {
		u32 to = row[i];
		if (to < MAX_ATOMS)
			s->sum |= (atoms >> i & 1) << to;
	}
	return s->sum;
}

#endif
