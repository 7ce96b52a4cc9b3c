// What was written and not synced, and can therefore be lost.
//
// Everything goes to the backing file at once, so that reads need not be merged with anything. What is kept in memory
// is how the disk would look without it: for each sector that was changed since the last sync its bytes before, and the
// length before. A sync forgets them, a loss writes them back.

#define _GNU_SOURCE
#include "held.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SECTOR = 512, CHUNK_SECTORS = 8, CHUNK = SECTOR * CHUNK_SECTORS, FILE_BUCKETS = 1024, CHUNK_BUCKETS = 4096 };

// Some neighbouring sectors of a file.
struct chunk {
    struct chunk *next;
    off_t number;
    uint8_t unsynced;  // a set of sectors: changed since the last sync
    uint8_t lost;      // a set of sectors: a sync of them failed, so no later one covers them
    char before[CHUNK];
};

struct held_file {
    struct held_file *next;
    dev_t device;
    ino_t inode;
    int open_count;  // under `table_lock`
    uint64_t name_hash;

    pthread_mutex_t lock;  // everything below, and the order of changes to the file
    int descriptor;        // to read and write the file by as long as it has something to lose, or -1
    unsigned long chunk_count;
    struct chunk **chunks;  // CHUNK_BUCKETS lists, made when first needed
    bool has_other_length;
    off_t length_before;
};

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct held_file *table[FILE_BUCKETS];
static atomic_bool is_on;
static atomic_ulong unsynced_sectors, dropped_sectors;

// The finalizer of SplitMix64.
static uint64_t mix(uint64_t bits) {
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    return bits ^ (bits >> 31);
}

static uint64_t hash_name(const char *name) {
    uint64_t hash = 0;
    while (*name) hash = mix(hash ^ (unsigned char)*name++) + 0x9e3779b97f4a7c15u;
    return hash;
}

// --- Files ---

static struct held_file **place_of(dev_t device, ino_t inode) {
    struct held_file **place = &table[mix((uint64_t)inode ^ mix((uint64_t)device)) % FILE_BUCKETS];
    while (*place && ((*place)->device != device || (*place)->inode != inode)) place = &(*place)->next;
    return place;
}

static bool can_lose(const struct held_file *file) {
    return file->chunk_count > 0 || file->has_other_length;
}

// Frees a file that nobody has open and that cannot lose anything. With `table_lock`.
static void free_if_unused(struct held_file *file) {
    if (file->open_count > 0 || can_lose(file)) return;
    *place_of(file->device, file->inode) = file->next;
    free(file->chunks);
    pthread_mutex_destroy(&file->lock);
    free(file);
}

struct held_file *held_open(int descriptor, const char *path) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return NULL;
    pthread_mutex_lock(&table_lock);
    struct held_file **place = place_of(status.st_dev, status.st_ino), *file = *place;
    if (!file && (file = calloc(1, sizeof *file))) {
        *file = (struct held_file){.device = status.st_dev, .inode = status.st_ino, .descriptor = -1};
        file->name_hash = hash_name(path);
        pthread_mutex_init(&file->lock, NULL);
        *place = file;
    }
    if (file) file->open_count++;
    pthread_mutex_unlock(&table_lock);
    return file;
}

void held_close(struct held_file *file) {
    pthread_mutex_lock(&table_lock);
    file->open_count--;
    pthread_mutex_lock(&file->lock);
    pthread_mutex_unlock(&file->lock);
    free_if_unused(file);
    pthread_mutex_unlock(&table_lock);
}

// --- Sectors, with the file's lock ---

static struct chunk **chunk_place(struct held_file *file, off_t number) {
    struct chunk **place = &file->chunks[mix((uint64_t)number) % CHUNK_BUCKETS];
    while (*place && (*place)->number != number) place = &(*place)->next;
    return place;
}

// The sectors of a chunk that a range of the file has bytes in.
static uint8_t sectors_in(off_t number, off_t offset, size_t size) {
    off_t first = offset - number * CHUNK, last = offset + (off_t)size - 1 - number * CHUNK;
    int low = first < 0 ? 0 : (int)(first / SECTOR);
    int high = last >= CHUNK ? CHUNK_SECTORS - 1 : (int)(last / SECTOR);
    return (uint8_t)((1u << (high + 1)) - (1u << low));
}

static void settle_sectors(struct chunk *chunk, uint8_t sectors) {
    atomic_fetch_sub(&unsynced_sectors,
                     (unsigned long)__builtin_popcount((chunk->unsynced | chunk->lost) & sectors));
    chunk->unsynced &= (uint8_t)~sectors;
    chunk->lost &= (uint8_t)~sectors;
}

// Takes a chunk that has nothing to lose any more out of its list. Returns whether it did.
static bool remove_if_settled(struct held_file *file, struct chunk **place) {
    struct chunk *chunk = *place;
    if (chunk->unsynced | chunk->lost) return false;
    *place = chunk->next;
    free(chunk);
    file->chunk_count--;
    return true;
}

static void close_if_settled(struct held_file *file) {
    if (can_lose(file) || file->descriptor < 0) return;
    close(file->descriptor);
    file->descriptor = -1;
}

