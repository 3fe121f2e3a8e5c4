/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the layers say about an object that match() has looked at. Layer 0 decides;
 * the others are only reported.
 *
 * Functions are small and results are kept in memory, so that the verifier looks at
 * each once and not at every combination of layers and accesses. */
#ifndef AVERT_JUDGE_H
#define AVERT_JUDGE_H

#include "match.h"

#define CELL_WORDS (sizeof(struct cell) / 8)
#define LAYER_WORDS (sizeof(struct cell_layer) / 8)
#define BELOW_WORDS (sizeof(struct below_layer) / 8)

/* word returns the word of a table that lies at words after a reference, and 0 for
 * the reference 0. It has no branch. */
static __always_inline u64 word(const u32 *t, u32 mask, u32 ref, u32 at)
{
	u32 negated = -ref;
	asm volatile("" : "+r"(negated));
	u64 keep = 0 - (u64)((ref | negated) >> 31);
	return ((const u64 *)t)[(ref + at) & (mask >> 1)] & keep;
}

/* layer_of returns a layer. l is below MAX_LAYERS, and must not be looked at later:
 * kernels before 6.3 forget the bounds of what was spilled. */
static __always_inline const struct layer *layer_of(const void *table, u32 l)
{
	const struct layer *layer = &((const struct head *)table)->layer[l];
	asm volatile("" : "+r"(layer));
	return layer;
}

/* unite returns the words of all parts. */
static __always_inline u64 unite(const u32 *t, u32 mask, const u32 *refs, u32 at)
{
	return word(t, mask, refs[0], at) | word(t, mask, refs[1], at) | word(t, mask, refs[2], at) | word(t, mask, refs[3], at);
}

static __always_inline void masks_at(const u32 *t, u32 mask, const u32 *refs, u32 at, struct masks *m)
{
	m->block = unite(t, mask, refs, at);
	m->loud = unite(t, mask, refs, at + 1);
	m->audit = unite(t, mask, refs, at + 2);
	m->allow = unite(t, mask, refs, at + 3);
}

/* weigh notes what a layer says in the scratch memory. */
static __always_inline void weigh(struct scratch *s, u8 bit, const struct masks *m, u8 otherwise)
{
	u64 held = s->held;
	if (m->block & held) {
		if (m->loud & held)
			s->blocks |= bit;
		s->blocked |= bit;
	} else if (m->audit & held) {
		s->audits |= bit;
	} else if (m->allow & held) {
		return;
	} else if (otherwise == BLOCK) {
		s->blocks |= bit;
		s->blocked |= bit;
	} else if (otherwise == AUDIT) {
		s->audits |= bit;
	}
}

/* judge_path is judge() for one access, one layer, and an object with cells. */
__noinline int judge_path(u32 which, u32 named, u32 l, u32 a, u32 handle)
{
	u32 mask;
	struct scratch *s = current_scratch();
	const u32 *t = table(handle, &mask);
	if (!s || !t || l >= MAX_LAYERS || a >= ACCESSES)
		return -1;
	const struct layer *layer = layer_of(t, l);
	const u32 *cells = s->cells[which & 1];
	u8 bit = 1 << l, otherwise = a == EXEC_INDEX ? layer->process : layer->file;
	if (!named && otherwise != BLOCK)
		otherwise = UNGOVERNED;
	struct masks m;
	u32 at = CELL_WORDS + l * LAYER_WORDS;
	masks_at(t, mask, cells, at + 1 + 4 * a, &m);
	weigh(s, bit, &m, otherwise);
	if (a != EXEC_INDEX || !named || !s->last_image || m.block & s->held || !(layer->closed & CLOSED_PROCESS))
		return 0;
	if (unite(t, mask, cells, 1) >> 32 && !(unite(t, mask, cells, at) & s->held)) {
		s->blocks |= bit;
		s->audits &= ~bit;
		s->blocked |= bit;
	}
	return 0;
}

/* judge_unresolved is judge() for one layer and an object whose path cannot be known. */
__noinline int judge_unresolved(u32 accesses, u32 l, u32 handle)
{
	struct scratch *s = current_scratch();
	const struct head *h = head(handle);
	if (!s || !h || l >= MAX_LAYERS)
		return -1;
	const struct layer *layer = layer_of(h, l);
	u8 closed = layer->closed, bit = 1 << l;
	u8 otherwise = accesses & EXEC ? layer->process : layer->file;
	if ((accesses & EXEC && closed & CLOSED_PROCESS) || (accesses & ~EXEC && closed & CLOSED_FILE) ||
	    (accesses & MAP && closed & CLOSED_MAP) || otherwise == BLOCK) {
		s->blocks |= bit;
		s->blocked |= bit;
	} else if (otherwise == AUDIT) {
		s->audits |= bit;
	}
	return 0;
}

/* judge decides about accesses to the object at a place of the scratch memory, and
 * notes there which layers block, and what they report. */
