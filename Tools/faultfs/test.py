#!/usr/bin/env python3
"""Checks faultfs on a real mount: parallelism, every rule and command, refusals, direct I/O, io_uring, unmounting.

test.py FAULTFS    the program to test. Exit status 0: all well, 1: something is wrong, 77: this machine cannot mount.
Nothing here depends on speed: parallelism is counted by the file system itself.
"""

import contextlib
import errno
import mmap
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

PAGE = 8192
CONTENT = bytes(range(256)) * 128  # 32 KiB


class Mount:
    """A faultfs of its own over a file `a`, ended with SIGTERM."""

    def __init__(self, program, directory, *options):
        self.backing, self.point = os.path.join(directory, "backing"), os.path.join(directory, "mount")
        for path in (self.backing, self.point):
            os.makedirs(path, exist_ok=True)
        with open(os.path.join(self.backing, "a"), "wb") as file:
            file.write(CONTENT)
        # In the foreground, so that the process is ours and its end can be waited for.
        self.process = subprocess.Popen([program, "--foreground", *options, self.backing, self.point])
        while not os.path.ismount(self.point):
            if self.process.poll() is not None:
                raise RuntimeError(f"faultfs ended with status {self.process.returncode}")
        self.descriptor = os.open(os.path.join(self.point, "a"), os.O_RDWR)

    def control(self, text, replace=True):
        mode = os.O_TRUNC if replace else os.O_APPEND
        descriptor = os.open(os.path.join(self.point, ".control"), os.O_WRONLY | mode)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def text(self, name):
        with open(os.path.join(self.point, name)) as file:
            return file.read()

    def counter(self, name):
        return int(dict(line.split() for line in self.text(".counters").splitlines())[name])

    def read(self, size, offset):
        return os.pread(self.descriptor, size, offset)

    def write(self, data, offset):
        return os.pwrite(self.descriptor, data, offset)

    def on_disk(self):
        with open(os.path.join(self.backing, "a"), "rb") as file:
            return file.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        os.close(self.descriptor)
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait()
        if error is None:
            assert status == 0, f"SIGTERM ended it with status {status}"
            assert not os.path.ismount(self.point), "still mounted after SIGTERM"


@contextlib.contextmanager
def fails_with(number):
    try:
        yield
    except OSError as error:
        assert error.errno == number, f"expected {errno.errorcode[number]}, got {error}"
        return
    raise AssertionError(f"expected {errno.errorcode[number]}, but it succeeded")


def check_passes_through(mount):
    assert mount.read(len(CONTENT), 0) == CONTENT
    assert mount.write(b"x" * PAGE, PAGE) == PAGE
    assert mount.on_disk() == CONTENT[:PAGE] + b"x" * PAGE + CONTENT[2 * PAGE:]
    mount.write(CONTENT[PAGE:2 * PAGE], PAGE)
    os.fsync(mount.descriptor)

    directory = os.path.join(mount.point, "d")
    os.mkdir(directory)
    os.symlink("../a", os.path.join(directory, "link"))
    assert os.readlink(os.path.join(directory, "link")) == "../a"
    os.rename(os.path.join(directory, "link"), os.path.join(directory, "renamed"))
    assert os.listdir(directory) == ["renamed"]
    os.unlink(os.path.join(directory, "renamed"))
    os.rmdir(directory)
    assert sorted(os.listdir(mount.point)) == ["a"]


def check_counts_requests(mount):
    before = mount.counter("reads"), mount.counter("read_bytes")
    mount.read(16 * 1024, 0)
    assert (mount.counter("reads"), mount.counter("read_bytes")) == (before[0] + 1, before[1] + 16 * 1024)


def check_error(mount):
    mount.control("read a 8192 16383 error EIO 1 2\n")
    assert mount.read(PAGE, 0) == CONTENT[:PAGE]
    for offset, size in ((PAGE, PAGE), (2 * PAGE - 1, 1)):
        with fails_with(errno.EIO):
            mount.read(size, offset)
    assert mount.read(PAGE, PAGE) == CONTENT[PAGE:2 * PAGE]
    assert mount.text(".control").endswith("read a 8192 16383 error EIO 1 0\n")

    mount.control("fsync a 0 -1 error EIO 1 1\n")
    with fails_with(errno.EIO):
        os.fsync(mount.descriptor)
    os.fsync(mount.descriptor)


