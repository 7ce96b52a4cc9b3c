// What faultfs does with files: requests that cost the latency and that rules can spoil; all else is passed through.

#define _GNU_SOURCE
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "held.h"
#include "names.h"
#include "open_file.h"
#include "rules.h"

enum { TEXT_MAX = 64 * 1024 };

int backing = -1;

static struct {
    atomic_ulong reads, read_bytes, writes, write_bytes, fsyncs, in_service, in_service_max;
} counters;

int files_open_backing(const char *path) {
    backing = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return backing < 0 ? -errno : 0;
}

// --- Our own two files ---

static bool is_control(const char *path) {
    return strcmp(path, "/.control") == 0;
}

static bool is_own(const char *path) {
    return is_control(path) || strcmp(path, "/.counters") == 0;
}

static char *own_text(bool control) {
    char *text = calloc(1, TEXT_MAX);
    if (!text) return NULL;
    if (control) {
        control_print(text, TEXT_MAX - 1);
    } else {
        snprintf(text, TEXT_MAX, "reads %lu\nread_bytes %lu\nwrites %lu\nwrite_bytes %lu\nfsyncs %lu\n", counters.reads,
                 counters.read_bytes, counters.writes, counters.write_bytes, counters.fsyncs);
        snprintf(text + strlen(text), TEXT_MAX - strlen(text),
                 "in_service_max %lu\nunsynced_sectors %lu\ndropped_sectors %lu\n", counters.in_service_max,
                 held_unsynced_sectors(), held_dropped_sectors());
    }
    return text;
}

static int open_own(const char *path, struct fuse_file_info *info) {
    struct open_file *file = calloc(1, sizeof *file + 1);
    if (!file) return -ENOMEM;
    file->descriptor = -1;
    file->is_control = is_control(path);
    if (file->is_control && (info->flags & O_TRUNC)) rules_clear();
    file->text = own_text(file->is_control);
    info->fh = (uintptr_t)file;
    return file->text ? 0 : -ENOMEM;
}

static int read_own(const struct open_file *file, char *buffer, size_t size, off_t offset) {
    size_t length = strlen(file->text);
    if ((size_t)offset >= length) return 0;
    if (size > length - (size_t)offset) size = length - (size_t)offset;
    memcpy(buffer, file->text + offset, size);
    return (int)size;
}

// --- Requests that cost the latency ---

struct timespec begin_service(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    unsigned long serving = atomic_fetch_add(&counters.in_service, 1) + 1, most = counters.in_service_max;
    while (serving > most && !atomic_compare_exchange_weak(&counters.in_service_max, &most, serving)) continue;
    return now;
}

void end_service(struct timespec began, long latency_us) {
    long nanoseconds = began.tv_nsec + latency_us % 1000000 * 1000;
    struct timespec until = {began.tv_sec + latency_us / 1000000 + nanoseconds / 1000000000, nanoseconds % 1000000000};
    if (latency_us > 0)
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) continue;
    atomic_fetch_sub(&counters.in_service, 1);
}

void count_fsync(void) {
    atomic_fetch_add(&counters.fsyncs, 1);
}

static size_t transfer_size(const struct effect *effect, size_t size) {
    return effect->transfer >= 0 && (size_t)effect->transfer < size ? (size_t)effect->transfer : size;
}

static void flip_byte(const struct effect *effect, char *buffer, size_t size, off_t offset) {
    if (effect->flip >= offset && effect->flip < offset + (off_t)size) buffer[effect->flip - offset] ^= (char)0xff;
}

static int fs_read(const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *info) {
    (void)path;
    const struct open_file *file = file_of(info);
    if (file->descriptor < 0) return read_own(file, buffer, size, offset);

    struct timespec began = begin_service();
    struct effect effect = rules_apply(REQUEST_READ, file->path, offset, size, 0);
    long count = -1;
    errno = control_has_power() ? effect.error : EIO;
    if (errno == 0) count = pread(file->descriptor, buffer, transfer_size(&effect, size), offset);
    int result = result_of(count);
    if (result > 0) {
        flip_byte(&effect, buffer, (size_t)result, offset);
        atomic_fetch_add(&counters.read_bytes, (unsigned long)result);
    }
    atomic_fetch_add(&counters.reads, 1);
    end_service(began, effect.latency_us);
    return result;
}

