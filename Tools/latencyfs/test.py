#!/usr/bin/env python3
"""Checks latencyfs on a real mount: parallelism, every action of the rule language, refusals, unmounting.

test.py LATENCYFS    the program to test. Exit status 0: all well, 1: something is wrong, 77: this machine cannot mount.
Nothing here depends on speed: parallelism is counted by the file system itself.
"""

import contextlib
import errno
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
    """A latencyfs of its own over a file `a`, ended with SIGTERM."""

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
                raise RuntimeError(f"latencyfs ended with status {self.process.returncode}")
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


def check_malformed_rules_change_nothing(mount):
    mount.control("any a 0 -1 latency 5 2 -1\n")
    mount.control("read b 0 -1 short 1 1 1\n", replace=False)
    before = mount.text(".control")
    assert before.count("\n") == 3, before
    for line in ("read a 0 -1 error EWHAT 1 1", "read a 5 4 short 1 1 1", "read a 0 -1 torn 1 1 1",
                 "move a 0 1 short 1 1 1", "read a 0 1 short 1 0 1", "read a 0 1 short", "latency x",
                 "read a 0 -1 short 1 1 1\nwhat", "a b c d e f g h i", "x" * 600):
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
            for check in (check_passes_through, check_counts_requests, check_error, check_every,
                          check_short_and_torn, check_flip, check_malformed_rules_change_nothing):
                check(mount)
    print("latencyfs: all well")


if __name__ == "__main__":
    main()
