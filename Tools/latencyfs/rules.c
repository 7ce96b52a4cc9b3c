// The latency and the fault rules of latencyfs: parsing, matching, printing.

#define _GNU_SOURCE
#include "rules.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 64, PATH_PART_MAX = 256, LINE_MAX_LENGTH = 512 };

enum action { ACTION_ERROR, ACTION_LATENCY, ACTION_SHORT, ACTION_TORN, ACTION_FLIP };

struct rule {
    int kinds;  // a set of enum request_kind
    char path_part[PATH_PART_MAX];
    off_t first, last;
    enum action action;
    long argument;
    unsigned long every;
    long remaining;  // how often it still fires, -1: no limit
    unsigned long matched;
};

static const struct {
    const char *name;
    int kinds;
} operations[] = {
    {"read", REQUEST_READ},
    {"write", REQUEST_WRITE},
    {"fsync", REQUEST_FSYNC},
    {"any", REQUEST_READ | REQUEST_WRITE | REQUEST_FSYNC},
};

static const char *const action_names[] = {
    [ACTION_ERROR] = "error", [ACTION_LATENCY] = "latency", [ACTION_SHORT] = "short",
    [ACTION_TORN] = "torn",   [ACTION_FLIP] = "flip",
};

static const struct {
    const char *name;
    int number;
} errors[] = {
    {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS}, {"EDQUOT", EDQUOT}, {"EAGAIN", EAGAIN},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[RULES_MAX];
static atomic_int rule_count;  // read without the lock by requests, so that no rules cost nothing
static atomic_long base_latency_us;

void rules_set_latency(long latency_us) {
    atomic_store(&base_latency_us, latency_us);
}

static void add_effect(struct effect *effect, const struct rule *rule) {
    switch (rule->action) {
        case ACTION_ERROR: effect->error = (int)rule->argument; break;
        case ACTION_LATENCY: effect->latency_us += rule->argument; break;
        case ACTION_SHORT: effect->transfer = rule->argument; break;
        case ACTION_TORN: effect->transfer = rule->argument; effect->torn = true; break;
        case ACTION_FLIP: effect->flip = rule->argument; break;
    }
}

struct effect rules_apply(enum request_kind kind, const char *path, off_t offset, size_t size) {
    struct effect effect = {.latency_us = atomic_load(&base_latency_us), .transfer = -1, .flip = -1};
    if (atomic_load(&rule_count) == 0) return effect;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < rule_count; i++) {
        struct rule *rule = &rules[i];
        if (!(rule->kinds & (int)kind) || rule->remaining == 0) continue;
        if (strcmp(rule->path_part, "*") != 0 && strstr(path, rule->path_part) == NULL) continue;
        // An fsync concerns the whole file, whatever range the rule names.
        if (kind != REQUEST_FSYNC && (offset > rule->last || offset + (off_t)size <= rule->first)) continue;
        if (++rule->matched % rule->every != 0) continue;
        if (rule->remaining > 0) rule->remaining--;
        add_effect(&effect, rule);
    }
    pthread_mutex_unlock(&lock);
    return effect;
}

// A whole decimal number of at least `minimum`.
static bool parse_number(const char *text, long minimum, long *number) {
    char *end;
    errno = 0;
    *number = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *number >= minimum;
}

static bool parse_argument(enum action action, const char *text, long *argument) {
    if (action != ACTION_ERROR) return parse_number(text, 0, argument);
    for (size_t i = 0; i < COUNT(errors); i++) {
        if (strcmp(text, errors[i].name) == 0) {
            *argument = errors[i].number;
            return true;
        }
    }
    return false;
}

