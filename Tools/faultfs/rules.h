// The latency and the fault rules of faultfs: see the head of faultfs.c for their language.

#ifndef FAULTFS_RULES_H
#define FAULTFS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum request_kind {
    REQUEST_READ = 1,
    REQUEST_WRITE = 2,
    REQUEST_FSYNC = 4,
    REQUEST_ALLOCATE = 8,
    REQUEST_NAME = 16,  ///< making, renaming or removing a file or directory
    REQUEST_ALL = 31,
};

/// What the rules say about one request.
struct effect {
    int error;        ///< errno to fail with, or 0
    long latency_us;  ///< the least time that the request takes, in microseconds
    off_t transfer;   ///< bytes that are really transferred, or -1 for all
    bool torn;        ///< a write reports success for the bytes that `transfer` left out
    off_t flip;       ///< position in the file of a byte to invert on its way, or -1
};

/// One line of the rule language, parsed.
struct rule;

enum { RULES_MAX = 64, RULE_WORDS = 8 };

/// The latency of every request, in microseconds.
void rules_set_latency(long latency_us);

/// Whether any rule wants to know by how much a request makes its file longer.
bool rules_count_growth(void);

/// What happens to this request. Counts it for the rules that match it.
/// `growth`: bytes by which it would make the file longer; asked for by `rules_count_growth`.
struct effect rules_apply(enum request_kind kind, const char *path, off_t offset, size_t size, off_t growth);

/// A file became shorter or went away: its space can be used again.
void rules_give_back(const char *path, off_t bytes);

/// Whether the words, RULE_WORDS of them, are a rule.
bool rules_parse(char *words[], struct rule *rule);

/// An array for `rules_parse` to fill, of RULES_MAX.
struct rule *rules_allocate(void);
struct rule *rules_at(struct rule *rules, int index);

/// Adds parsed rules, all of them or, where they do not fit, none. Returns 0 or -errno.
int rules_add(const struct rule *parsed, int count);

void rules_clear(void);

/// Writes the latency and the rules as they could be given again. Returns the length.
size_t rules_print(char *text, size_t capacity);

/// A whole decimal number of at least `minimum`.
bool parse_number(const char *text, long minimum, long *number);

#endif