// The descriptor that the file was opened by may be for writing only.
static bool open_own(struct held_file *file, int descriptor) {
    if (!file->chunks && !(file->chunks = calloc(CHUNK_BUCKETS, sizeof *file->chunks))) return false;
    if (file->descriptor >= 0) return true;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    file->descriptor = open(path, O_RDWR | O_CLOEXEC);
    return file->descriptor >= 0;
}

static bool keep_chunk(struct held_file *file, off_t number, uint8_t sectors) {
    struct chunk **place = chunk_place(file, number), *chunk = *place;
    if (!chunk) {
        chunk = calloc(1, sizeof *chunk);
        if (!chunk) return false;
        chunk->number = number;
        *place = chunk;
        file->chunk_count++;
    }
    uint8_t added = sectors & (uint8_t)~(chunk->unsynced | chunk->lost);
    if (added) {
        char now[CHUNK] = {0};
        if (pread(file->descriptor, now, CHUNK, number * CHUNK) < 0) return false;
        for (int i = 0; i < CHUNK_SECTORS; i++)
            if (added >> i & 1) memcpy(chunk->before + i * SECTOR, now + i * SECTOR, SECTOR);
    }
    atomic_fetch_add(&unsynced_sectors, (unsigned long)__builtin_popcount(added));
    chunk->unsynced |= sectors;
    chunk->lost &= (uint8_t)~sectors;
    return true;
}

static bool keep_length(struct held_file *file, off_t new_length) {
    struct stat status;
    if (fstat(file->descriptor, &status) != 0) return false;
    if (!file->has_other_length && new_length > status.st_size) {
        file->has_other_length = true;
        file->length_before = status.st_size;
    }
    return true;
}

// Notes how a range looks before it is overwritten.
static bool keep(struct held_file *file, int descriptor, off_t offset, size_t size) {
    if (!open_own(file, descriptor) || !keep_length(file, offset + (off_t)size)) return false;
    for (off_t number = offset / CHUNK; size > 0 && number * CHUNK < offset + (off_t)size; number++)
        if (!keep_chunk(file, number, sectors_in(number, offset, size))) return false;
    return true;
}

// A range has reached the device, and so has the length that it needs.
static void settle_range(struct held_file *file, off_t offset, size_t size) {
    off_t end = offset + (off_t)size;
    for (off_t number = offset / CHUNK; number * CHUNK < end; number++) {
        struct chunk **place = chunk_place(file, number);
        if (!*place) continue;
        settle_sectors(*place, sectors_in(number, offset, size));
        remove_if_settled(file, place);
    }
    if (file->has_other_length && file->length_before < end) {
        struct stat status;
        file->length_before = end;
        if (fstat(file->descriptor, &status) == 0 && status.st_size <= end) file->has_other_length = false;
    }
    close_if_settled(file);
}

// Calls `settle` with each chunk, and removes those that it leaves with nothing to lose.
static void for_each_chunk(struct held_file *file, void (*settle)(struct chunk *)) {
    for (int i = 0; file->chunks && i < CHUNK_BUCKETS; i++)
        for (struct chunk **place = &file->chunks[i]; *place;) {
            settle(*place);
            if (!remove_if_settled(file, place)) place = &(*place)->next;
        }
}

static void settle_synced(struct chunk *chunk) {
    uint8_t lost = chunk->lost;
    settle_sectors(chunk, (uint8_t)(chunk->unsynced & ~lost));
    chunk->unsynced = 0;
}

static void settle_all(struct chunk *chunk) {
    settle_sectors(chunk, 0xff);
}

static void lose_unsynced(struct chunk *chunk) {
    chunk->lost |= chunk->unsynced;
    chunk->unsynced = 0;
}

static void forget_all(struct held_file *file) {
    pthread_mutex_lock(&file->lock);
    for_each_chunk(file, settle_all);
    file->has_other_length = false;
    close_if_settled(file);
    pthread_mutex_unlock(&file->lock);
}

// --- Requests ---

bool held_is_on(void) {
    return atomic_load(&is_on);
}

static long write_at(int descriptor, const char *bytes, size_t size, off_t offset, bool is_durable) {
    struct iovec vector = {(void *)(uintptr_t)bytes, size};
    return pwritev2(descriptor, &vector, 1, offset, is_durable ? RWF_DSYNC : 0);
}

long held_write(struct held_file *file, int descriptor, const char *bytes, size_t size, off_t offset, bool is_durable) {
    if (!held_is_on()) return write_at(descriptor, bytes, size, offset, is_durable);
    pthread_mutex_lock(&file->lock);
    long count = -1;
    if (keep(file, descriptor, offset, size)) count = write_at(descriptor, bytes, size, offset, is_durable);
    int error = errno;
    if (count > 0 && is_durable) settle_range(file, offset, (size_t)count);
    pthread_mutex_unlock(&file->lock);
    errno = error;
    return count;
}