def check_every(mount):
    mount.control("read elsewhere 0 -1 error EIO 1 -1\nwrite * 0 -1 error ENOSPC 3 -1\n")
    for attempt in range(1, 10):
        with fails_with(errno.ENOSPC) if attempt % 3 == 0 else contextlib.nullcontext():
            mount.write(CONTENT[:1], 0)
    mount.read(PAGE, 0)


def check_short_and_torn(mount):
    mount.control("read a 0 -1 short 512 1 1\nwrite a 0 -1 short 17 1 1\n")
    assert [len(mount.read(PAGE, 0)), len(mount.read(PAGE, 0))] == [512, PAGE]
    assert mount.write(b"y" * 100, 0) == 17
    assert mount.on_disk()[:100] == b"y" * 17 + CONTENT[17:100]
    mount.control("write a 0 -1 torn 512 1 1\n")
    assert mount.write(b"z" * 4096, 0) == 4096
    assert mount.on_disk()[:4096] == b"z" * 512 + CONTENT[512:4096]
    mount.write(CONTENT, 0)


def check_flip(mount):
    mount.control("read a 0 -1 flip 5000 1 1\n")
    damaged = mount.read(PAGE, 0)
    assert damaged[5000] == CONTENT[5000] ^ 0xFF
    assert damaged[:5000] + damaged[5001:] == CONTENT[:5000] + CONTENT[5001:PAGE]
    assert mount.read(PAGE, 0) == CONTENT[:PAGE]
    mount.control("write a 0 -1 flip 10 1 1\n")
    mount.write(bytes(20), 0)
    assert mount.on_disk()[:20] == bytes(10) + b"\xff" + bytes(9)
    mount.write(CONTENT, 0)


def check_space(mount):
    with open(os.path.join(mount.point, "b"), "wb", buffering=0) as file:
        mount.control("any b 0 -1 space 20000 1 -1\n")
        assert [file.write(bytes(PAGE)) for _ in range(2)] == [PAGE, PAGE]
        with fails_with(errno.ENOSPC):
            file.write(bytes(PAGE))
        assert file.write(bytes(20000 - 2 * PAGE)) == 20000 - 2 * PAGE
        os.pwrite(file.fileno(), b"x" * PAGE, 0)  # what it has can be written
        with fails_with(errno.ENOSPC):
            os.posix_fallocate(file.fileno(), 0, 20001)
        os.ftruncate(file.fileno(), 20000 - 10)
        file.seek(0, os.SEEK_END)
        with fails_with(errno.ENOSPC):
            file.write(bytes(11))
        assert file.write(bytes(10)) == 10
        mount.write(CONTENT[:PAGE], 0)
    os.unlink(os.path.join(mount.point, "b"))
    assert "space 20000" in mount.text(".control"), mount.text(".control")
    mount.control("")


def check_patterns_and_names(mount):
    mount.control("name */x?.d 0 -1 error ENOSPC 1 -1\nread */[ab] 0 -1 error EIO 1 1\n")
    with fails_with(errno.ENOSPC):
        os.mkdir(os.path.join(mount.point, "x1.d"))
    with fails_with(errno.ENOSPC):
        open(os.path.join(mount.point, "x2.d"), "wb")
    with fails_with(errno.ENOSPC):
        os.rename(os.path.join(mount.point, "a"), os.path.join(mount.point, "x3.d"))
    os.mkdir(os.path.join(mount.point, "x11.d"))
    os.rmdir(os.path.join(mount.point, "x11.d"))
    with fails_with(errno.EIO):
        mount.read(PAGE, 0)
    mount.control("fsync / 0 -1 error EIO 1 1\n")
    directory = os.open(mount.point, os.O_RDONLY)
    with fails_with(errno.EIO):
        os.fsync(directory)
    os.fsync(directory)
    os.close(directory)
    mount.control("allocate a 0 -1 error ENOSPC 1 1\n")
    with fails_with(errno.ENOSPC):
        os.posix_fallocate(mount.descriptor, 0, PAGE)
    mount.control("")


