/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs use of kernel types. Offsets are relocated to the running
 * kernel when the programs are loaded (CO-RE), so only names and types count. */
#ifndef AVERT_KERNEL_H
#define AVERT_KERNEL_H

#include <linux/types.h>
#include <stdbool.h>
#include <linux/bpf.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define CORE __attribute__((preserve_access_index))
#define EPERM 1

struct seqcount { u32 sequence; } CORE;
typedef struct seqcount seqcount_t;
struct seqcount_spinlock { seqcount_t seqcount; } CORE;
typedef struct seqcount_spinlock seqcount_spinlock_t;
struct hlist_bl_node { void *pprev; } CORE;
struct qstr { union { struct { u32 hash; u32 len; }; u64 hash_len; }; const unsigned char *name; } CORE;
struct super_block { unsigned long s_flags, s_magic; } CORE;
struct inode { u16 i_mode; } CORE;
struct dentry {
	seqcount_spinlock_t d_seq;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
} CORE;
struct vfsmount { struct dentry *mnt_root; struct super_block *mnt_sb; } CORE;
struct ns_common { u32 inum; } CORE;
struct mnt_namespace { struct ns_common ns; } CORE;
struct mount { struct mount *mnt_parent; struct dentry *mnt_mountpoint; struct vfsmount mnt; struct mnt_namespace *mnt_ns; } CORE;
struct path { struct vfsmount *mnt; struct dentry *dentry; } CORE;
struct file { struct path f_path; struct inode *f_inode; u32 f_mode; u32 f_flags; } CORE;
/* What a file of overlayfs is to the memory that it is mapped to (6.8). */
struct backing_file { struct path user_path; } CORE;
struct vm_area_struct { struct file *vm_file; unsigned long vm_flags; } CORE;
struct linux_binprm { struct file *file; char buf[256]; } CORE;
struct iattr { u32 ia_valid; } CORE;
struct nsproxy { struct mnt_namespace *mnt_ns; } CORE;
struct mm_struct { struct file *exe_file; } CORE;
struct kernfs_node { u64 id; } CORE;
struct cgroup_subsys_state { struct cgroup_subsys_state *parent; } CORE;
struct cgroup { struct cgroup_subsys_state self; struct kernfs_node *kn; } CORE;
struct css_set { struct cgroup *dfl_cgrp; } CORE;
struct fs_struct { struct path root; } CORE;
struct task_struct {
	unsigned in_execve : 1;
	u32 flags;
	int pid, tgid;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
} CORE;
struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; } CORE;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } CORE;

/* include/linux/fs.h */
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_NOACCOUNT 0x20000000 /* opened by the kernel itself, such as overlayfs's layers */
#define FMODE_BACKING (1 << 25)
#define FMODE_EXEC_FLAG 0x20	   /* __FMODE_EXEC in f_flags: an open by exec */
#define O_TRUNC_FLAG 01000
#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFDIR 0040000
#define SB_NOUSER (1UL << 31) /* cannot be mounted by users */
/* include/uapi/linux/magic.h */
#define TMPFS_MAGIC 0x01021994
#define HUGETLBFS_MAGIC 0x958458f6
#define SECRETMEM_MAGIC 0x5345434d
#define PROT_EXEC 0x4
#define ATTR_TIMES (1 << 4 | 1 << 5)				/* ATTR_ATIME, ATTR_MTIME */
#define ATTR_OWNER (1 << 1 | 1 << 2)				/* ATTR_UID, ATTR_GID */
#define ATTR_OTHERS (1 << 0 | 1 << 1 | 1 << 2 | 1 << 3) /* ATTR_MODE, UID, GID, SIZE */
#define RENAME_EXCHANGE 2
#define PF_KTHREAD 0x00200000

/* fs/namespace.c: changes of mounts make it odd and then another even number. */
extern void mount_lock __ksym;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define NOUNROLL _Pragma("clang loop unroll(disable)")

#endif
