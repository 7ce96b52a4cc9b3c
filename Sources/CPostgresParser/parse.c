#include "walk.h"

#include <string.h>

// PostgreSQL's RAW_PARSE_DEFAULT: whole statements.
static const int raw_parse_default = 0;

static void keep_error(MillraceParseResult *result, const ErrorData *error) {
    result->failed = true;
    int code = error->sqlerrcode;
    for (int i = 0; i < 5; i++) {
        result->sqlstate[i] = (char)(PGUNSIXBIT(code));
        code >>= 6;
    }
    result->sqlstate[5] = 0;
    result->message = error->message;
    result->detail = error->detail;
    result->hint = error->hint;
    result->cursor_position = error->cursorpos;
}

void millrace_parse(const char *sql, const MillraceParseOptions *options, MillraceParseResult *result) {
    memset(result, 0, sizeof *result);
    MemoryContext context = pg_query_enter_memory_context();
    result->memory_context = context;

    sigjmp_buf *const outer_stack = PG_exception_stack;
    ErrorContextCallback *const outer_callbacks = error_context_stack;
    sigjmp_buf jump;
    // The signal mask is not saved: that would be a system call for each statement.
    if (sigsetjmp(jump, 0) == 0) {
        PG_exception_stack = &jump;
        standard_conforming_strings = options->standard_conforming_strings;
        MillraceWriter writer = {
            .omit_locations = options->omit_locations,
            .stack_reserve = options->stack_reserve,
            .max_stack_depth = options->max_stack_depth,
        };
        millrace_write_tree(&writer, raw_parser(sql, raw_parse_default));
        if (writer.stack_exhausted) {
            result->failed = true;
            result->stack_exhausted = true;
        } else {
            result->words = writer.words;
            result->count = writer.count;
        }
    } else {
        PG_exception_stack = outer_stack;
        error_context_stack = outer_callbacks;
        // Reporting has switched to the context of errors, which FlushErrorState() empties.
        CurrentMemoryContext = context;
        keep_error(result, CopyErrorData());
        FlushErrorState();
    }
    PG_exception_stack = outer_stack;
    error_context_stack = outer_callbacks;
}

void millrace_parse_release(MillraceParseResult *result) {
    if (result->memory_context != NULL) pg_query_exit_memory_context(result->memory_context);
    memset(result, 0, sizeof *result);
}