def check_unsynced_writes_are_lost(mount):
    mount.control("hold on\n")
    mount.write(b"1" * PAGE, 0)
    os.fsync(mount.descriptor)
    mount.write(b"2" * PAGE, 0)
    mount.write(b"3" * 100, 5 * PAGE + 1)  # makes it longer
    assert mount.read(PAGE, 0) == b"2" * PAGE and mount.counter("unsynced_sectors") > 16
    other = os.open(os.path.join(mount.point, "b"), os.O_WRONLY | os.O_CREAT)
    os.write(other, b"4" * PAGE)
    os.close(other)  # closing is not syncing
    mount.control("drop\n", replace=False)
    assert mount.read(6 * PAGE, 0) == b"1" * PAGE + CONTENT[PAGE:] == mount.on_disk()
    assert os.fstat(mount.descriptor).st_size == len(CONTENT)
    assert os.path.getsize(os.path.join(mount.point, "b")) == 0
    assert mount.counter("unsynced_sectors") == 0 and mount.counter("dropped_sectors") > 0
    # What stays is held as before.
    mount.write(b"5" * PAGE, 0)
    mount.control("drop\n", replace=False)
    assert mount.read(PAGE, 0) == b"1" * PAGE
    mount.control("hold off\n", replace=False)
    mount.write(CONTENT, 0)
    mount.control("drop\n", replace=False)
    assert mount.on_disk() == CONTENT
    os.unlink(os.path.join(mount.point, "b"))


def check_synchronous_writes_survive(mount):
    mount.control("hold on\n")
    path = os.path.join(mount.point, "a")
    for flag in (os.O_DSYNC, os.O_SYNC):
        descriptor = os.open(path, os.O_WRONLY | flag)
        mount.write(b"l" * 2 * PAGE, 0)
        os.pwrite(descriptor, b"s" * PAGE, 0)
        os.pwrite(descriptor, b"s" * 10, len(CONTENT))
        os.close(descriptor)
        mount.control("drop\n", replace=False)
        assert mount.on_disk() == b"s" * PAGE + CONTENT[PAGE:] + b"s" * 10
        os.ftruncate(mount.descriptor, len(CONTENT))
        mount.write(CONTENT, 0)
        os.fdatasync(mount.descriptor)
    os.pwritev(mount.descriptor, [b"d" * 512], 512, os.RWF_DSYNC)
    mount.control("drop\n", replace=False)
    assert mount.on_disk() == CONTENT[:512] + b"d" * 512 + CONTENT[1024:]
    mount.control("hold off\n", replace=False)
    mount.write(CONTENT, 0)


def check_a_failed_sync_is_not_made_good(mount):
    mount.control("hold on\nfsync a 0 -1 error EIO 1 1\n")
    mount.write(b"f" * 1024, 0)
    with fails_with(errno.EIO):
        os.fsync(mount.descriptor)
    mount.write(b"g" * 512, 512)  # written again: the next sync covers it
    os.fsync(mount.descriptor)
    mount.control("drop\n", replace=False)
    assert mount.on_disk() == CONTENT[:512] + b"g" * 512 + CONTENT[1024:]
    mount.control("hold off\n", replace=False)
    mount.write(CONTENT, 0)


def check_a_seed_loses_some_sectors(mount):
    """The same ones each time, and not the same for another seed."""
    images = []
    for seed in (7, 7, 8):
        mount.control("hold on\n")
        mount.write(b"n" * len(CONTENT), 0)
        mount.control(f"drop {seed}\n", replace=False)
        image = mount.on_disk()
        sectors = [image[start:start + 512] for start in range(0, len(image), 512)]
        lost = [sector == CONTENT[:512] for sector in sectors]
        assert all(sector in (CONTENT[:512], b"n" * 512) for sector in sectors) and any(lost) and not all(lost)
        images.append(image)
        mount.control("hold off\n")
        mount.write(CONTENT, 0)
    assert images[0] == images[1] != images[2]


def check_power(mount):
    mount.control("hold on\n")
    mount.write(b"p" * PAGE, 0)
    mount.control("power off\n", replace=False)
    assert "power off" in mount.text(".control")
    path = os.path.join(mount.point, "a")
    for action in (lambda: mount.read(1, 0), lambda: mount.write(b"x", 0), lambda: os.fsync(mount.descriptor),
                   lambda: os.open(path, os.O_RDONLY), lambda: os.ftruncate(mount.descriptor, 1),
                   lambda: os.posix_fallocate(mount.descriptor, 0, PAGE), lambda: os.rename(path, path + "b"),
                   lambda: os.mkdir(path + "d"), lambda: os.unlink(path)):
        with fails_with(errno.EIO):
            action()
    mount.control("power on\n", replace=False)
    assert mount.read(len(CONTENT), 0) == CONTENT
    mount.control("hold off\n")


