/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An operation from its beginning to its verdict. */
#ifndef AVERT_OPERATION_H
#define AVERT_OPERATION_H

#include "walk.h"
#include "judge.h"
#include "report.h"

/* class_of returns the enum class of what a walk has found. */
static __always_inline u32 class_of(int at)
{
	if (at >= 0)
		return NAMED;
	if (at == WALK_ANONYMOUS)
		return ANONYMOUS;
	return at == WALK_UNNAMED ? UNNAMED : UNRESOLVED;
}

/* refresh brings the label of the current task up to the table's revision: what is
 * known of the lineage is translated, and the current image is looked at again. In
 * committing an exec, that image is the one that was pending. */
__noinline int refresh(u32 handle, u32 committing)
{
	struct label *l = current_label();
	struct scratch *s = current_scratch();
	const struct head *h = head(handle);
	if (!l || !s || !h)
		return -1;
	u32 behind = h->generation - l->generation - 1;
	/* A label of no revision has only begun. */
	if (l->generation && behind >= h->carried)
		l->lost = 1;
	/* The image may have been renamed or deleted since: its path says only what the
	 * earlier revision did not ask. */
	u64 asked = carry(~0ULL, behind, handle), found = 0;
	if (l->started || committing) {
		struct task_struct *task = (void *)bpf_get_current_task();
		struct file *exe = BPF_CORE_READ(task, mm, exe_file);
		s->root_mnt = l->root_mnt;
		s->root_dentry = l->root_dentry;
		s->dentry[0] = (u64)BPF_CORE_READ(exe, f_path.dentry);
		s->mnt[0] = (u64)BPF_CORE_READ(exe, f_path.mnt);
		int at = resolve_existing(0);
		if (at >= 0 && look(0, at, 0, handle) == 0)
			found = s->atoms & ~asked;
	}
	struct state state = {
		.current = carry(l->state.current, behind, handle),
		.parent = carry(l->state.parent, behind, handle) & h->parents,
		.seen = carry(l->state.seen, behind, handle) & h->ancestors,
	};
	u64 pending = carry(l->pending, behind, handle);
	if (committing)
		pending |= found;
	else
		state.current |= found;
	l->pending = pending;
	set_state(l, &state, handle);
	l->generation = h->generation;
	l->relevant = h->relevant;
	return 0;
}

/* What an operation needs. */
struct op {
	struct label *label;
	struct scratch *s;
	u32 handle;
};

enum begun { PASS, GO, FAIL };

/* begin says whether the current task is governed, and fills in op. */
static __always_inline enum begun begin(struct op *op, bool unstarted, bool committing)
{
	struct label *l;
	struct scratch *s;
	if (has_task_storage) {
		struct governed *g = bpf_task_storage_get(&governed_task, bpf_get_current_task_btf(), 0, 0);
		if (likely(!g))
			return PASS;
		asm volatile("" : "+r"(g));
		l = &g->label;
		s = &g->scratch;
	} else {
		l = current_label();
		if (likely(!l))
			return PASS;
		s = current_scratch();
	}
	if (!l->started && !unstarted)
		return PASS;
	u64 handle = handle_of(l->policy);
	if (unlikely(!handle))
		return PASS; /* the unit was unloaded */
	if (unlikely(handle != l->handle)) {
		if (!s || refresh(handle, committing))
			return FAIL;
		l->handle = handle;
	}
	if (!s)
		return FAIL;
	op->label = l;
	op->s = s;
	op->handle = handle;
	s->root_mnt = l->root_mnt;
	s->root_dentry = l->root_dentry;
	s->held = l->held;
	s->may_hold = l->may_hold;
	s->blocked = s->blocks = s->audits = s->carried = s->last_image = 0;
	return GO;
}

/* conclude reports if there is anything to report, and returns the verdict. */
static __always_inline bool conclude(struct scratch *s, u32 kind, u32 access, u32 classes, u32 offset0, u32 offset1)
{
	bool refused = s->blocked & 1;
	s->audits &= ~s->blocked;
	if (refused)
		count(COUNT_BLOCKED);
	if (s->blocks | s->audits)
		report(kind << 16 | access, classes, refused, offset0, offset1);
	return refused;
}

/* refuse is the verdict when something fails. */
static __always_inline int refuse(void)
{
	count(COUNT_BLOCKED);
	count(COUNT_FAILED);
	return 1;
}

