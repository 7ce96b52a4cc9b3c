// faultfs: a directory seen again through storage that is slow, or faulty, in a known way, or loses its power.
//
//   faultfs [--latency-us N] [--threads N] [--foreground] BACKING MOUNTPOINT
//
// Every read, write, fsync and allocation takes at least N microseconds, and requests are served in parallel, as
// many at once as there are threads. So a queue of 32 reads is done in the time of one: that is how a cloud
// volume behaves, and it shows whether a program keeps many requests in flight. SIGTERM or `fusermount3 -u
// MOUNTPOINT` ends it and leaves nothing behind.
//
// The kernel does not cache file contents (direct_io), with or without O_DIRECT: every read call becomes
// requests of up to 1 MiB, and each of them costs the latency once. The backing files are read and written
// through the page cache. What it cannot show: writes to one file are serialised by the kernel, a file
// cannot be mapped shared, and the direct I/O alignment is not reported (any is accepted).
//
// MOUNTPOINT/.control says what else shall go wrong. It is not listed by readdir. Reading it gives the rules and
// modes in force. Writing adds rules (`>>`) or replaces them (`>`), and executes commands; a malformed line fails with
// EINVAL, and nothing of what was written is done. One a line:
//
//   OPERATION PATH FIRST LAST ACTION ARGUMENT EVERY REMAINING    a rule
//
//   OPERATION   read, write, fsync, allocate, name (making, renaming or removing a file or directory), or any
//   PATH        part of the path that the file was opened by; or, with one of * ? [ in it, a pattern for all of it
//   FIRST LAST  bytes of the file; the request must overlap them. LAST -1: to the end. fsync and name ignore them.
//   ACTION      error NAME   fail with EIO, ENOSPC, EROFS, EDQUOT or EAGAIN
//               latency N    take N microseconds more
//               short N      transfer at most N bytes and say so; of a short write by io_uring or AIO the kernel
//                            makes EIO
//               torn N       write: only N bytes reach the file, success is reported for all
//               flip N       invert the byte at position N of the file on its way, in either direction
//               space N      write, allocate: all such files together can become N bytes longer, then ENOSPC; removing
//                            or shortening them makes room again. Ignores EVERY and REMAINING.
//                            What does not fit fails as a whole.
//   EVERY       fire on each EVERY-th matching request
//   REMAINING   fire so many times, -1 for ever
//
//   latency N        the latency from now on
//   hold on|off      whether what is written can be lost until it is synced, by fsync, fdatasync, O_SYNC or O_DSYNC.
//                    After an fsync that failed by a rule, no later one covers what it should have. Off: all survives.
//   drop [SEED]      loses it: all of it, or, with a number, each sector of 512 bytes and each length or not, as the
//                    number says. Only what was written since `hold on`.
//   power off [SEED] the same, and in the same moment every request begins to fail with EIO
//   power on         requests are served again
//
// What is done to names survives at once, as does shortening a file.
//
//   echo 'read base/5/16384 8192 16383 error EIO 1 1' > MOUNTPOINT/.control
//   echo 'hold on' >> MOUNTPOINT/.control; ...; echo 'power off 42' >> MOUNTPOINT/.control
//
// MOUNTPOINT/.counters counts requests and bytes, the most requests that were in service at once, and the sectors that
// a loss would take and that losses have taken.
//
// Build: cc -O2 -Wall -Wextra $(pkg-config --cflags fuse3) *.c $(pkg-config --libs fuse3)

#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "rules.h"

enum { THREADS_DEFAULT = 256 };

struct options {
    long latency_us, threads;
    int foreground;
    const char *backing, *mountpoint;
};

static void usage(void) {
    fprintf(stderr, "usage: faultfs [--latency-us N] [--threads N] [--foreground] BACKING MOUNTPOINT\n");
    exit(2);
}

static long number_option(const char *text, long minimum, long maximum) {
    char *end;
    long number = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || number < minimum || number > maximum) {
        fprintf(stderr, "faultfs: %s is not a number from %ld to %ld\n", text, minimum, maximum);
        exit(2);
    }
    return number;
}

static struct options parse_options(int count, char *words[]) {
    static const struct option names[] = {{"latency-us", required_argument, NULL, 'l'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"foreground", no_argument, NULL, 'f'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {.threads = THREADS_DEFAULT};
    for (int option; (option = getopt_long(count, words, "", names, NULL)) != -1;) {
        switch (option) {
            case 'l': options.latency_us = number_option(optarg, 0, 60000000); break;
            case 't': options.threads = number_option(optarg, 1, 4096); break;
            case 'f': options.foreground = 1; break;
            default: usage();
        }
    }
    if (count - optind != 2) usage();
    options.backing = words[optind];
    // The path is needed again after the daemon has left the current directory.
    options.mountpoint = realpath(words[optind + 1], NULL);
    if (!options.mountpoint) {
        fprintf(stderr, "faultfs: cannot use the mount point %s: %s\n", words[optind + 1], strerror(errno));
        exit(1);
    }
    return options;
}

// Two descriptors for each file that somebody has open.
static void allow_many_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int serve(struct fuse *fuse, const struct options *options) {
    struct fuse_loop_config *loop = fuse_loop_cfg_create();
    if (!loop) return 1;
    // As many threads may sleep at once; and none is ended when idle, because starting one costs a request's time.
    fuse_loop_cfg_set_max_threads(loop, (unsigned)options->threads);
    fuse_loop_cfg_set_idle_threads(loop, (unsigned)options->threads);
    int result = fuse_loop_mt(fuse, loop);
    fuse_loop_cfg_destroy(loop);
    return result < 0;  // a positive result is the signal that ended it
}

int main(int count, char *words[]) {
    struct options options = parse_options(count, words);
    int error = files_open_backing(options.backing);
    if (error) {
        fprintf(stderr, "faultfs: cannot open the directory %s: %s\n", options.backing, strerror(-error));
        return 1;
    }
    rules_set_latency(options.latency_us);
    allow_many_files();
    prctl(PR_SET_TIMERSLACK, 1);  // else the kernel adds up to 50 microseconds to every sleep
    umask(0);

    // Only root may let other users in, and needs to: a PostgreSQL server does not run as root.
    char *words_for_fuse[] = {"faultfs", "-ofsname=faultfs,subtype=faultfs",
                              geteuid() == 0 ? "-oallow_other,default_permissions" : "-odefault_permissions"};
    struct fuse_args arguments = FUSE_ARGS_INIT(3, words_for_fuse);
    struct fuse *fuse = fuse_new(&arguments, &file_system, sizeof file_system, NULL);
    if (!fuse || fuse_mount(fuse, options.mountpoint) != 0) return 1;
    int failed = fuse_daemonize(options.foreground) != 0 || fuse_set_signal_handlers(fuse_get_session(fuse)) != 0;
    if (!failed) failed = serve(fuse, &options);
    fuse_remove_signal_handlers(fuse_get_session(fuse));
    fuse_unmount(fuse);
    fuse_destroy(fuse);
    return failed;
}
