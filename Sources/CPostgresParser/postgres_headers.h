// PostgreSQL's declarations of its raw parse trees and its error handling, from the package postgresql-server-dev-15.
//
// The directory `postgresql` beside this file is a link to that package's headers. libpg_query is PostgreSQL's code
// with its global variables made thread-local; those that are used here are declared anew, the headers' own
// declarations being renamed.

#pragma clang system_header

#if !__has_include("postgres.h")
#error "PostgreSQL 15's server headers are not installed: run scripts/install-test-dependencies.sh"
#endif

#define PG_exception_stack not_thread_local_exception_stack
#define error_context_stack not_thread_local_error_context_stack
#define CurrentMemoryContext not_thread_local_memory_context
#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "nodes/value.h"
#include "utils/elog.h"
#include "utils/palloc.h"
#undef PG_exception_stack
#undef error_context_stack
#undef CurrentMemoryContext

extern __thread sigjmp_buf *PG_exception_stack;
extern __thread ErrorContextCallback *error_context_stack;
extern __thread MemoryContext CurrentMemoryContext;
extern __thread bool standard_conforming_strings;

// libpg_query's own, which its installed headers declare only beside names that clash with the above.
extern MemoryContext pg_query_enter_memory_context(void);
extern void pg_query_exit_memory_context(MemoryContext context);
extern List *raw_parser(const char *sql, int mode);
