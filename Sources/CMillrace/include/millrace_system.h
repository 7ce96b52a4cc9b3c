// System calls and constants that Glibc's Swift module hides, as functions that return -errno instead of touching
// errno, so that nothing between the call and the caller can overwrite it.

#ifndef MILLRACE_SYSTEM_H
#define MILLRACE_SYSTEM_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

// MARK: Files

/// The open flag for direct I/O; 0 where there is none.
extern const int32_t millrace_open_direct;

/// open() with a mode. Retries EINTR.
int64_t millrace_open(const char *path, int32_t flags, uint32_t mode);

/// Vectors are `struct iovec`s.
int64_t millrace_preadv(int32_t fd, const void *vectors, int32_t count, int64_t offset);

int64_t millrace_pwritev(int32_t fd, const void *vectors, int32_t count, int64_t offset);

/// Reads only what the page cache holds: -EAGAIN where the call would have waited for the device.
int64_t millrace_preadv_nowait(int32_t fd, const void *vectors, int32_t count, int64_t offset);

int64_t millrace_fsync(int32_t fd);

int64_t millrace_fdatasync(int32_t fd);

/// Starts write-out of a range of dirty page cache without waiting for it. Elsewhere than on Linux nothing does
/// that without evicting the pages, so it is a success that did nothing.
int64_t millrace_flush_range(int32_t fd, int64_t offset, int64_t length);

/// Reserves space and extends the file over it, filled with zeros.
int64_t millrace_allocate(int32_t fd, int64_t offset, int64_t length);

/// Drops a file range from the page cache as far as the kernel will.
int64_t millrace_drop_cache(int32_t fd, int64_t offset, int64_t length);

/// Bypasses the cache for one descriptor where that is not an open flag (macOS).
int64_t millrace_disable_cache(int32_t fd);

/// What the file system says about direct I/O on an open file (statx, STATX_DIOALIGN; Linux 6.1).
/// - Returns: 1 and both alignments in bytes; 0 where it does not say; -errno.
///   Alignments of 0 mean that it says direct I/O is not possible.
int64_t millrace_direct_alignment(int32_t fd, uint32_t *memory, uint32_t *offset);

/// Tells the kernel that a range of a file will be read soon. What comes of it shows when it is read.
void millrace_will_read(int32_t fd, int64_t offset, int64_t length);

// MARK: Memory

/// Has the processor bring what is at an address into its caches; any address will do.
static inline void millrace_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

/// The same for all of a page of 8192 bytes.
static inline void millrace_prefetch_page(const void *page) {
    for (int line = 0; line < 8192; line += 64) __builtin_prefetch((const char *)page + line, 0, 3);
}

// MARK: Threads

/// Sleeps while *word == expected, until woken or `timeout_ns` has passed (negative: no limit).
/// - Returns: 0, -EAGAIN (the word differed), -ETIMEDOUT or -EINTR. The caller looks at the word again in every case.
int64_t millrace_futex_wait(const void *word, uint32_t expected, int64_t timeout_ns);

/// Wakes up to `count` sleepers on a word. - Returns: how many there were, or -errno.
int64_t millrace_futex_wake(const void *word, int32_t count);

/// Sleeps while *word == expected, as one of some kinds of sleepers (bits), until one of those is woken.
int64_t millrace_futex_wait_among(const void *word, uint32_t expected, uint32_t kinds);

/// Wakes up to `count` sleepers of some kinds, those first that have slept longest.
int64_t millrace_futex_wake_among(const void *word, int32_t count, uint32_t kinds);

/// Names the calling thread (15 bytes at most), as `ps -T`, `top -H` and `strace -f` show it.
void millrace_name_thread(const char *name);

/// The kernel's number of the calling thread. Not cached by the compiler across suspension points.
int32_t millrace_thread_id(void);

/// Clean pages that the calling thread has made dirty: in shared pools, and in local ones. A page is made dirty in many
/// places, few of which know whose counters to use.
extern _Thread_local uint64_t millrace_dirtied_pages[2];
static inline void millrace_count_dirtied(bool is_local) { millrace_dirtied_pages[is_local]++; }
static inline uint64_t millrace_dirtied(bool is_local) { return millrace_dirtied_pages[is_local]; }

/// Nanoseconds of the monotonic clock.
static inline uint64_t millrace_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

#endif
