/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps, and what the loader found about the kernel. */
#ifndef AVERT_MAPS_H
#define AVERT_MAPS_H

#include "kernel.h"
#include "layout.h"

/* Task storage can be used by LSM programs and iterators (5.12), and holds the label
 * and the memory of operations; otherwise labels are in a hash by task, and programs run
 * with preemption off, so that memory for each CPU does. */
const volatile bool has_task_storage = true;
/* The arguments of hooks that moved between kernels. */
const volatile u32 setattr_dentry = 0, setxattr_dentry = 0, removexattr_dentry = 0;
const volatile bool rename_has_flags = false;
/* Programs can have path_chown, which gets structures by value (6.1). */
const volatile bool has_path_chown = true;
/* The mount namespace of the node, whose processes are in no container. */
const volatile u32 host_mnt_ns = 0;

/* A label makes a task governed. */
struct label {
	u64 policy;	/* instance << 32 | slot */
	u32 generation;	/* of the revision that state and held are about */
	u32 started;	/* 0 until the first exec has succeeded */
	struct state state;
	u64 held;	/* the conditions that state meets, and ALWAYS */
	u64 may_hold;	/* held, and those that an unknown lineage may meet */
	u64 pending;	/* the atoms of the image that an exec in progress would run */
	u64 root_mnt, root_dentry; /* the container's root, to compare with */
	u64 executing;	/* pending is about an exec that may succeed */
	u64 want_mnt;	/* the mount that the task was last allowed to change */
	u64 handle;	/* of the revision, to compare with */
	u32 relevant;	/* the accesses that some layer may say anything about */
	u32 lost;	/* the lineage is not known: more revisions passed than are translated */
};

/* The components that climb() goes up before climb_on() does. */
#define DIRECT 32
/* The steps of climb_on(): components, and mounts that are passed. */
#define STEPS (COMPONENTS + 32)

/* Memory of one operation. A path ends at PATH_SIZE. */
struct scratch {
	u8 path[PATH_SIZE + 256];
	u64 dentry[2], mnt[2]; /* what resolve() is about */
	u64 root_mnt, root_dentry;
	/* Of a walk: by climb(), and beyond. */
	u32 offset, count, on_count, named;
	u64 on_dentry, on_mnt, on_first_dentry, on_first_mnt;
	u32 sequence[DIRECT], on_sequence[STEPS];
	u32 cells[2][MAX_PARTS];  /* references */
	u32 states[2][MAX_PARTS]; /* after the path */
	u64 held, may_hold, atoms, sum;
	u32 below[2][MAX_PARTS];  /* references to what is below a directory */
	u32 uses[2];		  /* accesses that are blocked */
	/* Bits of layers, as in struct event; blocked also where nothing is reported. */
	u8 blocked, blocks, audits, carried, escaped, last_image;
};

/* A second path, from its first byte. Task storage may have no more than 8 KiB at
 * once (6.19). */
struct kept { u8 path[PATH_SIZE]; };

struct governed { struct label label; struct scratch scratch; };

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct governed);
} governed_task SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, u64);
	__type(value, struct label);
} labels_hash SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scratch);
} scratch_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct kept);
} kept_task SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kept);
} kept_cpu SEC(".maps");

/* Of each unit: instance << 32 | size class << 24 | the lowest bits of the generation << 11
 * | index of its table. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_POLICIES);
	__type(key, u32);
	__type(value, u64);
} policies SEC(".maps");
/* Id of a governed cgroup -> instance << 32 | slot. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4 * MAX_POLICIES);
	__type(key, u64);
	__type(value, u64);
} cgroups SEC(".maps");

/* By index: the heads of tables, and whole tables by size. */
#define TABLES(name, bytes)                                                                                            \
	struct name##_table {                                                                                          \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                                      \
		__uint(max_entries, 1);                                                                                \
		__uint(key_size, 4);                                                                                   \
		__uint(value_size, bytes);                                                                             \
	};                                                                                                             \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                                              \
		__uint(max_entries, 2 * MAX_POLICIES);                                                                 \
		__type(key, u32);                                                                                      \
		__array(values, struct name##_table);                                                                  \
	} name SEC(".maps")
TABLES(heads, sizeof(struct head));
TABLES(slots_64k, 1 << 16);
TABLES(slots_512k, 1 << 19);
TABLES(slots_4m, 1 << 22);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} events SEC(".maps");

enum counter { COUNT_REPORTED, COUNT_LOST, COUNT_BLOCKED, COUNT_FAILED, COUNTERS };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

static __always_inline void count(u32 counter)
{
	u64 *n = bpf_map_lookup_elem(&counters, &counter);
	if (n)
		__sync_fetch_and_add(n, 1);
}

#endif
