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

/* A pointer from a hook's argument is read directly; any other by a helper. */
#define LOAD(typed, dst, from, field)                                                                                  \
	do {                                                                                                           \
		if (typed)                                                                                             \
			dst = (from)->field;                                                                           \
		else                                                                                                   \
			bpf_core_read(&dst, sizeof(dst), &(from)->field);                                              \
	} while (0)

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
	/* MNT_NS_INTERNAL is an error pointer: pipes, sockets, memfd, pidfs. */
	if ((u64)ns >= (u64)-4095)
		return (mode & S_IFMT) == S_IFREG ? WALK_ANONYMOUS : WALK_UNNAMED;
	return WALK_UNRESOLVED;
}

/* name puts a component before the path. What a loop counts is kept in memory, so
 * that the verifier need not tell its rounds apart afterwards. */
static __always_inline bool name(struct scratch *s, u8 *path, u32 len, const unsigned char *from)
{
	len &= 255;
	u32 at = s->offset - len - 1;
	if (at >= PATH_SIZE || len == 0)
		return false;
	path[at & (PATH_SIZE - 1)] = '/';
	bpf_probe_read_kernel(&path[(at + 1) & (PATH_SIZE - 1)], len, from);
	s->offset = at;
	return true;
}

enum climbed { ROOT = 0, MOUNT = 1 };

/* climb goes up to the container's root or the root of the mount. typed says that
 * d and m are the arguments of a hook. */
static __always_inline int climb(struct scratch *s, u8 *path, struct dentry *d, struct vfsmount *m, const bool typed)
{
	const u64 root_dentry = s->root_mnt == (u64)m ? s->root_dentry : 0;
	struct dentry *mnt_root, *parent;
	const unsigned char *text;
	u32 len, sequence;

	s->offset = PATH_SIZE;
	LOAD(typed, mnt_root, m, mnt_root);
	NOUNROLL
	for (u32 n = 0; n < COMPONENTS; n++) {
		s->count = n;
		if ((u64)d == root_dentry)
			return ROOT;
		if (d == mnt_root)
			return MOUNT;
		LOAD(typed, sequence, d, d_seq.seqcount.sequence);
		if (sequence & 1)
			return WALK_RETRY;
		s->sequence[n] = sequence;
		LOAD(typed, parent, d, d_parent);
		if (parent == d)
			return WALK_UNRESOLVED;
		LOAD(typed, len, d, d_name.len);
		LOAD(typed, text, d, d_name.name);
		if (!name(s, path, len, text))
			return WALK_UNRESOLVED;
		d = parent;
	}
	return WALK_UNRESOLVED;
}

/* still says whether what climb() saw is as it was. */
static __always_inline bool still(struct scratch *s, struct dentry *d, const bool typed)
{
	u32 count = s->count;
	NOUNROLL
	for (u32 i = 0; i < COMPONENTS; i++) {
		u32 sequence;
		if (i >= count)
			return true;
		LOAD(typed, sequence, d, d_seq.seqcount.sequence);
		if (sequence != s->sequence[i])
			return false;
		LOAD(typed, d, d, d_parent);
	}
	return true;
}

