// Turns a raw parse tree into words; see MillraceNode for their meaning.

#ifndef MILLRACE_WALK_H
#define MILLRACE_WALK_H

#include "CPostgresParser.h"
#include "postgres_headers.h"

typedef struct MillraceWriter {
    // Allocated in the current memory context.
    uint32_t *words;
    size_t count;
    size_t capacity;
    bool omit_locations;
    size_t stack_reserve;
    size_t max_stack_depth;
    // Set where the stack ended; what was written is not complete then.
    bool stack_exhausted;
} MillraceWriter;

// Reports an error as PostgreSQL does, by a jump to PG_exception_stack, where memory is exhausted.
void millrace_write_tree(MillraceWriter *writer, const List *statements);

// What SQL calls a node that is not listed in millrace_nodes.h.
const char *millrace_construct_name(const Node *node);

#endif
