// What latencyfs does with files: reads, writes and fsyncs that cost the latency, everything else passed through.

#define _GNU_SOURCE
#include "files.h"

#include <dirent.h>
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

#include "rules.h"

enum { TEXT_MAX = 64 * 1024 };

static int backing = -1;

static struct {
    atomic_ulong reads, read_bytes, writes, write_bytes, fsyncs, in_service, in_service_max;
} counters;

// An open file. `fuse_file_info.fh` points to it.
struct open_file {
    int descriptor;  // -1: a file of our own, whose content is `text`
    bool is_control;
    char *text;
    char path[];
};

static struct open_file *file_of(const struct fuse_file_info *info) {
    return (struct open_file *)(uintptr_t)info->fh;
}

static const char *relative(const char *path) {
    return path[1] == '\0' ? "." : path + 1;
}

static int result_of(long outcome) {
    return outcome < 0 ? -errno : (int)outcome;
}

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
        rules_print(text, TEXT_MAX - 1);
    } else {
        snprintf(text, TEXT_MAX, "reads %lu\nread_bytes %lu\nwrites %lu\nwrite_bytes %lu\nfsyncs %lu\n", counters.reads,
                 counters.read_bytes, counters.writes, counters.write_bytes, counters.fsyncs);
        snprintf(text + strlen(text), TEXT_MAX - strlen(text), "in_service_max %lu\n", counters.in_service_max);
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

static struct timespec begin_service(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    unsigned long serving = atomic_fetch_add(&counters.in_service, 1) + 1, most = counters.in_service_max;
    while (serving > most && !atomic_compare_exchange_weak(&counters.in_service_max, &most, serving)) continue;
    return now;
}

// Sleeps until the request has taken as long as it shall.
static void end_service(struct timespec began, long latency_us) {
    long nanoseconds = began.tv_nsec + latency_us % 1000000 * 1000;
    struct timespec until = {began.tv_sec + latency_us / 1000000 + nanoseconds / 1000000000, nanoseconds % 1000000000};
    if (latency_us > 0)
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) continue;
    atomic_fetch_sub(&counters.in_service, 1);
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
    struct effect effect = rules_apply(REQUEST_READ, file->path, offset, size);
    long count = -1;
    errno = effect.error;
    if (effect.error == 0) count = pread(file->descriptor, buffer, transfer_size(&effect, size), offset);
    int result = result_of(count);
    if (result > 0) {
        flip_byte(&effect, buffer, (size_t)result, offset);
        atomic_fetch_add(&counters.read_bytes, (unsigned long)result);
    }
    atomic_fetch_add(&counters.reads, 1);
    end_service(began, effect.latency_us);
    return result;
}

static long write_flipped(const struct effect *effect, int descriptor, const char *bytes, size_t size, off_t offset) {
    char *copy = malloc(size);
    if (!copy) return -1;
    memcpy(copy, bytes, size);
    flip_byte(effect, copy, size, offset);
    long count = pwrite(descriptor, copy, size, offset);
    free(copy);
    return count;
}

static int fs_write(const char *path, const char *bytes, size_t size, off_t offset, struct fuse_file_info *info) {
    (void)path;
    const struct open_file *file = file_of(info);
    if (file->descriptor < 0) {
        int error = file->is_control ? rules_add(bytes, size) : -EACCES;
        return error < 0 ? error : (int)size;
    }

    struct timespec began = begin_service();
    struct effect effect = rules_apply(REQUEST_WRITE, file->path, offset, size);
    size_t wanted = transfer_size(&effect, size);
    long count = -1;
    errno = effect.error;
    if (effect.error == 0 && effect.flip >= 0)
        count = write_flipped(&effect, file->descriptor, bytes, wanted, offset);
    else if (effect.error == 0)
        count = pwrite(file->descriptor, bytes, wanted, offset);
    int result = result_of(count);
    if (result >= 0) atomic_fetch_add(&counters.write_bytes, (unsigned long)result);
    if (result >= 0 && effect.torn) result = (int)size;
    atomic_fetch_add(&counters.writes, 1);
    end_service(began, effect.latency_us);
    return result;
}

static int fs_fsync(const char *path, int data_only, struct fuse_file_info *info) {
    (void)path;
    const struct open_file *file = file_of(info);
    if (file->descriptor < 0) return 0;
    struct timespec began = begin_service();
    struct effect effect = rules_apply(REQUEST_FSYNC, file->path, 0, 0);
    int result = -effect.error;
    if (result == 0) result = result_of(data_only ? fdatasync(file->descriptor) : fsync(file->descriptor));
    atomic_fetch_add(&counters.fsyncs, 1);
    end_service(began, effect.latency_us);
    return result;
}

// --- Opening and closing ---

