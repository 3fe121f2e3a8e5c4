/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The path of a dentry and mount, up to the container's root.
 *
 * Names and parents may change while they are read. Whoever changes them makes the
 * dentry's sequence count odd before and even after (fs/dcache.c, __d_move): when
 * no count moved between the first look and the second, all names and parents held
 * at one instant between the two. Where mounts are mounted is looked at twice too, and
 * between the looks there is an instant at which none is being changed (mount_lock).
 * What happens to other dentries and mounts does no harm. */
#ifndef AVERT_WALK_H
#define AVERT_WALK_H

#include "task.h"

#define TRIES 8
/* Results of walk besides the offset of the path in its buffer. */
#define WALK_RETRY -1
#define WALK_UNRESOLVED -2
#define WALK_ANONYMOUS -3
#define WALK_UNNAMED -4

/* mounts_settled says whether no mount is being changed at this moment. */
static __always_inline bool mounts_settled(void)
{
	u32 n = 1;
	bpf_probe_read_kernel(&n, sizeof(n), &mount_lock);
	return !(n & 1);
}

/* place_of stands for where a mount is mounted. It is odd: no dentry's sequence. */
static __always_inline u32 place_of(struct mount *parent, struct dentry *mountpoint)
{
	return (u32)((u64)parent >> 6 ^ (u64)mountpoint >> 4 ^ (u64)parent >> 38) | 1;
}

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* at puts an object at a place of the scratch memory. */
static __always_inline void at(struct scratch *s, u32 which, struct dentry *d, struct vfsmount *m)
{
	s->dentry[which] = (u64)d;
	s->mnt[which] = (u64)m;
}

/* outside says what an object is that no path from the container's root leads to. */
static __always_inline int outside(struct vfsmount *mnt, u16 mode)
{
	struct mnt_namespace *ns = BPF_CORE_READ(mount_of(mnt), mnt_ns);
	/* MNT_NS_INTERNAL is an error pointer: pipes, sockets, memfd, pidfs, nsfs, and the
	 * layers of overlayfs, which can be mounted elsewhere. */
	if ((u64)ns < (u64)-4095)
		return WALK_UNRESOLVED;
	if ((mode & S_IFMT) != S_IFREG)
		return WALK_UNNAMED;
	struct super_block *sb = BPF_CORE_READ(mnt, mnt_sb);
	switch ((u32)BPF_CORE_READ(sb, s_magic)) {
	case TMPFS_MAGIC:
		return BPF_CORE_READ(sb, s_flags) & SB_NOUSER ? WALK_ANONYMOUS : WALK_UNNAMED;
	case HUGETLBFS_MAGIC:
	case SECRETMEM_MAGIC:
		return WALK_ANONYMOUS;
	}
	return WALK_UNNAMED;
}

/* name puts a component before the path. What a loop counts is kept in memory, so
 * that the verifier need not tell its rounds apart afterwards. */
static __always_inline bool name(struct scratch *s, u32 len, const unsigned char *from)
{
	u8 *path = s->path;
	/* Some file systems have longer names than NAME_MAX (255); none is cut. */
	if (len == 0 || len > 255)
		return false;
	u32 at = s->offset - len - 1;
	if (at >= PATH_SIZE)
		return false;
	asm volatile("" : "+r"(len));
	len &= 255;
	path[at & (PATH_SIZE - 1)] = '/';
	bpf_probe_read_kernel(&path[(at + 1) & (PATH_SIZE - 1)], len, from);
	s->offset = at;
	return true;
}

enum climbed { ROOT = 0, ON = 1 };

/* climb goes up to the container's root, and as far as it can otherwise: to the root of
 * the mount, or DIRECT components. d and m are the arguments of a hook, so that they can
 * be read directly. */
