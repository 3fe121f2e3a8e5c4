/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The walk of a path through the automata of a table: at most two loads a byte.
 * Functions that are not inlined are verified once, whoever calls them. */
#ifndef AVERT_MATCH_H
#define AVERT_MATCH_H

#include "task.h"

#define CHUNK 64
/* Set in a state when the walk failed. */
#define FAILED (1u << 31)

/* step returns the slot that leads on from v, of which only what is below the mask
 * counts. */
static __always_inline u32 step(const u32 *t, u32 mask, u32 v, u32 class)
{
	u32 slot = t[(v + class) & mask];
	return slot >> 24 == class ? slot : t[v & mask];
}

/* chunk walks to the next multiple of 8, and at most CHUNK bytes from there. Sinks lead
 * to themselves, so that it need not look for them after each byte. */
__noinline u32 chunk(u32 v, u32 pos, u32 handle)
{
	u32 mask;
	struct scratch *s = current_scratch();
	const u32 *t = table(handle, &mask);
	if (!s || !t)
		return FAILED | SINK;
	const u8 *classes = ((const struct head *)t)->classes;
	const u8 *path = s->path + (pos & (PATH_SIZE - 1));
	u32 aligned = (pos + 7) & ~7u, before = aligned - pos;
	NOUNROLL
	for (u32 i = 0; i < 7; i++) {
		if (i >= before)
			break;
		v = step(t, mask, v, classes[path[i]]);
	}
	path = s->path + (aligned & (PATH_SIZE - 1));
	u32 blocks = (PATH_SIZE - aligned) / 8;
	NOUNROLL
	for (u32 i = 0; i < CHUNK / 8; i++) {
		if (i >= blocks || v & SINK)
			break;
		v = step(t, mask, v, classes[path[0]]);
		v = step(t, mask, v, classes[path[1]]);
		v = step(t, mask, v, classes[path[2]]);
		v = step(t, mask, v, classes[path[3]]);
		v = step(t, mask, v, classes[path[4]]);
		v = step(t, mask, v, classes[path[5]]);
		v = step(t, mask, v, classes[path[6]]);
		v = step(t, mask, v, classes[path[7]]);
		path += 8;
	}
	return v & NEXT;
}

/* after returns where a chunk from pos ends. */
static __always_inline u32 after(u32 pos) { return ((pos + 7) & ~7u) + CHUNK; }

/* walk_on walks from pos to the end. */
__noinline u32 walk_on(u32 v, u32 pos, u32 handle)
{
	NOUNROLL
	for (u32 k = 0; k < PATH_SIZE / CHUNK; k++) {
		if (pos >= PATH_SIZE || v & SINK)
			break;
		v = chunk(v, pos, handle);
		pos = after(pos);
	}
	return v;
}

/* match notes at a place of the scratch memory what each part accepts of the path, and
 * the atoms. */
static __always_inline int match(struct scratch *s, const u32 *t, u32 mask, u32 which, u32 pos, u32 handle)
{
	const struct head *h = (const struct head *)t;
	const u64 *w = (const u64 *)t;
	u32 parts = h->parts, nothing = h->nothing;
	u64 atoms = 0;
	for (u32 p = 0; p < MAX_PARTS; p++) {
		s->cells[which][p] = nothing;
		s->states[which][p] = SINK;
	}
	NOUNROLL
	for (u32 p = 0; p < MAX_PARTS; p++) {
		if (p >= parts)
			break;
		u32 v = chunk(h->starts[p], pos, handle);
		if (after(pos) < PATH_SIZE)
			v = walk_on(v, after(pos), handle);
		if (v & FAILED)
			return -1;
		s->states[which][p] = v;
		u32 slot = t[(v + 1) & mask], ref = slot & NEXT;
		if (slot >> 24 != 1)
			continue;
		s->cells[which][p] = ref;
		atoms |= w[ref & (mask >> 1)];
	}
	s->atoms = atoms;
	return 0;
}

/* below returns the reference to what is below the directory that a part has
 * walked to. */
static __always_inline u32 below(const u32 *t, u32 mask, u32 v, u32 cell)
{
	const struct head *h = (const struct head *)t;
	u32 ref = 0;
	if (!(v & SINK)) {
		v = step(t, mask, v, h->classes['/']) & NEXT;
		if (!(v & SINK)) {
			v = step(t, mask, v, h->classes[0]) & NEXT;
			u32 slot = t[(v + 1) & mask];
			ref = slot >> 24 == 1 && slot & BELOW ? slot & NEXT & ~BELOW : 0;
			return ref ? ref : h->nothing;
		}
		u32 slot = t[(v + 1) & mask];
		cell = slot >> 24 == 1 && !(slot & BELOW) ? slot & NEXT : h->nothing;
	}
	const u64 *w = (const u64 *)t;
	ref = (u32)w[(cell + 1) & (mask >> 1)]; /* struct cell's below, in the low half */
	return ref ? ref : h->nothing;
}

#endif
