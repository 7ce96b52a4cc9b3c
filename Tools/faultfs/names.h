// The operations of faultfs on names and directories.

#ifndef FAULTFS_NAMES_H
#define FAULTFS_NAMES_H

#include "files.h"

/// For a request that changes names, which costs no latency unless a rule says so. 0: go on, then `end_name_change`.
int begin_name_change(const char *path);

/// Returns `result`.
int end_name_change(int result);

/// What root makes for somebody else shall belong to them. Returns 0 or -errno.
int give_to_caller(const char *path);

int names_opendir(const char *path, struct fuse_file_info *info);
int names_readdir(const char *path, void *list, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
                  enum fuse_readdir_flags flags);
int names_releasedir(const char *path, struct fuse_file_info *info);
int names_fsyncdir(const char *path, int data_only, struct fuse_file_info *info);
int names_mkdir(const char *path, mode_t mode);
int names_symlink(const char *target, const char *path);
int names_readlink(const char *path, char *target, size_t capacity);
int names_unlink(const char *path);
int names_rmdir(const char *path);
int names_rename(const char *from, const char *to, unsigned flags);
int names_link(const char *from, const char *to);

#endif