__noinline int judge(u32 which, u32 class, u32 accesses, u32 handle)
{
	struct scratch *s = current_scratch();
	const struct head *h = head(handle);
	if (!s || !h)
		return -1;
	which &= 1;
	if (class == UNNAMED) {
		if (accesses != EXEC)
			return 0;
		class = ANONYMOUS;
	}
	if (class == ANONYMOUS) {
		s->cells[which][0] = h->anonymous;
		s->cells[which][1] = s->cells[which][2] = s->cells[which][3] = 0;
	}
	u32 layers = h->layers;
	NOUNROLL
	for (u32 l = 0; l < MAX_LAYERS; l++) {
		if (l >= layers)
			break;
		u32 relevant = h->layer[l].relevant & accesses;
		if (!relevant)
			continue;
		if (class == UNRESOLVED) {
			if (judge_unresolved(accesses, l, handle))
				return -1;
			continue;
		}
		NOUNROLL
		for (u32 a = 0; a < ACCESSES; a++) {
			if (relevant >> a & 1 && judge_path(which, class == NAMED, l, a, handle))
				return -1;
		}
	}
	return 0;
}

/* uses notes the accesses that a layer blocks at a name. */
__noinline int uses(u32 which, u32 l, u32 handle)
{
	u32 mask;
	struct scratch *s = current_scratch();
	const u32 *t = table(handle, &mask);
	if (!s || !t || l >= MAX_LAYERS)
		return -1;
	const struct layer *layer = layer_of(t, l);
	which &= 1;
	const u32 *cells = s->cells[which];
	u64 held = s->held;
	u32 at = CELL_WORDS + l * LAYER_WORDS;
	s->uses[which] = 0;
	NOUNROLL
	for (u32 a = 0; a < ACCESSES; a++) {
		struct masks m;
		u8 otherwise = a == EXEC_INDEX ? layer->process : layer->file;
		masks_at(t, mask, cells, at + 1 + 4 * a, &m);
		if (m.block & held || (otherwise == BLOCK && !((m.audit | m.allow) & held)))
			s->uses[which] |= 1u << a;
	}
	if (unite(t, mask, cells, 1) >> 32 && !(unite(t, mask, cells, at) & held) && layer->closed & CLOSED_PROCESS)
		s->uses[which] |= EXEC;
	return 0;
}

/* escapes says whether something below one directory is blocked by a layer that
 * may not be below the other. */
__noinline int escapes(u32 from, u32 l, u32 handle)
{
	u32 mask;
	struct scratch *s = current_scratch();
	const u32 *t = table(handle, &mask);
	if (!s || !t || l >= MAX_LAYERS)
		return 1;
	const struct layer *layer = layer_of(t, l);
	const u32 *source = s->below[from & 1], *target = s->below[(from & 1) ^ 1];
	u32 at = l * BELOW_WORDS;
	u64 differ = 0;
	for (u32 p = 0; p < MAX_PARTS; p++)
		differ |= word(t, mask, source[p], at) ^ word(t, mask, target[p], at);
	if (!differ)
		return 0;
	u64 block_process = unite(t, mask, source, at + 1), block_file = unite(t, mask, source, at + 2);
	u64 allow_process = unite(t, mask, target, at + 3), allow_file = unite(t, mask, target, at + 4);
	u64 held = s->held;
	if (block_file & held || (layer->process != BLOCK && block_process & held))
		return 1;
	if ((layer->process == BLOCK && allow_process & held) || (layer->file == BLOCK && allow_file & held))
		return 1;
	return 0;
}

/* find_below notes what is below the directory at a place of the scratch memory. */
__noinline int find_below(u32 which, u32 handle)
{
	u32 mask;
	struct scratch *s = current_scratch();
	const u32 *t = table(handle, &mask);
	if (!s || !t)
		return -1;
	which &= 1;
	NOUNROLL
	for (u32 p = 0; p < MAX_PARTS; p++) {
		u32 ref = 0;
		if (p < ((const struct head *)t)->parts)
			ref = below(t, mask, s->states[which][p], s->cells[which][p]);
		s->below[which][p] = ref;
	}
	return 0;
}

/* carried returns the layers of which something would escape when the object at
 * place from gets the name at the other place: what is blocked there, or, for a
 * directory, below, and not here. */
__noinline int carried(u32 from, u32 directory, u32 handle)
{
	struct scratch *s = current_scratch();
	const struct head *h = head(handle);
	if (!s || !h)
		return 1;
	from &= 1;
	if (directory && (find_below(0, handle) || find_below(1, handle)))
		return 1;
	u32 layers = h->layers;
	s->escaped = 0;
	NOUNROLL
	for (u32 l = 0; l < MAX_LAYERS; l++) {
		if (l >= layers)
			break;
		if (uses(0, l, handle) || uses(1, l, handle))
			return 1;
		if (s->uses[from] & ~s->uses[from ^ 1] || (directory && escapes(from, l, handle)))
			s->escaped |= 1 << l;
	}
	return s->escaped;
}

#endif
