/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the layers say about an object. Layer 0 decides; the others are only reported.
 *
 * Results are kept in memory and branches are few, so that the verifier does not look
 * at every combination of layers and accesses. */
#ifndef AVERT_JUDGE_H
#define AVERT_JUDGE_H

#include "match.h"
#include "walk.h"

#define CELL_WORDS (sizeof(struct cell) / 8)
#define LAYER_WORDS (sizeof(struct cell_layer) / 8)
#define BELOW_WORDS (sizeof(struct below_layer) / 8)

/* word returns the word of a table that lies at words after a reference. */
static __always_inline u64 word(const u32 *t, u32 mask, u32 ref, u32 at)
{
	return ((const u64 *)t)[(ref + at) & (mask >> 1)];
}

/* layer_of returns a layer. The number is bounded here, since verifiers forget the bounds
 * of what was spilled (until 6.3 and later). */
static __always_inline const struct layer *layer_of(const void *table, u32 l)
{
	asm volatile("" : "+r"(l));
	return &((const struct head *)table)->layer[l & (MAX_LAYERS - 1)];
}

/* unite returns the words of all parts, or of the first. */
static __always_inline u64 unite(const u32 *t, u32 mask, const u32 *refs, u32 at, bool all)
{
	if (!all)
		return word(t, mask, refs[0], at);
	return word(t, mask, refs[0], at) | word(t, mask, refs[1], at) | word(t, mask, refs[2], at) | word(t, mask, refs[3], at);
}

/* What the rules say: each is 0 or 1. */
struct says { u64 block, loud, audit, allow; };

/* says_of reads masks. Each is reduced to its bit before the next is read, which keeps
 * the stack small. */
static __always_inline struct says says_of(struct scratch *s, const u32 *t, u32 mask, const u32 *cells, u32 at, bool all)
{
	struct says r;
	r.block = any(unite(t, mask, cells, at, all) & s->may_hold);
	r.loud = r.block ? any(unite(t, mask, cells, at + 1, all) & s->may_hold) : 0;
	r.audit = any(unite(t, mask, cells, at + 2, all) & s->held);
	r.allow = any(unite(t, mask, cells, at + 3, all) & s->held);
	return r;
}

/* weigh notes what a layer says in the scratch memory. named is 0 or 1. */
static __always_inline void weigh(struct scratch *s, u32 l, struct says r, u64 otherwise, u64 named)
{
	u64 nothing = 1 ^ (r.block | r.audit | r.allow);
	u64 closed = nothing & (otherwise >> 1) & otherwise; /* by default BLOCK, 3 */
	u64 watched = nothing & named & (otherwise >> 1) & ~otherwise; /* by default AUDIT, 2 */
	s->blocked |= (r.block | closed) << l;
	s->blocks |= (r.loud | closed) << l;
	s->audits |= ((r.audit & ~r.block) | watched) << l;
}

/* Accesses are passed as a mask, with the indices of one or two of them above, which
 * are those that are judged. */
#define ONE(a) BOTH(a, a)
#define BOTH(a, b) (1u << (a) | 1u << (b) | (a) << 16 | (b) << 20)
#define MASK(asked) ((asked) & 0xffff)

/* judge_layer judges an object with cells, all or only the first. named is 1 when it
 * has a path. */
static __always_inline void judge_layer(struct scratch *s, const u32 *t, u32 mask, u32 which, u64 named, u32 asked, u32 l, bool all)
{
	const struct layer *layer = layer_of(t, l);
	const u32 *cells = s->cells[which];
	u32 at = CELL_WORDS + l * LAYER_WORDS;
	u32 a = asked >> 16 & 15, b = asked >> 20 & 15;
	if (!(layer->relevant & MASK(asked)))
		return;
	struct says r = says_of(s, t, mask, cells, at + 1 + 4 * a, all);
	if (a == EXEC) {
		weigh(s, l, r, layer->process, named);
		/* A dynamic loader runs what it is told to. */
		u64 bit = (1 ^ r.block) & named & s->last_image & layer->closed & CLOSED_PROCESS;
		bit &= any(unite(t, mask, cells, 1, all) >> 32);
		bit &= 1 ^ any(unite(t, mask, cells, at, all) & s->held);
		s->blocks |= bit << l;
		s->blocked |= bit << l;
		return;
	}
	weigh(s, l, r, layer->file, named);
	if (b == a)
		return;
	r = says_of(s, t, mask, cells, at + 1 + 4 * b, all);
	weigh(s, l, r, layer->file, named);
}