/* decide judges one object whose path is at an offset of the buffer. */
static __always_inline int decide(struct scratch *s, u32 handle, int at, u32 asked, u32 kind)
{
	if (look(0, at, asked, handle))
		return refuse();
	return conclude(s, kind, MASK(asked), class_of(at), at >= 0 ? at : PATH_SIZE, PATH_SIZE);
}

/* on_object judges an object that is in the scratch memory's first place. */
__noinline int on_object(u32 handle, u32 asked, u32 existing)
{
	struct scratch *s = current_scratch();
	if (!s)
		return refuse();
	return decide(s, handle, existing ? resolve_existing(0) : resolve(0), asked, KIND_FILE);
}

/* closed_layers returns the layers that block anything, or all on failure. */
__noinline u32 closed_layers(u32 handle)
{
	const struct head *h = head(handle);
	if (!h)
		return 15;
	return !!h->layer[0].closed | !!h->layer[1].closed << 1 | !!h->layer[2].closed << 2 | !!h->layer[3].closed << 3;
}

/* keep copies the path at an offset to the memory of the second path. */
__noinline int keep(int at)
{
	struct scratch *s = current_scratch();
	u8 *second = second_path();
	if (!s || !second)
		return -1;
	if (at < 0)
		return 0;
	u32 length = PATH_SIZE - at;
	asm volatile("" : "+r"(length));
	if (length > PATH_SIZE)
		return -1;
	return bpf_probe_read_kernel(second, length, &s->path[at & (PATH_SIZE - 1)]);
}

enum moving { DIRECTORY = 1, EXISTS = 2, EXCHANGE = 4, TARGET_DIRECTORY = 8 };

/* on_move judges a rename or link of the first place to the second. */
__noinline int on_move(u32 handle, u32 kind, u32 flags)
{
	struct scratch *s = current_scratch();
	if (!s)
		return refuse();
	u32 access = kind == KIND_LINK ? LINK : RENAME;
	u32 asked0 = flags & EXCHANGE ? BOTH(access, CREATE) : ONE(access);
	u32 asked1 = flags & EXCHANGE ? BOTH(access, CREATE) : flags & EXISTS ? BOTH(CREATE, DELETE) : ONE(CREATE);
	int to = resolve(1);
	if (look(1, to, asked1, handle) || keep(to))
		return refuse();
	int from = resolve_existing(0);
	if (look(0, from, asked0, handle))
		return refuse();
	u32 class0 = class_of(from), class1 = class_of(to);
	if (class0 == UNRESOLVED || class1 == UNRESOLVED) {
		/* What a path that cannot be known hides may be anything. */
		u8 out = closed_layers(handle);
		s->blocks |= out;
		s->blocked |= out;
	} else if (class0 == NAMED && class1 == NAMED) {
		u8 out = carried(0, flags & DIRECTORY, handle);
		if (flags & EXCHANGE)
			out |= carried(1, flags & TARGET_DIRECTORY, handle);
		s->carried = out & ~s->blocks;
		s->blocks |= out;
		s->blocked |= out;
	}
	return conclude(s, kind, 1 << access, class0 | class1 << 8, from >= 0 ? from : PATH_SIZE, to >= 0 ? to : PATH_SIZE);
}

/* on_system judges an operation of system. */
__noinline int on_system(u32 operation)
{
	struct op op;
	switch (begin(&op, false, false)) {
	case PASS:
		return 0;
	case FAIL:
		return refuse();
	default:
		break;
	}
	const struct head *h = head(op.handle);
	if (!h)
		return refuse();
	operation &= OPERATIONS - 1;
	u32 layers = h->layers;
	NOUNROLL
	for (u32 l = 0; l < MAX_LAYERS; l++) {
		if (l >= layers)
			break;
		const struct layer *layer = &h->layer[l];
		u64 covered = layer->system_covers >> operation & 1;
		const struct masks *m = &layer->operations[operation];
		struct says r = {.block = any(m->block & op.s->may_hold), .audit = any(m->audit & op.s->held), .allow = any(m->allow & op.s->held)};
		r.loud = r.block & any(m->loud & op.s->may_hold);
		weigh(op.s, l, r, layer->system & (0 - covered), 1);
	}
	return conclude(op.s, KIND_SYSTEM, operation, UNNAMED, PATH_SIZE, PATH_SIZE);
}

#endif
