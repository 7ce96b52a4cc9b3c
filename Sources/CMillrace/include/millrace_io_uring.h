// The kernel's io_uring interface (io_uring(7), include/uapi/linux/io_uring.h), as far as the engine uses it.
//
// The declarations are our own: the ABI is stable, a build must not depend on how old the installed kernel headers are,
// and <linux/io_uring.h> seen through two clang modules of one program does not compile (docs/decisions/0001).

#ifndef MILLRACE_IO_URING_H
#define MILLRACE_IO_URING_H

#include <errno.h>
#include <stdint.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum {
    MILLRACE_RING_OP_NOP = 0,
    MILLRACE_RING_OP_READV = 1,
    MILLRACE_RING_OP_WRITEV = 2,
    MILLRACE_RING_OP_FSYNC = 3,
    MILLRACE_RING_OP_READ_FIXED = 4,
    MILLRACE_RING_OP_WRITE_FIXED = 5,
    MILLRACE_RING_OP_SYNC_FILE_RANGE = 8,
    MILLRACE_RING_OP_FALLOCATE = 17,
    MILLRACE_RING_OP_READ = 22,
    MILLRACE_RING_OP_WRITE = 23,
};

static const uint32_t millrace_ring_fsync_datasync = 1U << 0;
static const uint8_t millrace_ring_sqe_async = 1U << 4;

static const uint32_t millrace_ring_setup_cqsize = 1U << 3;
static const uint32_t millrace_ring_setup_clamp = 1U << 4;
static const uint32_t millrace_ring_setup_r_disabled = 1U << 6;
static const uint32_t millrace_ring_setup_taskrun_flag = 1U << 9;
static const uint32_t millrace_ring_setup_single_issuer = 1U << 12;
static const uint32_t millrace_ring_setup_defer_taskrun = 1U << 13;

static const uint32_t millrace_ring_feature_single_mmap = 1U << 0;
static const uint32_t millrace_ring_feature_nodrop = 1U << 1;

static const uint32_t millrace_ring_enter_getevents = 1U << 0;
static const uint32_t millrace_ring_sq_cq_overflow = 1U << 1;
static const uint32_t millrace_ring_sq_taskrun = 1U << 2;

static const uint32_t millrace_ring_register_buffers = 0;
static const uint32_t millrace_ring_register_probe = 8;
static const uint32_t millrace_ring_register_enable = 12;

/// The lowest of the levels that share a device fairly (IOPRIO_CLASS_BE, 7).
static const uint16_t millrace_ring_priority_low = 2U << 13 | 7U;

static const int64_t millrace_ring_offset_sq = 0;
static const int64_t millrace_ring_offset_cq = 0x8000000;
static const int64_t millrace_ring_offset_sqes = 0x10000000;

struct millrace_ring_sqe {
    uint8_t opcode;
    uint8_t flags;
    uint16_t ioprio;
    int32_t fd;
    uint64_t offset;
    uint64_t address;
    uint32_t length;
    uint32_t operation_flags;
    uint64_t user_data;
    uint16_t buffer_index;
    uint16_t personality;
    int32_t splice_fd;
    uint64_t padding[2];
};

struct millrace_ring_cqe {
    uint64_t user_data;
    int32_t result;
    uint32_t flags;
};

struct millrace_ring_sq_offsets {
    uint32_t head, tail, ring_mask, ring_entries, flags, dropped, array, reserved;
    uint64_t user_address;
};

struct millrace_ring_cq_offsets {
    uint32_t head, tail, ring_mask, ring_entries, overflow, cqes, flags, reserved;
    uint64_t user_address;
};

struct millrace_ring_parameters {
    uint32_t sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd, reserved[3];
    struct millrace_ring_sq_offsets sq;
    struct millrace_ring_cq_offsets cq;
};

struct millrace_ring_probe_operation {
    uint8_t op, reserved;
    uint16_t flags;
    uint32_t reserved2;
};

struct millrace_ring_probe {
    uint8_t last_op, operations_length;
    uint16_t reserved;
    uint32_t reserved2[3];
    struct millrace_ring_probe_operation operations[64];
};

_Static_assert(sizeof(struct millrace_ring_sqe) == 64, "a submission entry is 64 bytes");
_Static_assert(sizeof(struct millrace_ring_cqe) == 16, "a completion entry is 16 bytes");
_Static_assert(sizeof(struct millrace_ring_parameters) == 120, "the set-up parameters are 120 bytes");

#ifdef __linux__
// The numbers are the same on every architecture that has the calls.
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#define SYS_io_uring_register 427
#endif

static inline int64_t millrace_ring_setup(uint32_t entries, struct millrace_ring_parameters *parameters) {
    long fd = syscall(SYS_io_uring_setup, entries, parameters);
    return fd < 0 ? -(int64_t)errno : fd;
}

static inline int64_t millrace_ring_enter(int32_t fd, uint32_t to_submit, uint32_t min_complete, uint32_t flags) {
    long count = syscall(SYS_io_uring_enter, fd, to_submit, min_complete, flags, (void *)0, 0);
    return count < 0 ? -(int64_t)errno : count;
}

static inline int64_t millrace_ring_register(int32_t fd, uint32_t operation, const void *argument, uint32_t count) {
    long result = syscall(SYS_io_uring_register, fd, operation, argument, count);
    return result < 0 ? -(int64_t)errno : result;
}
#endif

#endif
