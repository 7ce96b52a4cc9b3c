// What was written and not synced, and can therefore be lost: see `hold` at the head of faultfs.c.

#ifndef FAULTFS_HELD_H
#define FAULTFS_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/// A backing file, whatever its name and however often it is open.
struct held_file;

/// The file behind a descriptor, for whoever opens it; `held_close` gives it up. NULL: no memory.
/// What `path` is called by also decides which of its sectors a seeded loss takes.
struct held_file *held_open(int descriptor, const char *path);
void held_close(struct held_file *file);

/// A file is about to lose its last name: nothing of it can be lost any more.
void held_forget(const struct stat *status);

/// Whether unsynced changes are being kept track of.
bool held_is_on(void);

/// Switches that on or off. Off makes all that was written survive. Nothing may be changing files meanwhile.
void held_switch(bool on);

/// Writes, and notes what was there before. `is_durable`: the write is one that waits for the device (O_DSYNC).
/// Returns bytes written, or -1 with errno.
long held_write(struct held_file *file, int descriptor, const char *bytes, size_t size, off_t offset, bool is_durable);

/// fsync or fdatasync: what was written survives from now on. Returns 0, or -1 with errno.
long held_sync(struct held_file *file, int descriptor, bool data_only);

/// An fsync that failed: as on Linux, what it should have made durable may be lost although later ones succeed.
void held_fail_sync(struct held_file *file);

/// Changes the length. Shortening survives at once, lengthening with the next sync. Return 0, or -1 with errno.
long held_truncate(struct held_file *file, int descriptor, off_t size);
long held_allocate(struct held_file *file, int descriptor, int mode, off_t offset, off_t length);

/// The power fails: what was not synced is gone.
/// `seed`: NULL loses all of it; otherwise each sector of 512 bytes, and each length, is lost or not as the seed says.
/// Nothing may be changing files meanwhile.
void held_drop(const uint64_t *seed);

/// Sectors that a loss would take now, and that losses have taken.
unsigned long held_unsynced_sectors(void);
unsigned long held_dropped_sectors(void);

#endif
