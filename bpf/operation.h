/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An operation from its beginning to its verdict. */
#ifndef AVERT_OPERATION_H
#define AVERT_OPERATION_H

#include "walk.h"
#include "judge.h"
#include "report.h"

static __always_inline u32 class_of(int at)
{
	if (at >= 0)
		return NAMED;
	if (at == WALK_ANONYMOUS)
		return ANONYMOUS;
	return at == WALK_UNNAMED ? UNNAMED : UNRESOLVED;
}

/* refresh brings the label of the current task up to the table's revision: what
 * is known of the lineage is translated, and the current image is looked at again. */
__noinline int refresh(u32 handle)
{
	u32 mask;
	struct label *l = current_label();
	struct scratch *s = current_scratch();
	const u32 *t = table(handle, &mask);
	if (!l || !s || !t)
		return -1;
	const struct head *h = (const struct head *)t;
	u32 behind = h->generation - l->generation - 1;
	l->state.parent = carry(l->state.parent, behind, handle) & h->parents;
	l->state.seen = carry(l->state.seen, behind, handle) & h->ancestors;
	/* The image may have been renamed or deleted since: its path says only what the
	 * earlier revision did not ask. */
	u64 asked = carry(~0ULL, behind, handle);
	l->state.current = carry(l->state.current, behind, handle);
	if (l->started) {
		struct task_struct *task = (void *)bpf_get_current_task();
		struct file *exe = BPF_CORE_READ(task, mm, exe_file);
		s->root_mnt = l->root_mnt;
		s->root_dentry = l->root_dentry;
		s->dentry[0] = (u64)BPF_CORE_READ(exe, f_path.dentry);
		s->mnt[0] = (u64)BPF_CORE_READ(exe, f_path.mnt);
		int at = resolve_existing(0);
		if (at >= 0 && match(0, at, handle) == 0)
			l->state.current |= s->atoms & ~asked;
	}
	l->held = conditions(l->state.current, l->state.parent, l->state.seen, handle);
	l->pending = carry(l->pending, behind, handle);
	l->generation = h->generation;
	return 0;
}

/* What an operation needs. */
struct op {
	struct label *label;
	struct scratch *s;
	u32 handle;
	u32 relevant; /* the accesses that some layer may say anything about */
};

enum begun { PASS, GO, FAIL };

/* begin says whether the current task is governed, and fills in op. */
static __always_inline enum begun begin(struct op *op, bool unstarted)
{
	struct label *l = current_label();
	if (likely(!l))
		return PASS;
	if (!l->started && !unstarted)
		return PASS;
	u32 handle = handle_of(l->policy);
	if (!handle)
		return PASS; /* the unit was unloaded */
	const struct head *h = head(handle);
	struct scratch *s = current_scratch();
	if (!h || !s)
		return FAIL;
	if (unlikely(h->generation != l->generation) && refresh(handle))
		return FAIL;
	op->label = l;
	op->s = s;
	op->handle = handle;
	op->relevant = h->layer[0].relevant | h->layer[1].relevant | h->layer[2].relevant | h->layer[3].relevant;
	s->root_mnt = l->root_mnt;
	s->root_dentry = l->root_dentry;
	s->state = l->state;
	s->held = l->held;
	s->policy = l->policy;
	s->generation = l->generation;
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

/* decide judges one object whose path is at an offset of the first buffer. */
__noinline int decide(u32 handle, int at, u32 access, u32 kind)
{
	struct scratch *s = current_scratch();
	if (!s)
		return 1;
	u32 class = class_of(at);
	if (class == NAMED && match(0, at, handle))
		return 1;
	if (judge(0, class, access, handle))
		return 1;
	return conclude(s, kind, access, class, class == NAMED ? at : PATH_SIZE, PATH_SIZE);
}

/* on_object judges an object that is in the scratch memory's first place. */
__noinline int on_object(u32 handle, u32 access, u32 existing)
{
	return decide(handle, existing ? resolve_existing(0) : resolve(0), access, KIND_FILE);
}

/* closed_layers returns the layers that block anything, or all on failure. */
__noinline u32 closed_layers(u32 handle)
{
	const struct head *h = head(handle);
	if (!h)
		return 15;
	return !!h->layer[0].closed | !!h->layer[1].closed << 1 | !!h->layer[2].closed << 2 | !!h->layer[3].closed << 3;
}

/* on_move judges a rename or link of the first place to the second. */
__noinline int on_move(u32 handle, u32 kind, u32 flags)
{
	struct scratch *s = current_scratch();
	if (!s)
		return 1;
	u32 directory = flags & 1, exists = flags & 2, exchange = flags & 4, target_directory = flags & 8;
	u32 access = kind == KIND_LINK ? LINK : RENAME;
	int from = resolve_existing(0), to = resolve(1);
	u32 class0 = class_of(from), class1 = class_of(to);
	if (class0 == NAMED && match(0, from, handle))
		return 1;
	if (class1 == NAMED && match(1, to, handle))
		return 1;
	if (judge(0, class0, exchange ? access | CREATE : access, handle) ||
	    judge(1, class1, exchange ? access | CREATE : exists ? CREATE | DELETE : CREATE, handle))
		return 1;
	if (class0 == UNRESOLVED || class1 == UNRESOLVED) {
		/* What a path that cannot be known hides may be anything. */
		u8 out = closed_layers(handle);
		s->blocks |= out;
		s->blocked |= out;
	} else if (class0 == NAMED && class1 == NAMED) {
		u8 out = carried(0, directory, handle);
		if (exchange)
			out |= carried(1, target_directory, handle);
		s->carried = out & ~s->blocks;
		s->blocks |= out;
		s->blocked |= out;
	}
	return conclude(s, kind, access, class0 | class1 << 8, class0 == NAMED ? from : PATH_SIZE, class1 == NAMED ? to : PATH_SIZE);
}

/* on_system judges an operation of system. */
__noinline int on_system(u32 operation)
{
	struct op op;
	switch (begin(&op, false)) {
	case PASS:
		return 0;
	case FAIL:
		return 1;
	default:
		break;
	}
	const struct head *h = head(op.handle);
	if (!h)
		return 1;
	operation &= OPERATIONS - 1;
	u32 layers = h->layers;
	NOUNROLL
	for (u32 l = 0; l < MAX_LAYERS; l++) {
		if (l >= layers)
			break;
		const struct layer *layer = &h->layer[l];
		u8 otherwise = layer->system_covers >> operation & 1 ? layer->system : UNGOVERNED;
		struct masks m = layer->operations[operation];
		weigh(op.s, 1 << l, &m, otherwise);
	}
	return conclude(op.s, KIND_SYSTEM, operation, UNNAMED, PATH_SIZE, PATH_SIZE);
}

#endif