def check_direct_and_io_uring(mount):
    memory = mmap.mmap(-1, PAGE)
    memory.write(b"o" * PAGE)
    descriptor = os.open(os.path.join(mount.point, "a"), os.O_RDWR | os.O_DIRECT)
    mount.control("hold on\nread a 0 -1 short 512 1 1\n")
    assert os.pwritev(descriptor, [memory], PAGE) == PAGE and os.preadv(descriptor, [memory], 0) == 512
    mount.control("drop\n", replace=False)
    assert os.preadv(descriptor, [memory], PAGE) == PAGE and memory[:] == CONTENT[PAGE:2 * PAGE]
    os.close(descriptor)
    mount.control("hold off\n")
    if shutil.which("fio"):
        for engine in ("io_uring", "psync"):
            job = subprocess.run(
                ["fio", "--name=f", f"--filename={mount.point}/f", "--size=1m", "--bs=8k", "--rw=randrw", "--direct=1",
                 "--verify=crc32c", "--iodepth=16", f"--ioengine={engine}"], capture_output=True, text=True)
            refused = "io_uring" in job.stderr and "not permitted" in job.stderr
            assert job.returncode == 0 or refused, job.stderr + job.stdout
        os.unlink(os.path.join(mount.point, "f"))


def check_parallel_writers_lose_no_synced_page(mount):
    """Four writers of four files, each of which remembers what it synced; then the power fails under them."""
    synced = {}

    def write_and_sync(name):
        descriptor = os.open(os.path.join(mount.point, name), os.O_RDWR | os.O_CREAT)
        synced[name] = 0
        try:
            for number in range(1, 100_000):
                os.pwrite(descriptor, number.to_bytes(4, "little") * (PAGE // 4), number % 8 * PAGE)
                os.fdatasync(descriptor)
                synced[name] = number
        except OSError as error:
            assert error.errno == errno.EIO, error
        os.close(descriptor)

    mount.control("hold on\n")
    writers = [threading.Thread(target=write_and_sync, args=(f"w{number}",)) for number in range(4)]
    for writer in writers:
        writer.start()
    while len(synced) < 4 or min(synced.values()) < 20:
        pass
    mount.control("power off 3\n", replace=False)
    for writer in writers:
        writer.join()
    mount.control("power on\n", replace=False)
    for name, last in synced.items():
        with open(os.path.join(mount.backing, name), "rb") as file:
            image = file.read()
        for number in range(last - 6, last + 1):
            assert image[number % 8 * PAGE:][:PAGE] == number.to_bytes(4, "little") * (PAGE // 4), (name, number, last)
        os.unlink(os.path.join(mount.point, name))
    mount.control("hold off\n")


def check_malformed_rules_change_nothing(mount):
    mount.control("any a 0 -1 latency 5 2 -1\n")
    mount.control("read b 0 -1 short 1 1 1\n", replace=False)
    before = mount.text(".control")
    assert before.count("\n") == 3, before
    for line in ("read a 0 -1 error EWHAT 1 1", "read a 5 4 short 1 1 1", "read a 0 -1 torn 1 1 1",
                 "move a 0 1 short 1 1 1", "read a 0 1 short 1 0 1", "read a 0 1 short", "latency x",
                 "read a 0 -1 short 1 1 1\nwhat", "a b c d e f g h i", "x" * 600, "hold", "hold what", "drop x",
                 "power off 1 2", "power on 1", "drop\nlatency", "fsync a 0 -1 short 1 1 1", "name a 0 -1 space 1 1 1"):
        with fails_with(errno.EINVAL):
            mount.control(line, replace=False)
    assert mount.text(".control") == before
    mount.control("")


def check_parallelism(program, directory):
    """64 readers are all in service at once. The latency only has to outlast the start of 64 threads."""
    with Mount(program, directory, "--latency-us", "3000000", "--threads", "64") as mount:
        readers = [threading.Thread(target=mount.read, args=(PAGE, 0)) for _ in range(64)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert mount.counter("in_service_max") == 64, mount.text(".counters")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv[1])
    if not os.path.exists("/dev/fuse") or not shutil.which("fusermount3"):
        print("skipped: this machine has no /dev/fuse")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as directory:
        check_parallelism(program, directory)
        with Mount(program, directory) as mount:
            for check in (check_passes_through, check_counts_requests, check_error, check_every, check_short_and_torn,
                          check_flip, check_space, check_patterns_and_names, check_unsynced_writes_are_lost,
                          check_synchronous_writes_survive, check_a_failed_sync_is_not_made_good,
                          check_a_seed_loses_some_sectors, check_power, check_direct_and_io_uring,
                          check_parallel_writers_lose_no_synced_page, check_malformed_rules_change_nothing):
                check(mount)
    print("faultfs: all well")


if __name__ == "__main__":
    main()
