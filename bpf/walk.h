/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The path of a dentry and mount, up to the container's root.
 *
 * Names and parents may change while they are read. Whoever changes them makes the
 * dentry's sequence count odd before and even after (fs/dcache.c, __d_move): when
 * no count moved between the first look and the second, all names and parents held
 * at one instant between the two. Mounts are guarded by mount_lock in the same way.
 * Counts of the dentries alone are looked at, so that renames elsewhere do no harm. */
#ifndef AVERT_WALK_H
#define AVERT_WALK_H

#include "task.h"

#define TRIES 8
/* Results of walk besides the offset of the path in its buffer. */
#define WALK_RETRY -1
#define WALK_UNRESOLVED -2
#define WALK_ANONYMOUS -3
#define WALK_UNNAMED -4

static __always_inline u32 mounts_sequence(void)
{
	u32 n = 1;
	bpf_probe_read_kernel(&n, sizeof(n), &mount_lock);
	return n;
}

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
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
static __always_inline bool name(struct scratch *s, u8 *path, u32 len, const unsigned char *from)
{
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

enum climbed { ROOT = 0, MOUNT = 1 };

/* climb goes up to the container's root or the root of the mount. d and m are the
 * arguments of a hook, so that they can be read directly. */
static __always_inline int climb(struct scratch *s, u8 *path, struct dentry *d, struct vfsmount *m)
{
	const u64 root_dentry = s->root_mnt == (u64)m ? s->root_dentry : 0;
	struct dentry *mnt_root, *parent;
	const unsigned char *text;
	u32 len, sequence;

	s->offset = PATH_SIZE;
	mnt_root = m->mnt_root;
	NOUNROLL
	for (u32 n = 0; n <= COMPONENTS; n++) {
		s->count = n;
		if ((u64)d == root_dentry)
			return ROOT;
		if (d == mnt_root)
			return MOUNT;
		if (n == COMPONENTS)
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
		if (!name(s, path, len, text))
			return WALK_UNRESOLVED;
		d = parent;
	}
	return WALK_UNRESOLVED;
}

/* still says whether what climb() saw is as it was. */
static __always_inline bool still(struct scratch *s, struct dentry *d)
{
	u32 count = s->count;
	NOUNROLL
	for (u32 i = 0; i < COMPONENTS; i++) {
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
__noinline int climb_step(u32 which, u32 n)
{
	struct scratch *s = current_scratch();
	if (!s)
		return WALK_UNRESOLVED;
	struct dentry *d = (void *)s->on_dentry, *parent = 0;
	struct mount *m = (void *)s->on_mnt, *above = 0;
	u32 sequence = 1;
	if ((u64)d == s->root_dentry && (u64)&m->mnt == s->root_mnt)
		return ROOT;
	if (n >= COMPONENTS)
		return WALK_UNRESOLVED;
	if (d == BPF_CORE_READ(m, mnt.mnt_root)) {
		s->on_sequence[n] = 1; /* no dentry's: the step to another mount */
		above = BPF_CORE_READ(m, mnt_parent);
		if (above == m)
			return WALK_UNRESOLVED;
		s->on_dentry = (u64)BPF_CORE_READ(m, mnt_mountpoint);
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
	u8 *path = path_of(s, which);
	if (!path || !name(s, path, q.len, q.name))
		return WALK_UNRESOLVED;
	s->on_dentry = (u64)parent;
	return NEXT_STEP;
}

/* climb_on goes on from a dentry and mount to the container's root. */
__noinline int climb_on(u32 which)
{
	struct scratch *s = current_scratch();
	if (!s)
		return WALK_UNRESOLVED;
	s->mounts = mounts_sequence();
	if (s->mounts & 1)
		return WALK_RETRY;
	s->on_first_dentry = s->on_dentry;
	s->on_first_mnt = s->on_mnt;
	NOUNROLL
	for (u32 n = 0; n <= COMPONENTS; n++) {
		s->on_count = n;
		int end = climb_step(which, n);
		if (end != NEXT_STEP)
			return end;
	}
	return WALK_UNRESOLVED;
}

/* still_step says whether the nth step is as it was. */
__noinline int still_step(u32 n)
{
	struct scratch *s = current_scratch();
	if (!s || n >= COMPONENTS)
		return 0;
	u32 sequence = 1;
	if (s->on_sequence[n] & 1) {
		struct mount *m = (void *)s->on_mnt;
		s->on_dentry = (u64)BPF_CORE_READ(m, mnt_mountpoint);
		s->on_mnt = (u64)BPF_CORE_READ(m, mnt_parent);
		return 1;
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
	if (!s)
		return 0;
	u32 count = s->on_count;
	s->on_dentry = s->on_first_dentry;
	s->on_mnt = s->on_first_mnt;
	NOUNROLL
	for (u32 n = 0; n < COMPONENTS; n++) {
		if (n >= count)
			break;
		if (!still_step(n))
			return 0;
	}
	return mounts_sequence() == s->mounts;
}

/* root_slash makes the empty path that of the root. */
static __always_inline int root_slash(struct scratch *s, u32 which)
{
	if (s->offset < PATH_SIZE)
		return s->offset;
	u8 *path = path_of(s, which);
	if (!path)
		return WALK_UNRESOLVED;
	path[PATH_SIZE - 1] = '/';
	return PATH_SIZE - 1;
}

/* look_at looks twice at all of the way from the object of a hook. */
static __always_inline int look_at(struct scratch *s, struct dentry *d, struct vfsmount *m)
{
	int end = climb(s, s->first.path, d, m);
	if (end < 0)
		return end;
	bool on = end == MOUNT;
	if (on) {
		s->on_dentry = (u64)m->mnt_root;
		s->on_mnt = (u64)m - bpf_core_field_offset(struct mount, mnt);
		end = climb_on(0);
		if (end != ROOT)
			return end;
	}
	if (!still(s, d) || (on && !still_on()))
		return WALK_RETRY;
	return root_slash(s, 0);
}

/* look_again is look_at() for the object at a place of the scratch memory. */
__noinline int look_again(u32 which)
{
	struct scratch *s = current_scratch();
	if (!s)
		return WALK_UNRESOLVED;
	which &= 1;
	s->offset = PATH_SIZE;
	s->on_dentry = s->dentry[which];
	s->on_mnt = s->mnt[which] - bpf_core_field_offset(struct mount, mnt);
	int end = climb_on(which);
	if (end != ROOT)
		return end;
	if (!still_on())
		return WALK_RETRY;
	return root_slash(s, which);
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
	s->dentry[0] = (u64)d;
	s->mnt[0] = (u64)m;
	int at = look_at(s, d, m);
	if (at < 0)
		at = resolve(0);
	if (at >= 0 && !d->d_hash.pprev && d->d_parent != d)
		return WALK_ANONYMOUS;
	return at;
}

#endif