/* climb_on goes on from the root of the mount on_mnt to the container's root. */
__noinline int climb_on(u32 which)
{
	struct scratch *s = current_scratch();
	if (!s)
		return WALK_UNRESOLVED;
	u8 *path = s->path[which & 1];
	struct mount *m = mount_of((struct vfsmount *)s->on_mnt), *above = 0;
	struct dentry *d = 0, *top = 0, *parent = 0;
	const u64 root = s->root_mnt - bpf_core_field_offset(struct mount, mnt);

	u32 before = mounts_sequence();
	if (before & 1)
		return WALK_RETRY;
	bpf_core_read(&above, sizeof(above), &m->mnt_parent);
	if (above == m)
		return WALK_UNRESOLVED;
	bpf_core_read(&d, sizeof(d), &m->mnt_mountpoint);
	m = above;
	bpf_core_read(&top, sizeof(top), &m->mnt.mnt_root);
	s->mounts = before;
	s->on_dentry = (u64)d;
	s->on_mnt = (u64)m;
	NOUNROLL
	for (u32 n = 0; n < COMPONENTS; n++) {
		s->on_count = n;
		if ((u64)d == s->root_dentry && (u64)m == root)
			return ROOT;
		u32 sequence = 1;
		if (d == top) {
			s->on_sequence[n] = 1; /* no dentry's: the step to another mount */
			bpf_core_read(&above, sizeof(above), &m->mnt_parent);
			if (above == m)
				return WALK_UNRESOLVED;
			bpf_core_read(&d, sizeof(d), &m->mnt_mountpoint);
			m = above;
			bpf_core_read(&top, sizeof(top), &m->mnt.mnt_root);
			continue;
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
		if (!name(s, path, q.len, q.name))
			return WALK_UNRESOLVED;
		d = parent;
	}
	return WALK_UNRESOLVED;
}

/* still_on says whether what climb_on() saw is as it was. */
__noinline int still_on(void)
{
	struct scratch *s = current_scratch();
	if (!s)
		return 0;
	struct dentry *d = (void *)s->on_dentry;
	struct mount *m = (void *)s->on_mnt;
	u32 count = s->on_count;
	NOUNROLL
	for (u32 i = 0; i < COMPONENTS; i++) {
		u32 sequence = 1;
		if (i >= count)
			break;
		if (s->on_sequence[i] & 1) {
			bpf_core_read(&d, sizeof(d), &m->mnt_mountpoint);
			bpf_core_read(&m, sizeof(m), &m->mnt_parent);
			continue;
		}
		bpf_core_read(&sequence, sizeof(sequence), &d->d_seq.seqcount.sequence);
		if (sequence != s->on_sequence[i])
			return 0;
		bpf_core_read(&d, sizeof(d), &d->d_parent);
	}
	return mounts_sequence() == s->mounts;
}

/* walk_once looks at everything twice. */
static __always_inline int walk_once(struct scratch *s, u32 which, struct dentry *d, struct vfsmount *m, const bool typed)
{
	u8 *path = s->path[which & 1];
	int end = climb(s, path, d, m, typed);
	if (end < 0)
		return end;
	bool on = end == MOUNT;
	if (on) {
		s->on_mnt = (u64)m;
		end = climb_on(which);
		if (end != ROOT)
			return end == WALK_RETRY ? WALK_RETRY : WALK_UNRESOLVED;
	}
	if (!still(s, d, typed) || (on && !still_on()))
		return WALK_RETRY;
	u32 at = s->offset;
	if (at >= PATH_SIZE) {
		/* The root itself. */
		at = PATH_SIZE - 1;
		path[PATH_SIZE - 1] = '/';
	}
	return at;
}

/* look_again is walk_once() for the object at a place of the scratch memory. */
__noinline int look_again(u32 which)
{
	struct scratch *s = current_scratch();
	if (!s)
		return WALK_UNRESOLVED;
	which &= 1;
	return walk_once(s, which, (void *)s->dentry[which], (void *)s->mnt[which], false);
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

/* deleted says whether a file that is in use has lost its name (d_unlinked). */
static __always_inline bool deleted(struct dentry *d, const bool typed)
{
	void *hashed;
	struct dentry *parent;
	LOAD(typed, hashed, d, d_hash.pprev);
	LOAD(typed, parent, d, d_parent);
	return !hashed && parent != d;
}

/* resolve_existing is resolve() for a file that is in use. */
__noinline int resolve_existing(u32 which)
{
	int at = resolve(which);
	struct scratch *s = current_scratch();
	if (at >= 0 && s && deleted((void *)s->dentry[which & 1], false))
		return WALK_ANONYMOUS;
	return at;
}

/* walk is resolve_existing() for the arguments of a hook. */
static __always_inline int walk(struct scratch *s, struct dentry *d, struct vfsmount *m)
{
	s->dentry[0] = (u64)d;
	s->mnt[0] = (u64)m;
	int at = walk_once(s, 0, d, m, true);
	if (at < 0)
		at = resolve(0);
	return at >= 0 && deleted(d, true) ? WALK_ANONYMOUS : at;
}

#endif
