// See millrace_system.h. In a file of its own, because what Glibc shows only under _GNU_SOURCE is not there in a header
// that Swift imports after Glibc.

#define _GNU_SOURCE 1

#include "millrace_system.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

#ifdef O_DIRECT
const int32_t millrace_open_direct = O_DIRECT;
#else
const int32_t millrace_open_direct = 0;
#endif

_Thread_local uint64_t millrace_dirtied_pages[2];

/// The result of a call that reports through errno: the value itself, or -errno.
static int64_t millrace_result(int64_t value) { return value < 0 ? -(int64_t)errno : value; }

int64_t millrace_open(const char *path, int32_t flags, uint32_t mode) {
    int fd;
    do {
        fd = open(path, flags, (mode_t)mode);
    } while (fd < 0 && errno == EINTR);
    return millrace_result(fd);
}

int64_t millrace_preadv(int32_t fd, const void *vectors, int32_t count, int64_t offset) {
    const struct iovec *first = vectors;
    if (count == 1) return millrace_result(pread(fd, first->iov_base, first->iov_len, offset));
    return millrace_result(preadv(fd, vectors, count, offset));
}

int64_t millrace_pwritev(int32_t fd, const void *vectors, int32_t count, int64_t offset) {
    const struct iovec *first = vectors;
    if (count == 1) return millrace_result(pwrite(fd, first->iov_base, first->iov_len, offset));
    return millrace_result(pwritev(fd, vectors, count, offset));
}

int64_t millrace_preadv_nowait(int32_t fd, const void *vectors, int32_t count, int64_t offset) {
#ifdef __linux__
    return millrace_result(preadv2(fd, vectors, count, offset, RWF_NOWAIT));
#else
    (void)fd, (void)vectors, (void)count, (void)offset;
    return -(int64_t)EOPNOTSUPP;
#endif
}

void millrace_will_read(int32_t fd, int64_t offset, int64_t length) {
#ifdef POSIX_FADV_WILLNEED
    (void)posix_fadvise(fd, offset, length, POSIX_FADV_WILLNEED);
#else
    (void)fd, (void)offset, (void)length;
#endif
}

int64_t millrace_fsync(int32_t fd) { return millrace_result(fsync(fd)); }

int64_t millrace_fdatasync(int32_t fd) {
#ifdef __APPLE__
    return millrace_result(fsync(fd));
#else
    return millrace_result(fdatasync(fd));
#endif
}

int64_t millrace_flush_range(int32_t fd, int64_t offset, int64_t length) {
#ifdef __linux__
    return millrace_result(sync_file_range(fd, offset, length, SYNC_FILE_RANGE_WRITE));
#else
    (void)fd, (void)offset, (void)length;
    return 0;
#endif
}

int64_t millrace_allocate(int32_t fd, int64_t offset, int64_t length) {
#ifdef __linux__
    return millrace_result(fallocate(fd, 0, offset, length));
#elif defined(__APPLE__)
    (void)fd, (void)offset, (void)length;
    return -(int64_t)EOPNOTSUPP;
#else
    int error = posix_fallocate(fd, offset, length);
    return error == 0 ? 0 : -(int64_t)error;
#endif
}

int64_t millrace_drop_cache(int32_t fd, int64_t offset, int64_t length) {
#ifdef __APPLE__
    (void)fd, (void)offset, (void)length;
    return -(int64_t)ENOSYS;
#else
    int error = posix_fadvise(fd, offset, length, POSIX_FADV_DONTNEED);
    return error == 0 ? 0 : -(int64_t)error;
#endif
}

int64_t millrace_disable_cache(int32_t fd) {
#ifdef F_NOCACHE
    return millrace_result(fcntl(fd, F_NOCACHE, 1));
#else
    (void)fd;
    return 0;
#endif
}

int64_t millrace_direct_alignment(int32_t fd, uint32_t *memory, uint32_t *offset) {
    *memory = 0;
    *offset = 0;
#if defined(__linux__) && defined(SYS_statx)
    // The tail of struct statx that old headers lack is read by position: 152 is stx_dio_mem_align.
    union {
        uint8_t bytes[256];
        uint64_t aligned;
    } answer;
    const unsigned int mask_dioalign = 0x2000U;
    const int at_empty_path = 0x1000;
    if (syscall(SYS_statx, fd, "", at_empty_path, mask_dioalign, answer.bytes) != 0) return -(int64_t)errno;
    uint32_t mask = *(const uint32_t *)(const void *)answer.bytes;
    if ((mask & mask_dioalign) == 0) return 0;
    *memory = *(const uint32_t *)(const void *)(answer.bytes + 152);
    *offset = *(const uint32_t *)(const void *)(answer.bytes + 156);
    return 1;
#else
    (void)fd;
    return 0;
#endif
}

int64_t millrace_futex_wait(const void *word, uint32_t expected, int64_t timeout_ns) {
#ifdef __linux__
    struct timespec limit = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    return millrace_result(
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? NULL : &limit, NULL, 0));
#else
    // Other systems poll: correct, and slow.
    (void)word, (void)expected, (void)timeout_ns;
    struct timespec pause = {.tv_sec = 0, .tv_nsec = 100000};
    nanosleep(&pause, NULL);
    return -(int64_t)EAGAIN;
#endif
}

int64_t millrace_futex_wake(const void *word, int32_t count) {
#ifdef __linux__
    return millrace_result(syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0));
#else
    (void)word, (void)count;
    return 0;
#endif
}

int64_t millrace_futex_wait_among(const void *word, uint32_t expected, uint32_t kinds) {
#ifdef __linux__
    return millrace_result(syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, NULL, NULL, kinds));
#else
    (void)kinds;
    return millrace_futex_wait(word, expected, -1);
#endif
}

int64_t millrace_futex_wake_among(const void *word, int32_t count, uint32_t kinds) {
#ifdef __linux__
    return millrace_result(syscall(SYS_futex, word, FUTEX_WAKE_BITSET_PRIVATE, count, NULL, NULL, kinds));
#else
    (void)kinds;
    return millrace_futex_wake(word, count);
#endif
}

void millrace_name_thread(const char *name) {
#ifdef __APPLE__
    pthread_setname_np(name);
#else
    pthread_setname_np(pthread_self(), name);
#endif
}

int32_t millrace_thread_id(void) {
#ifdef __linux__
    return (int32_t)syscall(SYS_gettid);
#else
    return 0;
#endif
}