long held_sync(struct held_file *file, int descriptor, bool data_only) {
    if (!held_is_on()) return data_only ? fdatasync(descriptor) : fsync(descriptor);
    pthread_mutex_lock(&file->lock);
    long result = data_only ? fdatasync(descriptor) : fsync(descriptor);
    int error = errno;
    for_each_chunk(file, result == 0 ? settle_synced : lose_unsynced);
    if (result == 0) file->has_other_length = false;
    close_if_settled(file);
    pthread_mutex_unlock(&file->lock);
    errno = error;
    return result;
}

void held_fail_sync(struct held_file *file) {
    pthread_mutex_lock(&file->lock);
    for_each_chunk(file, lose_unsynced);
    pthread_mutex_unlock(&file->lock);
}

static void shorten(struct held_file *file, off_t size) {
    if (file->has_other_length && file->length_before >= size) file->has_other_length = false;
    for (int i = 0; file->chunks && i < CHUNK_BUCKETS; i++)
        for (struct chunk **place = &file->chunks[i]; *place;) {
            off_t start = (*place)->number * CHUNK;
            if (start >= size) settle_sectors(*place, 0xff);
            if (!remove_if_settled(file, place)) place = &(*place)->next;
        }
}

long held_truncate(struct held_file *file, int descriptor, off_t size) {
    if (!held_is_on()) return ftruncate(descriptor, size);
    pthread_mutex_lock(&file->lock);
    long result = -1;
    if (open_own(file, descriptor) && keep_length(file, size)) {
        shorten(file, size);
        result = ftruncate(descriptor, size);
    }
    int error = errno;
    close_if_settled(file);
    pthread_mutex_unlock(&file->lock);
    errno = error;
    return result;
}

long held_allocate(struct held_file *file, int descriptor, int mode, off_t offset, off_t length) {
    if (!held_is_on() || (mode & FALLOC_FL_KEEP_SIZE)) return fallocate(descriptor, mode, offset, length);
    pthread_mutex_lock(&file->lock);
    long result = -1;
    if (open_own(file, descriptor) && keep_length(file, offset + length))
        result = fallocate(descriptor, mode, offset, length);
    int error = errno;
    close_if_settled(file);
    pthread_mutex_unlock(&file->lock);
    errno = error;
    return result;
}

void held_forget(const struct stat *status) {
    pthread_mutex_lock(&table_lock);
    struct held_file *file = *place_of(status->st_dev, status->st_ino);
    if (file) {
        forget_all(file);
        free_if_unused(file);
    }
    pthread_mutex_unlock(&table_lock);
}

// --- All files ---

static void for_each_file(void (*body)(struct held_file *, const uint64_t *), const uint64_t *seed) {
    pthread_mutex_lock(&table_lock);
    for (int i = 0; i < FILE_BUCKETS; i++)
        for (struct held_file *file = table[i], *next; file; file = next) {
            next = file->next;
            body(file, seed);
            free_if_unused(file);
        }
    pthread_mutex_unlock(&table_lock);
}

static void forget_one(struct held_file *file, const uint64_t *seed) {
    (void)seed;
    forget_all(file);
}

void held_switch(bool on) {
    if (atomic_exchange(&is_on, on) && !on) for_each_file(forget_one, NULL);
}

static bool is_lost(const struct held_file *file, const uint64_t *seed, uint64_t what) {
    return !seed || (mix(*seed ^ mix(file->name_hash ^ mix(what))) & 1);
}

static void drop_chunk(struct held_file *file, struct chunk *chunk, const uint64_t *seed) {
    for (int i = 0; i < CHUNK_SECTORS; i++) {
        off_t number = chunk->number * CHUNK_SECTORS + i;
        if (!((chunk->unsynced | chunk->lost) >> i & 1) || !is_lost(file, seed, (uint64_t)number)) continue;
        if (pwrite(file->descriptor, chunk->before + i * SECTOR, SECTOR, number * SECTOR) != SECTOR)
            fprintf(stderr, "faultfs: could not bring a sector back: %s\n", strerror(errno));
        atomic_fetch_add(&dropped_sectors, 1);
    }
}

static void drop_one(struct held_file *file, const uint64_t *seed) {
    pthread_mutex_lock(&file->lock);
    struct stat status;
    off_t length = file->descriptor >= 0 && fstat(file->descriptor, &status) == 0 ? status.st_size : 0;
    if (file->has_other_length && is_lost(file, seed, UINT64_MAX)) length = file->length_before;
    for (int i = 0; file->chunks && i < CHUNK_BUCKETS; i++)
        for (struct chunk *chunk = file->chunks[i]; chunk; chunk = chunk->next) drop_chunk(file, chunk, seed);
    // Also where the length stays: the last sector that was brought back may reach beyond it.
    if (file->descriptor >= 0 && ftruncate(file->descriptor, length) != 0)
        fprintf(stderr, "faultfs: could not bring a length back: %s\n", strerror(errno));
    pthread_mutex_unlock(&file->lock);
    forget_all(file);
}

void held_drop(const uint64_t *seed) {
    for_each_file(drop_one, seed);
}

unsigned long held_unsynced_sectors(void) {
    return atomic_load(&unsynced_sectors);
}

unsigned long held_dropped_sectors(void) {
    return atomic_load(&dropped_sectors);
}