static __always_inline int climb(struct scratch *s, struct dentry *d, struct vfsmount *m)
{
	const u64 root_dentry = s->root_mnt == (u64)m ? s->root_dentry : 0;
	struct dentry *mnt_root, *parent;
	const unsigned char *text;
	u32 len, sequence;

	s->offset = PATH_SIZE;
	s->on_mnt = (u64)mount_of(m);
	mnt_root = m->mnt_root;
	NOUNROLL
	for (u32 n = 0; n <= DIRECT; n++) {
		s->count = n;
		s->on_dentry = (u64)d;
		if ((u64)d == root_dentry)
			return ROOT;
		if (d == mnt_root || n == DIRECT)
			break;
		sequence = d->d_seq.seqcount.sequence;
		if (sequence & 1)
			return WALK_RETRY;
		s->sequence[n] = sequence;
		parent = d->d_parent;
		if (parent == d)
			return WALK_UNRESOLVED;
		len = d->d_name.len;
		text = d->d_name.name;
		if (!name(s, len, text))
			return WALK_UNRESOLVED;
		d = parent;
	}
	return ON;
}

/* still says whether what climb() saw is as it was. */
static __always_inline bool still(struct scratch *s, struct dentry *d)
{
	u32 count = s->count;
	NOUNROLL
	for (u32 i = 0; i < DIRECT; i++) {
		u32 sequence;
		if (i >= count)
			return true;
		sequence = d->d_seq.seqcount.sequence;
		if (sequence != s->sequence[i])
			return false;
		d = d->d_parent;
	}
	return true;
}

enum step { NEXT_STEP = 2 };

/* climb_step goes from on_dentry in on_mnt to what is above, as the nth step. Steps are
 * functions of their own so that the verifier looks at one, not at all of them. */
__noinline int climb_step(u32 n)
{
	struct scratch *s = current_scratch();
	if (!s)
		return WALK_UNRESOLVED;
	struct dentry *d = (void *)s->on_dentry, *parent = 0;
	struct mount *m = (void *)s->on_mnt, *above = 0;
	u32 sequence = 1;
	if ((u64)d == s->root_dentry && (u64)&m->mnt == s->root_mnt)
		return ROOT;
	if (n >= STEPS)
		return WALK_UNRESOLVED;
	if (d == BPF_CORE_READ(m, mnt.mnt_root)) {
		above = BPF_CORE_READ(m, mnt_parent);
		if (above == m)
			return WALK_UNRESOLVED;
		parent = BPF_CORE_READ(m, mnt_mountpoint);
		s->on_sequence[n] = place_of(above, parent);
		s->on_dentry = (u64)parent;
		s->on_mnt = (u64)above;
		return NEXT_STEP;
	}
	bpf_core_read(&sequence, sizeof(sequence), &d->d_seq.seqcount.sequence);
	if (sequence & 1)
		return WALK_RETRY;
	s->on_sequence[n] = sequence;
	bpf_core_read(&parent, sizeof(parent), &d->d_parent);
	if (parent == d)
		return WALK_UNRESOLVED;
	struct qstr q = {};
	bpf_core_read(&q, sizeof(q), &d->d_name);
	if (s->named >= COMPONENTS || !name(s, q.len, q.name))
		return WALK_UNRESOLVED;
	s->named++;
	s->on_dentry = (u64)parent;
	return NEXT_STEP;
}

/* climb_on goes on from a dentry and mount to the container's root, after the components
 * that were counted. */
__noinline int climb_on(void)
{
	struct scratch *s = current_scratch();
	if (!s)
		return WALK_UNRESOLVED;
	s->named = s->count;
	s->on_first_dentry = s->on_dentry;
	s->on_first_mnt = s->on_mnt;
	NOUNROLL
	for (u32 n = 0; n <= STEPS; n++) {
		s->on_count = n;
		int end = climb_step(n);
		if (end != NEXT_STEP)
			return end;
	}
	return WALK_UNRESOLVED;
}

/* still_step says whether the nth step is as it was. */
__noinline int still_step(u32 n)
{
	struct scratch *s = current_scratch();
	if (!s || n >= STEPS)
		return 0;
	u32 sequence = 1;
	if (s->on_sequence[n] & 1) {
		struct mount *m = (void *)s->on_mnt, *above = BPF_CORE_READ(m, mnt_parent);
		struct dentry *mountpoint = BPF_CORE_READ(m, mnt_mountpoint);
		s->on_dentry = (u64)mountpoint;
		s->on_mnt = (u64)above;
		return s->on_sequence[n] == place_of(above, mountpoint);
	}
	struct dentry *d = (void *)s->on_dentry;
	bpf_core_read(&sequence, sizeof(sequence), &d->d_seq.seqcount.sequence);
	if (sequence != s->on_sequence[n])
		return 0;
	s->on_dentry = (u64)BPF_CORE_READ(d, d_parent);
	return 1;
}