static int open_backing(const char *path, mode_t mode, struct fuse_file_info *info) {
    struct open_file *file = calloc(1, sizeof *file + strlen(path) + 1);
    if (!file) return -ENOMEM;
    strcpy(file->path, path);
    // The kernel has turned O_APPEND into offsets; libfuse's buffers are not aligned for O_DIRECT.
    file->descriptor = openat(backing, relative(path), (info->flags & ~(O_APPEND | O_DIRECT)) | O_CLOEXEC, mode);
    if (file->descriptor < 0) {
        int error = -errno;
        free(file);
        return error;
    }
    info->fh = (uintptr_t)file;
    return 0;
}

static int fs_open(const char *path, struct fuse_file_info *info) {
    return is_own(path) ? open_own(path, info) : open_backing(path, 0, info);
}

// What root makes for somebody else shall belong to them.
static int give_to_caller(const char *path) {
    const struct fuse_context *caller = fuse_get_context();
    if (geteuid() != 0) return 0;
    return result_of(fchownat(backing, relative(path), caller->uid, caller->gid, AT_SYMLINK_NOFOLLOW));
}

static int fs_create(const char *path, mode_t mode, struct fuse_file_info *info) {
    info->flags |= O_CREAT;
    int error = open_backing(path, mode, info);
    return error ? error : give_to_caller(path);
}

static int fs_release(const char *path, struct fuse_file_info *info) {
    (void)path;
    struct open_file *file = file_of(info);
    if (file->descriptor >= 0) close(file->descriptor);
    free(file->text);
    free(file);
    return 0;
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

static int fs_truncate(const char *path, off_t size, struct fuse_file_info *info) {
    if (info && file_of(info)->descriptor >= 0) return result_of(ftruncate(file_of(info)->descriptor, size));
    if (!path || is_own(path)) return 0;
    int descriptor = openat(backing, relative(path), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    int result = result_of(ftruncate(descriptor, size));
    close(descriptor);
    return result;
}

static int fs_fallocate(const char *path, int mode, off_t offset, off_t length, struct fuse_file_info *info) {
    (void)path;
    int descriptor = file_of(info)->descriptor;
    return descriptor < 0 ? -EINVAL : result_of(fallocate(descriptor, mode, offset, length));
}

static DIR *directory_of(const struct fuse_file_info *info) {
    return (DIR *)(uintptr_t)info->fh;
}

static int fs_opendir(const char *path, struct fuse_file_info *info) {
    int descriptor = openat(backing, relative(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    DIR *directory = fdopendir(descriptor);
    if (!directory) close(descriptor);
    info->fh = (uintptr_t)directory;
    return directory ? 0 : -ENOMEM;
}

static int fs_readdir(const char *path, void *list, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
                      enum fuse_readdir_flags flags) {
    (void)path, (void)offset, (void)flags;
    rewinddir(directory_of(info));
    for (struct dirent *entry; (entry = readdir(directory_of(info)));) {
        struct stat status = {.st_ino = entry->d_ino, .st_mode = (mode_t)entry->d_type << 12};
        fill(list, entry->d_name, &status, 0, 0);
    }
    return 0;
}

static int fs_releasedir(const char *path, struct fuse_file_info *info) {
    (void)path;
    return result_of(closedir(directory_of(info)));
}

static int fs_mkdir(const char *path, mode_t mode) {
    int error = result_of(mkdirat(backing, relative(path), mode));
    return error ? error : give_to_caller(path);
}

static int fs_symlink(const char *target, const char *path) {
    int error = result_of(symlinkat(target, backing, relative(path)));
    return error ? error : give_to_caller(path);
}

static int fs_readlink(const char *path, char *target, size_t capacity) {
    long length = readlinkat(backing, relative(path), target, capacity - 1);
    if (length < 0) return -errno;
    target[length] = '\0';
    return 0;
}

static int fs_unlink(const char *path) {
    return result_of(unlinkat(backing, relative(path), 0));
}

static int fs_rmdir(const char *path) {
    return result_of(unlinkat(backing, relative(path), AT_REMOVEDIR));
}

static int fs_rename(const char *from, const char *to, unsigned flags) {
    return result_of(renameat2(backing, relative(from), backing, relative(to), flags));
}

static int fs_link(const char *from, const char *to) {
    return result_of(linkat(backing, relative(from), backing, relative(to), 0));
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
    return NULL;
}

const struct fuse_operations file_system = {
    .init = fs_init, .getattr = fs_getattr, .statfs = fs_statfs, .chmod = fs_chmod, .chown = fs_chown,
    .utimens = fs_utimens, .open = fs_open, .create = fs_create, .read = fs_read, .write = fs_write,
    .fsync = fs_fsync, .truncate = fs_truncate, .fallocate = fs_fallocate, .release = fs_release,
    .opendir = fs_opendir, .readdir = fs_readdir, .releasedir = fs_releasedir, .mkdir = fs_mkdir,
    .rmdir = fs_rmdir, .unlink = fs_unlink, .rename = fs_rename, .link = fs_link, .symlink = fs_symlink,
    .readlink = fs_readlink,
};
