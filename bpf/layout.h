/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of a table, as layout.go has it, which says what the fields mean. A
 * test compares both through BTF. */
#ifndef AVERT_LAYOUT_H
#define AVERT_LAYOUT_H

#define MAX_PARTS 4
#define MAX_LAYERS 4
#define MAX_CONDITIONS 63
#define ALWAYS (1ULL << 63)
#define MAX_ATOMS 64
#define ACCESSES 12
#define OPERATIONS 8
#define CARRIES 16
#define PATH_SIZE 4096
#define COMPONENTS 128
#define MAX_POLICIES 1024
#define SINK (1u << 23)
#define BELOW (1u << 23)
#define NEXT 0xffffff

/* Ways of using a file: the bits of masks, and the indices of struct cell_layer. */
enum access { READ, WRITE, CREATE, DELETE, RENAME, LINK, CHMOD, CHOWN, TIMES, XATTR, MAP, EXEC };

enum operation { OP_MOUNT, OP_USERNS, OP_BPF, OP_PTRACE, OP_MODULE, OP_IO_URING, OP_SIGNAL };
enum verdict { UNGOVERNED, ALLOW, AUDIT, BLOCK };
enum { CLOSED_PROCESS = 1, CLOSED_FILE = 2, CLOSED_MAP = 4 };

struct masks { u64 block, loud, audit, allow; };
struct layer {
	u8 process, file, system, closed;
	u32 system_covers;
	u32 relevant;
	u32 pad;
	struct masks operations[OPERATIONS];
};
struct condition { u64 exe, parent, ancestor; };
struct state { u64 current, parent, seen; };
struct head {
	u32 bytes, generation, carried, layers, parts;
	u32 starts[MAX_PARTS];
	u32 conditions, atoms, anonymous, nothing, relevant;
	u64 parents, ancestors;
	struct layer layer[MAX_LAYERS];
	struct condition conds[MAX_CONDITIONS + 1];
	u8 carry[CARRIES][MAX_ATOMS];
	u8 classes[256];
};
struct cell { u64 atoms; u32 below, loader; };
struct cell_layer { u64 loader_allow; struct masks access[ACCESSES]; };
struct below_layer { u64 class, block_process, block_file, allow_process, allow_file; };

/* What a report says of an operation. */
struct event {
	u64 time;	/* nanoseconds since boot */
	u64 policy;	/* instance and slot of the label */
	u64 cgroup;	/* id of the task's cgroup */
	struct state state;
	u32 generation;
	u32 pid, tgid, ppid, uid, gid;
	u8 comm[16];
	u8 kind;	/* enum kind */
	u8 operation;	/* of system */
	u8 class[2];	/* of the objects: enum class */
	u16 access;
	u8 blocks;	/* bit n: layer n blocks, or would, and reports it */
	u8 audits;	/* bit n: a rule of layer n audits */
	u8 carried;	/* bit n: layer n blocks because something would be carried out */
	u8 refused;	/* the operation was refused */
	u16 length[2];	/* of the paths, which follow */
	u8 lost;	/* the lineage is not known */
	u8 pad;
};
enum kind { KIND_FILE, KIND_EXEC, KIND_RENAME, KIND_LINK, KIND_SYSTEM };
enum class { NAMED, ANONYMOUS, UNRESOLVED, UNNAMED };

/* For the types to be in the object. */
struct layout {
	struct head head;
	struct cell cell;
	struct cell_layer cell_layer;
	struct below_layer below_layer;
	struct event event;
};
const struct layout *layout_types __attribute__((unused));

#endif