// By how much a range would make the file longer, if any rule wants to know.
static off_t growth(const struct open_file *file, off_t offset, off_t size) {
    struct stat status;
    if (!rules_count_growth() || fstat(file->descriptor, &status) != 0) return 0;
    return offset + size > status.st_size ? offset + size - status.st_size : 0;
}

static long write_flipped(const struct effect *effect, const struct open_file *file, const char *bytes, size_t size,
                          off_t offset, bool is_durable) {
    char *copy = malloc(size);
    if (!copy) return -1;
    memcpy(copy, bytes, size);
    flip_byte(effect, copy, size, offset);
    long count = held_write(file->held, file->descriptor, copy, size, offset, is_durable);
    free(copy);
    return count;
}

static int fs_write(const char *path, const char *bytes, size_t size, off_t offset, struct fuse_file_info *info) {
    (void)path;
    const struct open_file *file = file_of(info);
    if (file->descriptor < 0) {
        int error = file->is_control ? control_write(bytes, size) : -EACCES;
        return error < 0 ? error : (int)size;
    }

    struct timespec began = begin_service();
    struct effect effect = rules_apply(REQUEST_WRITE, file->path, offset, size, growth(file, offset, (off_t)size));
    size_t wanted = transfer_size(&effect, size);
    bool is_durable = (info->flags & O_DSYNC) != 0;
    int result = control_begin_change();
    if (result == 0) {
        long count = -1;
        errno = effect.error;
        if (effect.error == 0 && effect.flip >= 0)
            count = write_flipped(&effect, file, bytes, wanted, offset, is_durable);
        else if (effect.error == 0)
            count = held_write(file->held, file->descriptor, bytes, wanted, offset, is_durable);
        result = result_of(count);
        control_end_change();
    }
    if (result >= 0) atomic_fetch_add(&counters.write_bytes, (unsigned long)result);
    if (result >= 0 && effect.torn) result = (int)size;
    atomic_fetch_add(&counters.writes, 1);
    end_service(began, effect.latency_us);
    return result;
}

static int sync_backing(const struct open_file *file, bool data_only, int error) {
    int result = control_begin_change();
    if (result < 0) return result;
    if (error)
        held_fail_sync(file->held);
    else
        result = result_of(held_sync(file->held, file->descriptor, data_only));
    control_end_change();
    return error ? -error : result;
}

static int fs_fsync(const char *path, int data_only, struct fuse_file_info *info) {
    (void)path;
    const struct open_file *file = file_of(info);
    if (file->descriptor < 0) return 0;
    struct timespec began = begin_service();
    struct effect effect = rules_apply(REQUEST_FSYNC, file->path, 0, 0, 0);
    int result = sync_backing(file, data_only != 0, effect.error);
    count_fsync();
    end_service(began, effect.latency_us);
    return result;
}

static int fs_fallocate(const char *path, int mode, off_t offset, off_t length, struct fuse_file_info *info) {
    (void)path;
    const struct open_file *file = file_of(info);
    if (file->descriptor < 0) return -EINVAL;
    struct timespec began = begin_service();
    struct effect effect =
        rules_apply(REQUEST_ALLOCATE, file->path, offset, (size_t)length, growth(file, offset, length));
    int result = effect.error ? -effect.error : control_begin_change();
    if (result == 0) {
        result = result_of(held_allocate(file->held, file->descriptor, mode, offset, length));
        control_end_change();
    }
    end_service(began, effect.latency_us);
    return result;
}

// --- Opening and closing ---

static int open_backing(const char *path, mode_t mode, struct fuse_file_info *info) {
    if (!control_has_power()) return -EIO;
    struct open_file *file = calloc(1, sizeof *file + strlen(path) + 1);
    if (!file) return -ENOMEM;
    strcpy(file->path, path);
    // The kernel has turned O_APPEND into offsets; libfuse's buffers are not aligned for O_DIRECT.
    file->descriptor = openat(backing, relative(path), (info->flags & ~(O_APPEND | O_DIRECT)) | O_CLOEXEC, mode);
    if (file->descriptor >= 0) file->held = held_open(file->descriptor, path);
    if (!file->held) {
        int error = -errno;
        if (file->descriptor >= 0) close(file->descriptor);
        free(file);
        return error;
    }
    info->fh = (uintptr_t)file;
    return 0;
}

