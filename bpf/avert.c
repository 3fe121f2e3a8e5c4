//go:build ignore

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The programs: each hook says what is used and how, and operation.h decides.
#include "operation.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define VERDICT(blocked)                                                                                               \
	do {                                                                                                           \
		if (blocked)                                                                                           \
			return -EPERM;                                                                                 \
		return 0;                                                                                              \
	} while (0)

/* BEGIN begins an operation of a hook, or leaves it when no layer asks for what it
 * wants. */
#define BEGIN(op, wanted)                                                                                              \
	struct op op;                                                                                                  \
	switch (begin(&op, false, false)) {                                                                            \
	case PASS:                                                                                                     \
		return 0;                                                                                              \
	case FAIL:                                                                                                     \
		return -refuse();                                                                                      \
	default:                                                                                                       \
		break;                                                                                                 \
	}                                                                                                              \
	if (!(op.label->relevant & (wanted)))                                                                                 \
	return 0

/* ---- exec ---- */

/* relabel gives a label of a unit that was unloaded to another. Generation 0 is that
 * of no revision: the task looks at its own image when it does something. */
static __always_inline void relabel(struct label *l, u64 policy)
{
	struct state none = {};
	l->generation = 0;
	l->handle = 0;
	l->state = none;
	l->held = l->may_hold = ALWAYS;
	l->lost = 0;
	l->pending = 0;
	l->executing = 0;
	l->policy = policy;
}

/* start labels the current task if it is about to execute the first program of a
 * governed container. */
