// PostgreSQL's own parser (libpg_query 15), and its raw parse trees in a form that can be read without pointers.

#ifndef CPOSTGRESPARSER_H
#define CPOSTGRESPARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace_nodes.h"

#define MILLRACE_NODE_ENUMERATOR(name, ...) MillraceNode##name,

// What begins a node in `MillraceParseResult.words`. What follows:
//
//   Null          nothing: a node, list or string that is not there
//   List          the number of elements, then each of them
//   Integer       one word; Boolean one word, 0 or 1
//   Float, String, BitString   a string
//   A_Const       `isnull`, then the value as a node of one of the five kinds above (Null if it is null), `location`
//   Unsupported   a string: what SQL calls the construct
//   others        their fields, as listed in millrace_nodes.h
//
// A string is one word, 0 for NULL and else its length in bytes and one more, then its bytes, filled up to a whole
// word.
// A number, enumerator, `bool` or `char` is one word; a `long` is two, the lower half first.
typedef enum __attribute__((enum_extensibility(closed))) MillraceNode : uint32_t {
    MillraceNodeNull,
    MillraceNodeList,
    MillraceNodeInteger,
    MillraceNodeFloat,
    MillraceNodeBoolean,
    MillraceNodeString,
    MillraceNodeBitString,
    MillraceNodeA_Const,
    MillraceNodeUnsupported,
    MILLRACE_NODES(MILLRACE_NODE_ENUMERATOR)
} MillraceNode;

// For tests: the name of the listed node of that number and the names of its fields, each followed by a space. NULL
// behind the last one.
const char *millrace_node_description(size_t number);

typedef struct MillraceParseOptions {
    // The setting of that name: whether a backslash in '...' is just a character.
    bool standard_conforming_strings;
    // Whether all locations and lengths are handed over as 0, so that equal trees are equal words.
    bool omit_locations;
    // What must stay free of the thread's stack, in bytes.
    size_t stack_reserve;
    // The setting of that name, in bytes: what a statement may use of the stack at most.
    size_t max_stack_depth;
} MillraceParseOptions;

typedef struct MillraceParseResult {
    // The list of RawStmt nodes; NULL where parsing failed.
    const uint32_t *words;
    size_t count;

    // Where parsing failed: the error that PostgreSQL reports. `cursor_position` counts characters from 1; 0 is none.
    bool failed;
    char sqlstate[6];
    const char *message;
    const char *detail;
    const char *hint;
    int32_t cursor_position;

    // Whether the thread's stack, or what a statement may use of it, was exhausted; there is no message then.
    bool stack_exhausted;

    void *memory_context;
} MillraceParseResult;

// Parses the statements of a string, which ends with its first NUL, on this thread. Takes about as much time as
// PostgreSQL's own raw_parser(). What it returns is memory that millrace_parse_release() frees, on the same thread, and
// which must be called in any case; no other parse may begin on this thread before.
void millrace_parse(const char *sql, const MillraceParseOptions *options, MillraceParseResult *result);
void millrace_parse_release(MillraceParseResult *result);

// The category of a keyword in PostgreSQL's common/keywords.h, from unreserved (0) to reserved (3); -1 for other words.
// The word is in lower case.
int32_t millrace_keyword_category(const char *word);

// Whether this thread's stack has at least so many bytes left, and the caller has used at most `max_depth` of it.
// Some nanoseconds; the first call of a thread asks the system where its stack is.
bool millrace_stack_has_room(size_t reserve, size_t max_depth);

// How many bytes of this thread's stack are left to the caller, if all may use at most `max_depth` of it.
size_t millrace_stack_room(size_t max_depth);

#endif
