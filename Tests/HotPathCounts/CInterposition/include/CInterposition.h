// Counts what hot paths must not do. Linked into an executable, these definitions take the place of the system's
// functions for all code in it; each counts on its thread and calls the one that it replaces.

#ifndef CINTERPOSITION_H
#define CINTERPOSITION_H

#include <stdbool.h>
#include <stdint.h>

struct interposition_counts {
    uint64_t allocations;
    uint64_t retains;
    uint64_t releases;
    uint64_t locks;
};

/// Starts counting on the calling thread, from zero.
void interposition_begin(void);

/// Ends counting on the calling thread.
struct interposition_counts interposition_end(void);

#endif
