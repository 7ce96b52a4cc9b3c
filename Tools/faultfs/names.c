// What faultfs does with names and directories: passed through, unless a rule spoils it.

#define _GNU_SOURCE
#include "names.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "open_file.h"
#include "rules.h"

int begin_name_change(const char *path) {
    struct timespec began = begin_service();
    struct effect effect = rules_apply(REQUEST_NAME, path, 0, 0, 0);
    end_service(began, effect.latency_us);
    return effect.error ? -effect.error : control_begin_change();
}

int end_name_change(int result) {
    control_end_change();
    return result;
}

int give_to_caller(const char *path) {
    const struct fuse_context *caller = fuse_get_context();
    if (geteuid() != 0) return 0;
    return result_of(fchownat(backing, relative(path), caller->uid, caller->gid, AT_SYMLINK_NOFOLLOW));
}

static DIR *directory_of(const struct fuse_file_info *info) {
    return (DIR *)(uintptr_t)info->fh;
}

int names_opendir(const char *path, struct fuse_file_info *info) {
    int descriptor = openat(backing, relative(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    DIR *directory = fdopendir(descriptor);
    if (!directory) close(descriptor);
    info->fh = (uintptr_t)directory;
    return directory ? 0 : -ENOMEM;
}

int names_readdir(const char *path, void *list, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
                  enum fuse_readdir_flags flags) {
    (void)path, (void)offset, (void)flags;
    rewinddir(directory_of(info));
    for (struct dirent *entry; (entry = readdir(directory_of(info)));) {
        // libfuse keeps files that were removed while open under such names.
        if (strncmp(entry->d_name, ".fuse_hidden", strlen(".fuse_hidden")) == 0) continue;
        struct stat status = {.st_ino = entry->d_ino, .st_mode = (mode_t)entry->d_type << 12};
        fill(list, entry->d_name, &status, 0, 0);
    }
    return 0;
}

int names_releasedir(const char *path, struct fuse_file_info *info) {
    (void)path;
    return result_of(closedir(directory_of(info)));
}

// What is done to a directory survives at once: this sync can only be late, or fail.
int names_fsyncdir(const char *path, int data_only, struct fuse_file_info *info) {
    (void)data_only;
    struct timespec began = begin_service();
    struct effect effect = rules_apply(REQUEST_FSYNC, path ? path : "/", 0, 0, 0);
    int result = effect.error ? -effect.error : control_begin_change();
    if (result == 0) result = end_name_change(result_of(fsync(dirfd(directory_of(info)))));
    count_fsync();
    end_service(began, effect.latency_us);
    return result;
}

int names_mkdir(const char *path, mode_t mode) {
    int error = begin_name_change(path);
    if (error) return error;
    error = result_of(mkdirat(backing, relative(path), mode));
    return end_name_change(error ? error : give_to_caller(path));
}

int names_symlink(const char *target, const char *path) {
    int error = begin_name_change(path);
    if (error) return error;
    error = result_of(symlinkat(target, backing, relative(path)));
    return end_name_change(error ? error : give_to_caller(path));
}

int names_readlink(const char *path, char *target, size_t capacity) {
    long length = readlinkat(backing, relative(path), target, capacity - 1);
    if (length < 0) return -errno;
    target[length] = '\0';
    return 0;
}

// A name will go. When it was the file's last one, its space is free and nothing of it can be lost.
static void note_removal(const char *path) {
    struct stat status;
    if (fstatat(backing, relative(path), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (!S_ISREG(status.st_mode) || status.st_nlink != 1) return;
    held_forget(&status);
    rules_give_back(path, status.st_size);
}

int names_unlink(const char *path) {
    int error = begin_name_change(path);
    if (error) return error;
    note_removal(path);
    return end_name_change(result_of(unlinkat(backing, relative(path), 0)));
}

int names_rmdir(const char *path) {
    int error = begin_name_change(path);
    return error ? error : end_name_change(result_of(unlinkat(backing, relative(path), AT_REMOVEDIR)));
}

int names_rename(const char *from, const char *to, unsigned flags) {
    int error = begin_name_change(to);
    if (error) return error;
    if (!(flags & (RENAME_EXCHANGE | RENAME_NOREPLACE))) note_removal(to);
    return end_name_change(result_of(renameat2(backing, relative(from), backing, relative(to), flags)));
}

int names_link(const char *from, const char *to) {
    int error = begin_name_change(to);
    return error ? error : end_name_change(result_of(linkat(backing, relative(from), backing, relative(to), 0)));
}
