// What can be written to .control, and read from it and from .counters: see the head of faultfs.c.

#ifndef FAULTFS_CONTROL_H
#define FAULTFS_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

/// Does what the lines of `text` say, all of it or, where one is malformed, nothing. Returns 0 or -errno.
int control_write(const char *text, size_t length);

/// Writes what would bring about the rules and modes in force. Returns the length.
size_t control_print(char *text, size_t capacity);

/// A request that changes files stands between these. `control_begin_change` returns 0, or -EIO while the power is off.
int control_begin_change(void);
void control_end_change(void);

/// Whether there is power at all.
bool control_has_power(void);

#endif