__noinline int start(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	if (!in_container(task))
		return PASS;
	u64 policy = has_task_storage ? governing_current() : governing(task);
	if (!policy)
		return PASS;
	struct label *old = current_label();
	if (old) {
		relabel(old, policy);
		return GO;
	}
	struct label l = {.policy = policy, .held = ALWAYS, .may_hold = ALWAYS};
	set_root(&l, task);
	if (has_task_storage)
		return add_label(bpf_get_current_task_btf(), &l) ? GO : FAIL;
	return add_label(task, &l) ? GO : FAIL;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(bprm_check_security, struct linux_binprm *bprm)
{
	struct op op;
	struct label *label = current_label();
	if (!label || !handle_of(label->policy)) {
		switch (start()) {
		case PASS:
			return 0;
		case GO:
			break;
		default:
			return -refuse();
		}
	}
	switch (begin(&op, true, false)) {
	case PASS:
		return 0;
	case FAIL:
		return -refuse();
	default:
		break;
	}
	op.label->pending = 0;
	struct file *file = bprm->file;
	if (!file)
		return -refuse();
	if (!op.label->started) {
		/* The root may have changed since an attempt that failed. */
		struct task_struct *task = (void *)bpf_get_current_task();
		set_root(op.label, task);
		op.s->root_mnt = op.label->root_mnt;
		op.s->root_dentry = op.label->root_dentry;
	}
	/* A script's interpreter is looked at next, and runs in the end. */
	op.s->last_image = !(bprm->buf[0] == '#' && bprm->buf[1] == '!');
	op.s->atoms = 0;
	int at = walk(op.s, file->f_path.dentry, file->f_path.mnt);
	bool blocked = decide(op.s, op.handle, at, ONE(EXEC), KIND_EXEC);
	op.label->pending = op.s->atoms;
	op.label->executing = 1;
	VERDICT(blocked);
}

SEC("lsm/bprm_committed_creds")
int BPF_PROG(bprm_committed_creds, struct linux_binprm *bprm)
{
	struct op op;
	struct label *l = current_label();
	/* While programs are replaced, the old and the new ones both run. */
	if (!l || !l->executing)
		return 0;
	l->executing = 0;
	if (begin(&op, true, true) != GO)
		return 0;
	const struct head *h = head(op.handle);
	if (!h)
		return 0;
	struct state s = {
		.current = l->pending,
		.parent = l->state.current & h->parents,
		.seen = l->state.seen | (l->state.current & h->ancestors),
	};
	set_state(l, &s, op.handle);
	l->pending = 0;
	l->started = 1;
	return 0;
}

SEC("lsm/task_alloc")
int BPF_PROG(task_alloc, struct task_struct *task, unsigned long clone_flags)
{
	struct label *l = current_label();
	if (likely(!l))
		return 0;
	struct label copy = *l;
	copy.pending = 0;
	copy.executing = 0;
	copy.want_mnt = 0;
	return add_label(task, &copy) ? 0 : -refuse();
}

/* Only where labels are in a hash: task storage goes with the task. */
SEC("lsm/task_free")
int BPF_PROG(task_free, struct task_struct *task)
{
	u64 key = (u64)task;
	bpf_map_delete_elem(&labels_hash, &key);
	return 0;
}

/* ---- files ---- */

SEC("lsm/file_open")
int BPF_PROG(file_open, struct file *file)
{
	u32 asked, mode, flags;
	BEGIN(op, 1 << READ | 1 << WRITE);
	mode = file->f_mode;
	flags = file->f_flags;
	if (mode & FMODE_NOACCOUNT || flags & FMODE_EXEC_FLAG)
		return 0;
	if (!(mode & FMODE_WRITE || flags & O_TRUNC_FLAG)) {
		if (!(mode & FMODE_READ))
			return 0;
		asked = ONE(READ);
	} else {
		asked = mode & FMODE_READ ? BOTH(READ, WRITE) : ONE(WRITE);
	}
	if (!(op.label->relevant & MASK(asked)))
		return 0;
	int at = walk(op.s, file->f_path.dentry, file->f_path.mnt);
	VERDICT(decide(op.s, op.handle, at, asked, KIND_FILE));
}

/* executing says whether the current task is in an exec, which maps what belongs to it. */
static __always_inline bool executing(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	return BPF_CORE_READ_BITFIELD_PROBED(task, in_execve);
}

/* mapped judges mapping a file as executable. */
static __always_inline bool mapped(struct op *op, struct file *file)
{
	at(op->s, 0, file->f_path.dentry, file->f_path.mnt);
	struct backing_file *backing = (void *)file;
	if (file->f_mode & FMODE_BACKING && bpf_core_field_exists(backing->user_path)) {
		/* A layer's file of overlayfs; this is the one that was opened. */
		at(op->s, 0, BPF_CORE_READ(backing, user_path.dentry), BPF_CORE_READ(backing, user_path.mnt));
	}
	return on_object(op->handle, ONE(MAP), 1);
}

SEC("lsm/mmap_file")
int BPF_PROG(mmap_file, struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags)
{
	if (!file || !(prot & PROT_EXEC))
		return 0;
	BEGIN(op, 1 << MAP);
	if (executing())
		return 0;
	VERDICT(mapped(&op, file));
}

SEC("lsm/file_mprotect")
int BPF_PROG(file_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)
{
	if (!(prot & PROT_EXEC))
		return 0;
	struct file *file = vma->vm_file;
	if (!file)
		return 0;
	BEGIN(op, 1 << MAP);
	if (executing())
		return 0;
	VERDICT(mapped(&op, file));
}

/* The hooks that have the directory of what is made or removed. */
#define IN_DIRECTORY(hook, access, existing)                                                                           \
	SEC("lsm/" #hook) int BPF_PROG(hook, const struct path *dir, struct dentry *dentry)                            \
	{                                                                                                              \
		BEGIN(op, 1 << access);                                                                                \
		at(op.s, 0, dentry, dir->mnt);                                                                         \
		VERDICT(on_object(op.handle, ONE(access), existing));                                                  \
	}
IN_DIRECTORY(path_mknod, CREATE, 0)
IN_DIRECTORY(path_mkdir, CREATE, 0)
IN_DIRECTORY(path_symlink, CREATE, 0)
IN_DIRECTORY(path_unlink, DELETE, 0)
IN_DIRECTORY(path_rmdir, DELETE, 0)

#define ON_PATH(hook, access)                                                                                          \
	SEC("lsm/" #hook) int BPF_PROG(hook, const struct path *path)                                                  \
	{                                                                                                              \
		BEGIN(op, 1 << access);                                                                                \
		at(op.s, 0, path->dentry, path->mnt);                                                                  \
		VERDICT(on_object(op.handle, ONE(access), 1));                                                         \
	}
ON_PATH(path_chmod, CHMOD)
ON_PATH(path_chown, CHOWN)
ON_PATH(path_truncate, WRITE)

static __always_inline bool is_directory(struct dentry *d)
{
	struct inode *inode = d->d_inode;
	return inode && (inode->i_mode & S_IFMT) == S_IFDIR;
}

SEC("lsm/path_rename")
int path_rename(unsigned long long *ctx)
{
	const struct path *old_dir = (void *)ctx[0], *new_dir = (void *)ctx[2];
	struct dentry *old = (void *)ctx[1], *new = (void *)ctx[3];
	u32 exchange = 0;
	BEGIN(op, ~(1 << EXEC));
	if (rename_has_flags)
		exchange = (u32)ctx[4] & RENAME_EXCHANGE;
	at(op.s, 0, old, old_dir->mnt);
	at(op.s, 1, new, new_dir->mnt);
	u32 flags = 0;
	if (is_directory(old))
		flags |= DIRECTORY;
	if (new->d_inode)
		flags |= EXISTS;
	if (exchange)
		flags |= EXCHANGE;
	if (is_directory(new))
		flags |= TARGET_DIRECTORY;
	VERDICT(on_move(op.handle, KIND_RENAME, flags));
}

SEC("lsm/path_link")
int BPF_PROG(path_link, struct dentry *old, const struct path *dir, struct dentry *new)
{
	BEGIN(op, ~(1 << EXEC));
	at(op.s, 0, old, dir->mnt);
	at(op.s, 1, new, dir->mnt);
	VERDICT(on_move(op.handle, KIND_LINK, 0));
}

/* ---- attributes: these hooks have no mount ---- */

/* Before a system call changes attributes, it takes the right to write to the
 * mount: so the mount is known. overlayfs does so with mounts of its own for what it
 * does to its layers. */
static __always_inline int wants(struct vfsmount *mnt)
{
	struct label *l = current_label();
	if (l)
		l->want_mnt = (u64)mnt;
	return 0;
}

SEC("fentry/mnt_want_write")
int BPF_PROG(mnt_want_write, struct vfsmount *mnt) { return wants(mnt); }

/* What overlayfs takes for copying up (6.7). */
SEC("fentry/mnt_get_write_access")
int BPF_PROG(mnt_get_write_access, struct vfsmount *mnt) { return wants(mnt); }

SEC("fentry/mnt_want_write_file")
int BPF_PROG(mnt_want_write_file, struct file *file) { return wants(file->f_path.mnt); }

/* on_attribute judges a change of an attribute of a dentry. What overlayfs changes in
 * its layers has no path, and was judged above. */
static __always_inline bool on_attribute(struct op *op, struct dentry *dentry, u32 asked)
{
	struct vfsmount *mnt = (void *)op->label->want_mnt;
	bool same = mnt && BPF_CORE_READ(mnt, mnt_sb) == dentry->d_sb;
	at(op->s, 0, dentry, same ? mnt : 0);
	return on_object(op->handle, asked, 1);
}

/* ARGUMENT reads one of two arguments. A read through a changed ctx is refused, so
 * the branches must stay apart. */
#define ARGUMENT(type, name, second, a, b)                                                                             \
	type name;                                                                                                     \
	if (second) {                                                                                                  \
		name = (void *)ctx[b];                                                                                 \
		asm volatile("" : "+r"(name));                                                                         \
	} else {                                                                                                       \
		name = (void *)ctx[a];                                                                                 \
	}
#define DENTRY(index) ARGUMENT(struct dentry *, dentry, index, 0, 1)

SEC("lsm/inode_setattr")
int inode_setattr(unsigned long long *ctx)
{
	DENTRY(setattr_dentry);
	ARGUMENT(struct iattr *, attr, setattr_dentry, 1, 2);
	u32 valid = attr->ia_valid;
	u32 asked;
	if (valid & ATTR_OWNER && !has_path_chown)
		asked = ONE(CHOWN);
	else if (valid & ATTR_TIMES && !(valid & ATTR_OTHERS))
		asked = ONE(TIMES);
	else
		return 0;
	BEGIN(op, MASK(asked));
	VERDICT(on_attribute(&op, dentry, asked));
}

SEC("lsm/inode_setxattr")
int inode_setxattr(unsigned long long *ctx)
{
	DENTRY(setxattr_dentry);
	BEGIN(op, 1 << XATTR);
	VERDICT(on_attribute(&op, dentry, ONE(XATTR)));
}

SEC("lsm/inode_removexattr")
int inode_removexattr(unsigned long long *ctx)
{
	DENTRY(removexattr_dentry);
	BEGIN(op, 1 << XATTR);
	VERDICT(on_attribute(&op, dentry, ONE(XATTR)));
}

/* Since 6.2 access control lists have hooks of their own. */
SEC("lsm/inode_set_acl")
int BPF_PROG(inode_set_acl, void *idmap, struct dentry *dentry)
{
	BEGIN(op, 1 << XATTR);
	VERDICT(on_attribute(&op, dentry, ONE(XATTR)));
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(inode_remove_acl, void *idmap, struct dentry *dentry)
{
	BEGIN(op, 1 << XATTR);
	VERDICT(on_attribute(&op, dentry, ONE(XATTR)));
}

/* ---- system ---- */

#define SYSTEM(hook, operation)                                                                                        \
	SEC("lsm/" #hook) int BPF_PROG(hook) { VERDICT(on_system(operation)); }
SYSTEM(sb_mount, OP_MOUNT)
SYSTEM(sb_umount, OP_MOUNT)
SYSTEM(sb_pivotroot, OP_MOUNT)
SYSTEM(move_mount, OP_MOUNT)
SYSTEM(userns_create, OP_USERNS)
SYSTEM(bpf, OP_BPF)

/* ---- processes that run when a policy is loaded ---- */

SEC("iter/task")
int adopt_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	if (!task)
		return 0;
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return 0;
	if (!in_container(task))
		return 0;
	u64 policy = governing(task);
	if (!policy)
		return 0;
	struct label l = {.policy = policy, .held = ALWAYS, .may_hold = ALWAYS, .started = 1};
	struct label *old = label_of(task);
	if (old) {
		if (!handle_of(old->policy))
			relabel(old, policy);
		return 0;
	}
	set_root(&l, task);
	/* The loader looks again until nothing is found: a child may have been passed
	 * before its parent got a label. */
	char one = 1;
	if (add_label(task, &l))
		bpf_seq_write(ctx->meta->seq, &one, sizeof(one));
	return 0;
}
