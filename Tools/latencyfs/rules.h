// The latency and the fault rules of latencyfs: see the head of latencyfs.c for their language.

#ifndef LATENCYFS_RULES_H
#define LATENCYFS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum request_kind { REQUEST_READ = 1, REQUEST_WRITE = 2, REQUEST_FSYNC = 4 };

/// What the rules say about one request. `no_effect()` is the value that changes nothing.
struct effect {
    int error;        ///< errno to fail with, or 0
    long latency_us;  ///< the least time that the request takes, in microseconds
    off_t transfer;   ///< bytes that are really transferred, or -1 for all
    bool torn;        ///< a write reports success for the bytes that `transfer` left out
    off_t flip;       ///< position in the file of a byte to invert on its way, or -1
};

/// The latency of every request, in microseconds. Set once before the file system serves anything.
void rules_set_latency(long latency_us);

/// What happens to this request. Counts it for the rules that match it.
struct effect rules_apply(enum request_kind kind, const char *path, off_t offset, size_t size);

/// Adds the rules in `text`, all of them or, when one is malformed, none. Returns 0 or -errno.
int rules_add(const char *text, size_t length);

void rules_clear(void);

/// Writes the latency and the rules as they could be given to `rules_add` again. Returns the length.
size_t rules_print(char *text, size_t capacity);

#endif
