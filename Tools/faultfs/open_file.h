// What the file operations of faultfs share.

#ifndef FAULTFS_OPEN_FILE_H
#define FAULTFS_OPEN_FILE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "files.h"
#include "held.h"

/// The directory that is passed through.
extern int backing;

/// An open file. `fuse_file_info.fh` points to it.
struct open_file {
    int descriptor;  ///< -1: a file of our own, whose content is `text`
    struct held_file *held;
    bool is_control;
    char *text;
    char path[];
};

static inline struct open_file *file_of(const struct fuse_file_info *info) {
    return (struct open_file *)(uintptr_t)info->fh;
}

/// A path as the backing directory sees it.
static inline const char *relative(const char *path) {
    return path[1] == '\0' ? "." : path + 1;
}

/// What a system call returned, as libfuse wants it.
static inline int result_of(long outcome) {
    return outcome < 0 ? -errno : (int)outcome;
}

/// A request is being served from here ...
struct timespec begin_service(void);

/// ... to here: sleeps until it has taken as long as it shall.
void end_service(struct timespec began, long latency_us);

/// Counts a request that was an fsync.
void count_fsync(void);

#endif
