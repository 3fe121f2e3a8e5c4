/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The walk of a path through the automata of a table: at most two loads a byte.
 * Functions that are not inlined are verified once, whoever calls them. */
#ifndef AVERT_MATCH_H
#define AVERT_MATCH_H

#include "task.h"

#define CHUNK 64
/* Set in a state when the walk failed. */
#define FAILED (1u << 31)

static __always_inline u32 step(const u32 *t, u32 mask, u32 v, u32 class)
{
	u32 next = t[(v + class) & mask];
	if (next >> 24 != class)
		next = t[v & mask];
	return next & NEXT;
}

/* chunk walks at most CHUNK bytes from pos. */
__noinline u32 chunk(u32 v, u32 which, u32 pos, u32 handle)
{
	u32 mask;
	struct scratch *s = current_scratch();
	const u32 *t = table(handle, &mask);
	if (!s || !t)
		return FAILED | SINK;
	const u8 *classes = ((const struct head *)t)->classes;
	const u8 *path = path_of(s, which);
	if (!path)
		return FAILED | SINK;
	u32 n = PATH_SIZE - pos;
	if (n > CHUNK)
		n = CHUNK;
	path += pos & (PATH_SIZE - 1);
	NOUNROLL
	for (u32 i = 0; i < CHUNK; i++) {
		if (i >= n)
			break;
		v = step(t, mask, v & ~SINK, classes[path[i]]);
		if (v & SINK)
			break;
	}
	return v;
}

/* walk_part walks the bytes from pos to the end. */
__noinline u32 walk_part(u32 v, u32 which, u32 pos, u32 handle)
{
	NOUNROLL
	for (u32 k = 0; k < PATH_SIZE / CHUNK; k++) {
		if (pos >= PATH_SIZE || v & SINK)
			break;
		v = chunk(v, which, pos, handle);
		pos += CHUNK;
	}
	return v;
}

/* match notes in the scratch memory what each part accepts, and the atoms. */
__noinline int match(u32 which, u32 pos, u32 handle)
{
	u32 mask;
	struct scratch *s = current_scratch();
	const u32 *t = table(handle, &mask);
	if (!s || !t)
		return -1;
	const struct head *h = (const struct head *)t;
	const u64 *w = (const u64 *)t;
	u32 parts = h->parts;
	u64 atoms = 0;
	which &= 1;
	NOUNROLL
	for (u32 p = 0; p < MAX_PARTS; p++) {
		u32 v = SINK, ref = 0;
		if (p < parts) {
			v = walk_part(h->starts[p], which, pos, handle);
			if (v & FAILED)
				return -1;
			u32 slot = t[((v & ~SINK) + 1) & mask];
			if (slot >> 24 == 1)
				ref = slot & NEXT;
			if (ref)
				atoms |= w[ref & (mask >> 1)];
		}
		s->cells[which][p] = ref;
		s->states[which][p] = v;
	}
	s->atoms = atoms;
	return 0;
}

/* below returns the reference to what is below the directory that a part has
 * walked to, 0 if nothing is. */
static __always_inline u32 below(const u32 *t, u32 mask, u32 v, u32 cell)
{
	const struct head *h = (const struct head *)t;
	if (!(v & SINK)) {
		v = step(t, mask, v, h->classes['/']);
		if (!(v & SINK)) {
			v = step(t, mask, v, h->classes[0]);
			u32 slot = t[((v & ~SINK) + 1) & mask];
			return slot >> 24 == 1 && slot & BELOW ? slot & NEXT & ~BELOW : 0;
		}
		u32 slot = t[((v & ~SINK) + 1) & mask];
		cell = slot >> 24 == 1 && !(slot & BELOW) ? slot & NEXT : 0;
	}
	if (!cell)
		return 0;
	const u64 *w = (const u64 *)t;
	return (u32)w[(cell + 1) & (mask >> 1)]; /* struct cell's below, in the low half */
}

#endif
