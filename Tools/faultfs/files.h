// The file operations of faultfs.

#ifndef FAULTFS_FILES_H
#define FAULTFS_FILES_H

#define FUSE_USE_VERSION 312
#include <fuse.h>

extern const struct fuse_operations file_system;

/// Opens the directory that is passed through; every path is relative to it. Returns 0 or -errno.
int files_open_backing(const char *path);

#endif