/* still_on says whether what climb_on() saw is as it was. */
__noinline int still_on(void)
{
	struct scratch *s = current_scratch();
	if (!s || !mounts_settled())
		return 0;
	u32 count = s->on_count;
	s->on_dentry = s->on_first_dentry;
	s->on_mnt = s->on_first_mnt;
	NOUNROLL
	for (u32 n = 0; n < STEPS; n++) {
		if (n >= count)
			break;
		if (!still_step(n))
			return 0;
	}
	return 1;
}

/* root_slash makes the empty path that of the root. */
static __always_inline int root_slash(struct scratch *s)
{
	if (s->offset < PATH_SIZE)
		return s->offset;
	s->path[PATH_SIZE - 1] = '/';
	return PATH_SIZE - 1;
}

/* look_at looks twice at all of the way from the object of a hook. */
static __always_inline int look_at(struct scratch *s, struct dentry *d, struct vfsmount *m)
{
	int end = climb(s, d, m);
	if (end < 0)
		return end;
	if (end == ON) {
		end = climb_on();
		if (end != ROOT)
			return end;
		if (!still_on())
			return WALK_RETRY;
	}
	if (!still(s, d))
		return WALK_RETRY;
	return root_slash(s);
}

/* look_again is look_at() for the object at a place of the scratch memory. */
__noinline int look_again(u32 which)
{
	struct scratch *s = current_scratch();
	if (!s)
		return WALK_UNRESOLVED;
	which &= 1;
	s->offset = PATH_SIZE;
	s->count = 0;
	s->on_dentry = s->dentry[which];
	s->on_mnt = (u64)mount_of((void *)s->mnt[which]);
	int end = climb_on();
	if (end != ROOT)
		return end;
	if (!still_on())
		return WALK_RETRY;
	return root_slash(s);
}

/* beside says what an object is that was not found at a path. */
__noinline int beside(u32 which, int at)
{
	struct scratch *s = current_scratch();
	if (!s || at == WALK_RETRY)
		return WALK_UNRESOLVED;
	struct dentry *d = (void *)s->dentry[which & 1];
	return outside((void *)s->mnt[which & 1], BPF_CORE_READ(d, d_inode, i_mode));
}

/* resolve finds the path of the object at a place of the scratch memory: its offset
 * in the buffer, or what the object is otherwise. */
__noinline int resolve(u32 which)
{
	struct scratch *s = current_scratch();
	if (!s || !s->dentry[which & 1] || !s->mnt[which & 1])
		return WALK_UNRESOLVED;
	int at = WALK_RETRY;
	NOUNROLL
	for (int i = 0; i < TRIES && at == WALK_RETRY; i++)
		at = look_again(which);
	return at < 0 ? beside(which, at) : at;
}

/* resolve_existing is resolve() for a file that is in use: one that has lost its
 * name (d_unlinked) is anonymous. */
__noinline int resolve_existing(u32 which)
{
	int at = resolve(which);
	struct scratch *s = current_scratch();
	if (at < 0 || !s)
		return at;
	struct dentry *d = (void *)s->dentry[which & 1];
	if (!BPF_CORE_READ(d, d_hash.pprev) && BPF_CORE_READ(d, d_parent) != d)
		return WALK_ANONYMOUS;
	return at;
}

/* walk is resolve_existing() for the arguments of a hook. */
static __always_inline int walk(struct scratch *s, struct dentry *d, struct vfsmount *m)
{
	at(s, 0, d, m);
	int found = look_at(s, d, m);
	if (found < 0)
		found = resolve(0);
	if (found >= 0 && !d->d_hash.pprev && d->d_parent != d)
		return WALK_ANONYMOUS;
	return found;
}

#endif
