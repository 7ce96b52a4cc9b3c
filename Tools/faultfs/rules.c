// The latency and the fault rules of faultfs: parsing, matching, printing.

#define _GNU_SOURCE
#include "rules.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERN_MAX = 256 };

enum action { ACTION_ERROR, ACTION_LATENCY, ACTION_SHORT, ACTION_TORN, ACTION_FLIP, ACTION_SPACE };

struct rule {
    int kinds;  // a set of enum request_kind
    char pattern[PATTERN_MAX];
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
    {"read", REQUEST_READ},         {"write", REQUEST_WRITE}, {"fsync", REQUEST_FSYNC},
    {"allocate", REQUEST_ALLOCATE}, {"name", REQUEST_NAME},   {"any", REQUEST_ALL},
};

static const struct {
    const char *name;
    int kinds;  // of requests that it can be done to
} actions[] = {
    [ACTION_ERROR] = {"error", REQUEST_ALL},
    [ACTION_LATENCY] = {"latency", REQUEST_ALL},
    [ACTION_SHORT] = {"short", REQUEST_READ | REQUEST_WRITE},
    [ACTION_TORN] = {"torn", REQUEST_WRITE},
    [ACTION_FLIP] = {"flip", REQUEST_READ | REQUEST_WRITE},
    [ACTION_SPACE] = {"space", REQUEST_WRITE | REQUEST_ALLOCATE},
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
static atomic_int space_rule_count;
static atomic_long base_latency_us;

void rules_set_latency(long latency_us) {
    atomic_store(&base_latency_us, latency_us);
}

bool rules_count_growth(void) {
    return atomic_load(&space_rule_count) > 0;
}

// --- Matching ---

// A pattern with a wildcard must match the whole path, which begins with a slash; any other is a part of it.
static bool matches_path(const struct rule *rule, const char *path) {
    if (strpbrk(rule->pattern, "*?[")) return fnmatch(rule->pattern, path, 0) == 0;
    return strstr(path, rule->pattern) != NULL;
}

// A request fits or fails as a whole: where a write is asynchronous, the kernel would make EIO of a part that fits.
static void take_space(struct effect *effect, struct rule *rule, off_t growth) {
    if (growth <= 0) return;
    if (growth > rule->argument)
        effect->error = ENOSPC;
    else
        rule->argument -= growth;
}

static void add_effect(struct effect *effect, const struct rule *rule) {
    switch (rule->action) {
        case ACTION_ERROR: effect->error = (int)rule->argument; break;
        case ACTION_LATENCY: effect->latency_us += rule->argument; break;
        case ACTION_SHORT: effect->transfer = rule->argument; break;
        case ACTION_TORN: effect->transfer = rule->argument; effect->torn = true; break;
        case ACTION_FLIP: effect->flip = rule->argument; break;
        case ACTION_SPACE: break;
    }
}

struct effect rules_apply(enum request_kind kind, const char *path, off_t offset, size_t size, off_t growth) {
    struct effect effect = {.transfer = -1, .flip = -1};
    if (kind != REQUEST_NAME) effect.latency_us = atomic_load(&base_latency_us);
    if (atomic_load(&rule_count) == 0) return effect;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < rule_count; i++) {
        struct rule *rule = &rules[i];
        if (!(rule->kinds & actions[rule->action].kinds & (int)kind) || rule->remaining == 0) continue;
        if (!matches_path(rule, path)) continue;
        // An fsync, as what is done to a name, concerns the whole file, whatever range the rule names.
        bool has_range = kind != REQUEST_FSYNC && kind != REQUEST_NAME;
        if (has_range && (offset > rule->last || offset + (off_t)size <= rule->first)) continue;
        if (rule->action == ACTION_SPACE) {
            take_space(&effect, rule, growth);
            continue;
        }
        if (++rule->matched % rule->every != 0) continue;
        if (rule->remaining > 0) rule->remaining--;
        add_effect(&effect, rule);
    }
    pthread_mutex_unlock(&lock);
    return effect;
}

void rules_give_back(const char *path, off_t bytes) {
    if (!rules_count_growth() || bytes <= 0) return;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < rule_count; i++)
        if (rules[i].action == ACTION_SPACE && matches_path(&rules[i], path)) rules[i].argument += bytes;
    pthread_mutex_unlock(&lock);
}

// --- Parsing ---

bool parse_number(const char *text, long minimum, long *number) {
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

bool rules_parse(char *words[], struct rule *rule) {
    *rule = (struct rule){0};
    for (size_t i = 0; i < COUNT(operations); i++)
        if (strcmp(words[0], operations[i].name) == 0) rule->kinds = operations[i].kinds;

    if (strlen(words[1]) >= PATTERN_MAX) return false;
    strcpy(rule->pattern, words[1]);

    long first, last;
    if (!parse_number(words[2], 0, &first) || !parse_number(words[3], -1, &last)) return false;
    rule->first = first;
    rule->last = last == -1 ? LONG_MAX : last;

    size_t action = 0;
    while (action < COUNT(actions) && strcmp(words[4], actions[action].name) != 0) action++;
    if (action == COUNT(actions)) return false;
    rule->action = (enum action)action;

    long every;
    if (!parse_argument(rule->action, words[5], &rule->argument)) return false;
    if (!parse_number(words[6], 1, &every) || !parse_number(words[7], -1, &rule->remaining)) return false;
    rule->every = (unsigned long)every;
    // "any" is all that the action can be done to; what is named must be one of them.
    bool is_possible = rule->kinds == REQUEST_ALL || (rule->kinds & actions[action].kinds) != 0;
    return rule->kinds != 0 && is_possible && rule->first <= rule->last;
}

struct rule *rules_allocate(void) {
    return calloc(RULES_MAX, sizeof(struct rule));
}

struct rule *rules_at(struct rule *parsed, int index) {
    return &parsed[index];
}

int rules_add(const struct rule *parsed, int count) {
    pthread_mutex_lock(&lock);
    int result = rule_count + count > RULES_MAX ? -ENOSPC : 0;
    for (int i = 0; result == 0 && i < count; i++) {
        rules[rule_count] = parsed[i];
        if (parsed[i].action == ACTION_SPACE) atomic_fetch_add(&space_rule_count, 1);
        atomic_fetch_add(&rule_count, 1);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void rules_clear(void) {
    pthread_mutex_lock(&lock);
    atomic_store(&rule_count, 0);
    atomic_store(&space_rule_count, 0);
    pthread_mutex_unlock(&lock);
}

// --- Printing ---

static int print_rule(const struct rule *rule, char *text, size_t capacity) {
    const char *operation = "";
    for (size_t i = 0; i < COUNT(operations); i++)
        if (operations[i].kinds == rule->kinds) operation = operations[i].name;

    char argument[32];
    snprintf(argument, sizeof argument, "%ld", rule->argument);
    for (size_t i = 0; rule->action == ACTION_ERROR && i < COUNT(errors); i++)
        if (errors[i].number == rule->argument) snprintf(argument, sizeof argument, "%s", errors[i].name);

    return snprintf(text, capacity, "%s %s %ld %ld %s %s %lu %ld\n", operation, rule->pattern, (long)rule->first,
                    rule->last == LONG_MAX ? -1L : (long)rule->last, actions[rule->action].name, argument,
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