/* judge_other is judge_layer() of all cells: for the layers that do not decide, and for
 * tables with several parts. */
__noinline int judge_other(u32 which, u32 named, u32 asked, u32 l, u32 handle)
{
	u32 mask;
	struct scratch *s = current_scratch();
	const u32 *t = table(handle, &mask);
	if (!s || !t || l >= MAX_LAYERS)
		return -1;
	judge_layer(s, t, mask, which & 1, named & 1, asked, l, true);
	return 0;
}

/* judge_unresolved judges an object whose path cannot be known. */
__noinline int judge_unresolved(u32 accesses, u32 handle)
{
	struct scratch *s = current_scratch();
	const struct head *h = head(handle);
	if (!s || !h)
		return -1;
	u32 layers = h->layers;
	NOUNROLL
	for (u32 l = 0; l < MAX_LAYERS; l++) {
		if (l >= layers)
			break;
		const struct layer *layer = &h->layer[l];
		if (!(layer->relevant & accesses))
			continue;
		u8 closed = layer->closed, bit = 1 << l;
		u8 otherwise = accesses & 1 << EXEC ? layer->process : layer->file;
		if ((accesses & 1 << EXEC && closed & CLOSED_PROCESS) || (accesses & ~(1 << EXEC) && closed & CLOSED_FILE) ||
		    (accesses & 1 << MAP && closed & CLOSED_MAP) || otherwise == BLOCK) {
			s->blocks |= bit;
			s->blocked |= bit;
		} else if (otherwise == AUDIT) {
			s->audits |= bit;
		}
	}
	return 0;
}

/* look finds what the rules say about the object whose path is at an offset of the
 * buffer, or that is otherwise at, and notes at a place of the scratch memory which
 * layers block accesses to it, and what they report. Without accesses it only finds the
 * atoms. */
__noinline int look(u32 which, int at, u32 asked, u32 handle)
{
	u32 mask;
	struct scratch *s = current_scratch();
	const u32 *t = table(handle, &mask);
	if (!s || !t)
		return -1;
	const struct head *h = (const struct head *)t;
	which &= 1;
	u64 named = at >= 0;
	if (named) {
		if (match(s, t, mask, which, at, handle))
			return -1;
	} else {
		if (at == WALK_UNRESOLVED)
			return judge_unresolved(MASK(asked), handle);
		if (at == WALK_UNNAMED && MASK(asked) != 1 << EXEC)
			return 0;
		u32 nothing = h->nothing;
		s->cells[which][0] = h->anonymous;
		s->cells[which][1] = s->cells[which][2] = s->cells[which][3] = nothing;
	}
	if (!asked)
		return 0;
	u32 layers = h->layers, first = h->parts > 1 ? 0 : 1;
	if (first)
		judge_layer(s, t, mask, which, named, asked, 0, false);
	NOUNROLL
	for (u32 l = first; l < MAX_LAYERS; l++) {
		if (l >= layers)
			break;
		if (judge_other(which, named, asked, l, handle))
			return -1;
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
	u64 file = layer->file, process = layer->process;
	u32 at = CELL_WORDS + l * LAYER_WORDS, uses = 0;
	NOUNROLL
	for (u32 a = 0; a < ACCESSES; a++) {
		u64 exec = a == EXEC, otherwise = exec ? process : file;
		struct says r = says_of(s, t, mask, cells, at + 1 + 4 * a, true);
		uses |= (r.block | ((otherwise >> 1) & otherwise & (1 ^ (r.audit | r.allow)))) << a;
	}
	if (unite(t, mask, cells, 1, true) >> 32 && !(unite(t, mask, cells, at, true) & s->held) && layer->closed & CLOSED_PROCESS)
		uses |= 1 << EXEC;
	s->uses[which] = uses;
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
	u64 block_process = unite(t, mask, source, at + 1, true), block_file = unite(t, mask, source, at + 2, true);
	u64 allow_process = unite(t, mask, target, at + 3, true), allow_file = unite(t, mask, target, at + 4, true);
	u64 held = s->held, may_hold = s->may_hold;
	if (block_file & may_hold || (layer->process != BLOCK && block_process & may_hold))
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
		u32 ref = ((const struct head *)t)->nothing;
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
