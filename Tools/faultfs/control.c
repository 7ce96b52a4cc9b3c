// The commands that are written to .control.

#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "held.h"
#include "rules.h"

enum { LINE_MAX_LENGTH = 512, COMMANDS_MAX = 64 };

enum verb { VERB_LATENCY, VERB_HOLD_ON, VERB_HOLD_OFF, VERB_DROP, VERB_POWER_OFF, VERB_POWER_ON };

struct command {
    enum verb verb;
    bool has_number;
    long number;
};

static const struct {
    const char *words[2];
    enum verb verb;
    bool takes_number, needs_number;
} verbs[] = {
    {{"latency", NULL}, VERB_LATENCY, true, true},  {{"hold", "on"}, VERB_HOLD_ON, false, false},
    {{"hold", "off"}, VERB_HOLD_OFF, false, false}, {{"drop", NULL}, VERB_DROP, true, false},
    {{"power", "off"}, VERB_POWER_OFF, true, false}, {{"power", "on"}, VERB_POWER_ON, false, false},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Whoever changes files holds it shared, a loss of unsynced writes exclusively; it goes before changes that come later,
// or under load it would never come.
static pthread_rwlock_t changing = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static atomic_bool power_is_off;

bool control_has_power(void) {
    return !atomic_load(&power_is_off);
}

int control_begin_change(void) {
    pthread_rwlock_rdlock(&changing);
    if (control_has_power()) return 0;
    pthread_rwlock_unlock(&changing);
    return -EIO;
}

void control_end_change(void) {
    pthread_rwlock_unlock(&changing);
}

static void drop(const struct command *command, bool power_goes_off) {
    uint64_t seed = (uint64_t)command->number;
    pthread_rwlock_wrlock(&changing);
    if (power_goes_off) atomic_store(&power_is_off, true);
    held_drop(command->has_number ? &seed : NULL);
    pthread_rwlock_unlock(&changing);
}

static void hold(bool on) {
    pthread_rwlock_wrlock(&changing);
    held_switch(on);
    pthread_rwlock_unlock(&changing);
}

static void execute(const struct command *command) {
    switch (command->verb) {
        case VERB_LATENCY: rules_set_latency(command->number); break;
        case VERB_HOLD_ON: hold(true); break;
        case VERB_HOLD_OFF: hold(false); break;
        case VERB_DROP: drop(command, false); break;
        case VERB_POWER_OFF: drop(command, true); break;
        case VERB_POWER_ON: atomic_store(&power_is_off, false); break;
    }
}

static bool parse_command(char *words[], int count, struct command *command) {
    for (size_t i = 0; i < COUNT(verbs); i++) {
        int names = verbs[i].words[1] ? 2 : 1;
        if (count < names || strcmp(words[0], verbs[i].words[0]) != 0) continue;
        if (names == 2 && strcmp(words[1], verbs[i].words[1]) != 0) continue;
        *command = (struct command){.verb = verbs[i].verb, .has_number = count > names};
        if (count == names) return !verbs[i].needs_number;
        return verbs[i].takes_number && count == names + 1 && parse_number(words[names], 0, &command->number);
    }
    return false;
}

struct script {
    struct rule *rules;
    int rule_count;
    struct command commands[COMMANDS_MAX];
    int command_count;
};

// One line: empty, a comment, a command or a rule.
static bool parse_line(char *line, struct script *script) {
    char *words[RULE_WORDS], *rest = NULL;
    int count = 0;
    for (char *word = strtok_r(line, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        if (count == RULE_WORDS) return false;
        words[count++] = word;
    }
    if (count == 0 || words[0][0] == '#') return true;
    if (count == RULE_WORDS)
        return script->rule_count < RULES_MAX && rules_parse(words, rules_at(script->rules, script->rule_count++));
    return script->command_count < COMMANDS_MAX &&
           parse_command(words, count, &script->commands[script->command_count++]);
}

static bool parse(const char *text, size_t length, struct script *script) {
    for (const char *at = text, *end = text + length; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line_length = (size_t)((newline ? newline : end) - at);
        char line[LINE_MAX_LENGTH];
        if (line_length >= sizeof line) return false;
        memcpy(line, at, line_length);
        line[line_length] = '\0';
        if (!parse_line(line, script)) return false;
        at += line_length + 1;
    }
    return true;
}

int control_write(const char *text, size_t length) {
    struct script script = {.rules = rules_allocate()};
    if (!script.rules) return -ENOMEM;
    int result = parse(text, length, &script) ? rules_add(script.rules, script.rule_count) : -EINVAL;
    for (int i = 0; result == 0 && i < script.command_count; i++) execute(&script.commands[i]);
    free(script.rules);
    return result;
}

size_t control_print(char *text, size_t capacity) {
    size_t length = rules_print(text, capacity);
    if (held_is_on() && length < capacity) length += (size_t)snprintf(text + length, capacity - length, "hold on\n");
    if (!control_has_power() && length < capacity)
        length += (size_t)snprintf(text + length, capacity - length, "power off\n");
    return length < capacity ? length : capacity;
}