static bool parse_rule(char *words[8], struct rule *rule) {
    *rule = (struct rule){0};
    for (size_t i = 0; i < COUNT(operations); i++)
        if (strcmp(words[0], operations[i].name) == 0) rule->kinds = operations[i].kinds;

    if (strlen(words[1]) >= PATH_PART_MAX) return false;
    strcpy(rule->path_part, words[1]);

    long first, last;
    if (!parse_number(words[2], 0, &first) || !parse_number(words[3], -1, &last)) return false;
    rule->first = first;
    rule->last = last == -1 ? LONG_MAX : last;

    size_t action = 0;
    while (action < COUNT(action_names) && strcmp(words[4], action_names[action]) != 0) action++;
    if (action == COUNT(action_names)) return false;
    rule->action = (enum action)action;

    long every;
    if (!parse_argument(rule->action, words[5], &rule->argument)) return false;
    if (!parse_number(words[6], 1, &every) || !parse_number(words[7], -1, &rule->remaining)) return false;
    rule->every = (unsigned long)every;
    if (rule->action == ACTION_TORN && rule->kinds != REQUEST_WRITE) return false;
    return rule->kinds != 0 && rule->first <= rule->last;
}

// One line: empty, a comment, `latency N` or a rule. Appends to `parsed`.
static bool parse_line(char *line, struct rule *parsed, int *count, long *latency_us) {
    char *words[8], *rest = NULL;
    int word_count = 0;
    for (char *word = strtok_r(line, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        if (word_count == 8) return false;
        words[word_count++] = word;
    }
    if (word_count == 0 || words[0][0] == '#') return true;
    if (word_count == 2 && strcmp(words[0], "latency") == 0) return parse_number(words[1], 0, latency_us);
    if (word_count != 8 || *count == RULES_MAX) return false;
    return parse_rule(words, &parsed[(*count)++]);
}

int rules_add(const char *text, size_t length) {
    struct rule *parsed = calloc(RULES_MAX, sizeof *parsed);
    if (!parsed) return -ENOMEM;
    int count = 0, result = 0;
    long latency_us = atomic_load(&base_latency_us);

    for (const char *at = text, *end = text + length; at < end && result == 0;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line_length = (size_t)((newline ? newline : end) - at);
        char line[LINE_MAX_LENGTH];
        if (line_length >= sizeof line) {
            result = -EINVAL;
            break;
        }
        memcpy(line, at, line_length);
        line[line_length] = '\0';
        if (!parse_line(line, parsed, &count, &latency_us)) result = -EINVAL;
        at += line_length + 1;
    }

    pthread_mutex_lock(&lock);
    if (result == 0 && rule_count + count > RULES_MAX) result = -ENOSPC;
    if (result == 0) {
        memcpy(rules + rule_count, parsed, (size_t)count * sizeof *parsed);
        atomic_fetch_add(&rule_count, count);
        rules_set_latency(latency_us);
    }
    pthread_mutex_unlock(&lock);
    free(parsed);
    return result;
}

void rules_clear(void) {
    pthread_mutex_lock(&lock);
    atomic_store(&rule_count, 0);
    pthread_mutex_unlock(&lock);
}

static int print_rule(const struct rule *rule, char *text, size_t capacity) {
    const char *operation = "";
    for (size_t i = 0; i < COUNT(operations); i++)
        if (operations[i].kinds == rule->kinds) operation = operations[i].name;

    char argument[32];
    snprintf(argument, sizeof argument, "%ld", rule->argument);
    for (size_t i = 0; rule->action == ACTION_ERROR && i < COUNT(errors); i++)
        if (errors[i].number == rule->argument) snprintf(argument, sizeof argument, "%s", errors[i].name);

    return snprintf(text, capacity, "%s %s %ld %ld %s %s %lu %ld\n", operation, rule->path_part, (long)rule->first,
                    rule->last == LONG_MAX ? -1L : (long)rule->last, action_names[rule->action], argument,
                    rule->every, rule->remaining);
}

size_t rules_print(char *text, size_t capacity) {
    size_t length = (size_t)snprintf(text, capacity, "latency %ld\n", atomic_load(&base_latency_us));
    pthread_mutex_lock(&lock);
    for (int i = 0; i < rule_count && length < capacity; i++)
        length += (size_t)print_rule(&rules[i], text + length, capacity - length);
    pthread_mutex_unlock(&lock);
    return length < capacity ? length : capacity;
}