static int fs_open(const char *path, struct fuse_file_info *info) {
    return is_own(path) ? open_own(path, info) : open_backing(path, 0, info);
}

static int fs_create(const char *path, mode_t mode, struct fuse_file_info *info) {
    int error = begin_name_change(path);
    if (error) return error;
    info->flags |= O_CREAT;
    error = open_backing(path, mode, info);
    return end_name_change(error ? error : give_to_caller(path));
}

static int fs_release(const char *path, struct fuse_file_info *info) {
    (void)path;
    struct open_file *file = file_of(info);
    if (file->held) held_close(file->held);
    if (file->descriptor >= 0) close(file->descriptor);
    free(file->text);
    free(file);
    return 0;
}

// --- Lengths ---

static int truncate_file(const struct open_file *file, off_t size) {
    struct stat status;
    int result = control_begin_change();
    if (result < 0) return result;
    result = result_of(fstat(file->descriptor, &status));
    if (result == 0) result = result_of(held_truncate(file->held, file->descriptor, size));
    if (result == 0) rules_give_back(file->path, status.st_size - size);
    control_end_change();
    return result;
}

static int fs_truncate(const char *path, off_t size, struct fuse_file_info *info) {
    if (info && file_of(info)->descriptor >= 0) return truncate_file(file_of(info), size);
    if (!path || is_own(path)) return 0;
    struct fuse_file_info opened = {.flags = O_WRONLY};
    int error = open_backing(path, 0, &opened);
    if (error) return error;
    error = truncate_file(file_of(&opened), size);
    fs_release(path, &opened);
    return error;
}

// --- Everything else, passed through ---

static int fs_getattr(const char *path, struct stat *status, struct fuse_file_info *info) {
    if (info && file_of(info)->descriptor >= 0) return result_of(fstat(file_of(info)->descriptor, status));
    if (!path || is_own(path)) {
        *status = (struct stat){.st_mode = S_IFREG | 0600, .st_nlink = 1, .st_uid = geteuid(), .st_gid = getegid()};
        return 0;
    }
    return result_of(fstatat(backing, relative(path), status, AT_SYMLINK_NOFOLLOW));
}

static int fs_chmod(const char *path, mode_t mode, struct fuse_file_info *info) {
    if (info) return result_of(fchmod(file_of(info)->descriptor, mode));
    return result_of(fchmodat(backing, relative(path), mode, 0));
}

static int fs_chown(const char *path, uid_t user, gid_t group, struct fuse_file_info *info) {
    if (info) return result_of(fchown(file_of(info)->descriptor, user, group));
    return result_of(fchownat(backing, relative(path), user, group, AT_SYMLINK_NOFOLLOW));
}

static int fs_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *info) {
    if (info) return result_of(futimens(file_of(info)->descriptor, times));
    if (is_own(path)) return 0;
    return result_of(utimensat(backing, relative(path), times, AT_SYMLINK_NOFOLLOW));
}

static int fs_statfs(const char *path, struct statvfs *status) {
    (void)path;
    return result_of(fstatvfs(backing, status));
}

static void *fs_init(struct fuse_conn_info *connection, struct fuse_config *config) {
    // Asynchronous direct I/O counts as background work, of which the kernel allows 12 by default.
    connection->max_background = 4096;
    connection->congestion_threshold = 4096;
    config->direct_io = 1;
    config->nullpath_ok = 1;
    config->use_ino = 1;
    // A loss of unsynced writes changes lengths behind the kernel's back.
    config->attr_timeout = 0;
    return NULL;
}

const struct fuse_operations file_system = {
    .init = fs_init, .getattr = fs_getattr, .statfs = fs_statfs, .chmod = fs_chmod, .chown = fs_chown,
    .utimens = fs_utimens, .open = fs_open, .create = fs_create, .read = fs_read, .write = fs_write,
    .fsync = fs_fsync, .truncate = fs_truncate, .fallocate = fs_fallocate, .release = fs_release,
    .opendir = names_opendir, .readdir = names_readdir, .releasedir = names_releasedir, .fsyncdir = names_fsyncdir,
    .mkdir = names_mkdir, .rmdir = names_rmdir, .unlink = names_unlink, .rename = names_rename, .link = names_link,
    .symlink = names_symlink, .readlink = names_readlink,
};
