"""What the comparison scripts share: running a program and counting its CPU time, fio, tables.

Rules of a comparison: the two programs take turns (A B, B A, A B ...) in one run on one machine, so that whatever
else the machine does falls on both; medians are compared, as ratios; the spread of the ratios is shown beside.
"""

import argparse
import contextlib
import json
import os
import platform
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Failure(Exception):
    """Something that the person who runs a comparison can put right; its text says what."""


def environment():
    """The places of programs that scripts/install-test-dependencies.sh has written down."""
    path = os.path.join(REPOSITORY, ".cache", "environment")
    if not os.path.exists(path):
        raise Failure("run scripts/install-test-dependencies.sh first")
    with open(path) as file:
        lines = [shlex.split(line, comments=True) for line in file]
    return dict(word.split("=", 1) for words in lines for word in words) | os.environ


def arguments(description, rounds=5, runtime=5):
    """The options that every comparison has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds, help="how often each pair takes turns (%(default)s)")
    parser.add_argument("--runtime", type=float, default=runtime, help="seconds of each timed run (%(default)s)")
    parser.add_argument("--millrace", default=os.path.join(REPOSITORY, ".build/release/millrace"), metavar="PROGRAM")
    parser.add_argument("--devices", default=os.environ.get("MILLRACE_DEVICES", "/var/tmp/millrace-devices"),
                        metavar="DIRECTORY", help="where scripts/devices.sh has mounted zram and loop (%(default)s)")
    parser.add_argument("--disk", default=os.path.join(REPOSITORY, ".build/bench/disk"), metavar="DIRECTORY",
                        help="a directory on the disk to measure (%(default)s)")
    parser.add_argument("--places", default="", metavar="NAMES",
                        help="where to measure, such as disk,loop; without it everywhere where there is room")
    parser.add_argument("--output", default=os.path.join(REPOSITORY, ".build/bench"), metavar="DIRECTORY",
                        help="where the tables and the JSON go (%(default)s)")
    return parser


class Finished:
    """A program that ran: what it printed, its wall-clock seconds, the CPU seconds of all its threads and children."""

    def __init__(self, command, accept=(0,)):
        began = time.monotonic()
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
            try:
                self.text = process.stdout.read().decode()
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            except BaseException:
                process.kill()
                raise
            finally:
                process.stdout.close()
            self.seconds = time.monotonic() - began
            self.cpu_seconds = usage.ru_utime + usage.ru_stime
            if process.returncode not in accept:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()
                raise Failure(f"{shlex.join(command)}\n  ended with status {process.returncode}: {said}")

    @property
    def json(self):
        # fio prints notes before its JSON.
        return json.loads(self.text[self.text.index("{"):])


class Fio:
    """fio's random or sequential direct reads of one file."""

    def __init__(self, program):
        self.program = program
        self.start_up = {}

    def _command(self, path, pattern, block_size, depth, engine, jobs, size, limits):
        command = [self.program, "--name=comparison", "--output-format=json", f"--filename={path}", "--readonly",
                   f"--rw={pattern}", f"--bs={block_size}", f"--iodepth={depth}", f"--ioengine={engine}", "--direct=1",
                   f"--size={size}"] + limits
        return command + ([f"--numjobs={jobs}", "--group_reporting"] if jobs > 1 else [])

    def _start_up_seconds(self, *job):
        """CPU of the same job with a single read: what fio needs to begin and to end."""
        if job not in self.start_up:
            command = self._command(*job, ["--number_ios=1"])
            self.start_up[job] = statistics.median(Finished(command).cpu_seconds for _ in range(3))
        return self.start_up[job]

    def read(self, path, pattern, block_size, depth, engine, jobs=1, runtime=None):
        """Reads for `runtime` seconds, or the file once. CPU counts all of fio's threads, less its start-up."""
        size = os.path.getsize(path)
        job = (path, pattern, block_size, depth, engine, jobs, size)
        limits = ["--time_based", f"--runtime={runtime:g}"] if runtime else []
        start_up = self._start_up_seconds(*job)
        run = Finished(self._command(*job, limits))
        read = run.json["jobs"][0]["read"]
        return {"iops": read["iops"], "mib_per_s": read["bw_bytes"] / 2**20,
                "cpu_us_per_op": max(run.cpu_seconds - start_up, 0) * 1e6 / max(read["total_ios"], 1)}

    def write_all(self, path, block_size, depth, engine, direct):
        """Overwrites a file once from front to back and makes it durable: MiB per second, of both together."""
        command = [self.program, "--name=comparison", "--output-format=json", f"--filename={path}", "--rw=write",
                   f"--bs={block_size}", f"--iodepth={depth}", f"--ioengine={engine}", f"--direct={int(direct)}",
                   f"--size={os.path.getsize(path)}", "--end_fsync=1", "--refill_buffers=0"]
        job = (path, block_size, depth, engine, direct)
        if job not in self.start_up:
            self.start_up[job] = statistics.median(
                Finished([*command, "--number_ios=1"]).seconds for _ in range(3))
        # What fio calls its runtime ends before the last fsync does.
        seconds = Finished(command).seconds - self.start_up[job]
        return {"mib_per_s": os.path.getsize(path) / 2**20 / seconds, "seconds": seconds}

    def append(self, path, block_size, runtime, direct=False):
        """Writes one block after the other into a file that has its length, each made durable by an fdatasync."""
        run = Finished([self.program, "--name=comparison", "--output-format=json", f"--filename={path}", "--rw=write",
                        f"--bs={block_size}", "--ioengine=psync", f"--direct={int(direct)}", "--fdatasync=1",
                        f"--size={os.path.getsize(path)}", "--time_based", f"--runtime={runtime:g}"])
        return {"per_s": run.json["jobs"][0]["write"]["iops"]}


def take_turns(rounds, **contenders):
    """Calls each contender once a round, in alternating order. Returns their results by name."""
    results = {name: [] for name in contenders}
    for number in range(rounds):
        names = list(contenders)
        for name in names if number % 2 == 0 else reversed(names):
            results[name].append(contenders[name]())
            print(f"  round {number + 1} of {rounds}: {name}", file=sys.stderr)
    return results


def median(results, key):
    return statistics.median(result[key] for result in results)


def ratio(ours, theirs, key):
    """Of the medians, and the lowest and highest of the rounds."""
    each = [our[key] / their[key] for our, their in zip(ours, theirs) if their[key]]
    theirs_median = median(theirs, key)
    whole = median(ours, key) / theirs_median if theirs_median else float("nan")
    return whole, min(each, default=whole), max(each, default=whole)


def ratio_cell(ratio_and_range, at_least=None, at_most=None):
    """Bold where what is wanted is reached, with two exclamation marks where it is not."""
    whole, low, high = ratio_and_range
    text = f"{whole:.2f}"
    if at_least is not None or at_most is not None:
        reached = whole >= at_least if at_least is not None else whole <= at_most
        text = f"**{text}**" if reached else f"!! {text}"
        text += f", wanted ≥ {at_least}" if at_least is not None else f", wanted ≤ {at_most}"
    return f"{text} ({low:.2f}–{high:.2f})"


class Report:
    """A Markdown table with what it was measured on, and the same as JSON."""

    def __init__(self, name, title, columns, options):
        self.name, self.title, self.columns, self.options = name, title, columns, options
        self.rows, self.data, self.notes = [], [], []

    def row(self, *cells, **data):
        self.rows.append([str(cell) for cell in cells])
        self.data.append(dict(zip(self.columns, cells)) | data)
        self._save()

    def note(self, sentence):
        print(f"note: {sentence}", file=sys.stderr)
        self.notes.append(sentence)

    def write(self):
        print(self._save())

    def _save(self):
        """After each row, so that a run which does not come to its end leaves what it has measured."""
        os.makedirs(self.options.output, exist_ok=True)
        machine = self._machine()
        rows = [self.columns, ["---"] * len(self.columns), *self.rows]
        lines = [f"### {self.title}", "", machine, "", *("| " + " | ".join(row) + " |" for row in rows), ""]
        lines += [f"- {note}" for note in self.notes] + ([""] if self.notes else [])
        command = shlex.join([f"scripts/bench/{self.name}.py", *sys.argv[1:]])
        text = "\n".join(lines + [f"Repeat with `{command}`.", ""])
        base = os.path.join(self.options.output, self.name)
        with open(base + ".md", "w") as file:
            file.write(text)
        with open(base + ".json", "w") as file:
            json.dump({"title": self.title, "machine": machine, "options": vars(self.options), "rows": self.data,
                       "notes": self.notes}, file, indent=1)
        return text

    def _machine(self):
        model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                     platform.machine())
        return (f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} × {model}, Linux {platform.release()}, "
                f"{self.options.rounds} rounds, load average {os.getloadavg()[0]:.1f}. "
                "Ratios are of medians, with the lowest and highest of the rounds.")


def make_random_file(path, size):
    """A file of incompressible bytes that are really on the device, or the one that is there already."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path) and os.path.getsize(path) == size:
        return path
    with open(path + ".partial", "wb") as file:
        for _ in range(0, size, 2**20):
            file.write(os.urandom(2**20))
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".partial", path)
    return path


def drop_cache(path):
    """Takes a file, or all files below a directory, out of the kernel's page cache."""
    for folder, _, names in os.walk(path) if os.path.isdir(path) else [(os.path.dirname(path), (), [path])]:
        for name in names:
            descriptor = os.open(os.path.join(folder, name), os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def places(options, needed_mib):
    """The directories to measure in, by the name of their device: the disk, and of zram and loop what is mounted and
    has room."""
    found = {}
    for name in ("zram", "loop"):
        directory = os.path.join(options.devices, name)
        if not os.path.ismount(directory):
            print(f"note: {name} left out: nothing is mounted at {directory}", file=sys.stderr)
        elif shutil.disk_usage(directory).free < needed_mib << 20:
            print(f"note: {name} left out: less than {needed_mib} MiB are free", file=sys.stderr)
        else:
            found[name] = directory
    found["disk"] = options.disk
    wanted = options.places.split(",") if options.places else found
    for name in wanted:
        if name not in found:
            raise Failure(f"there is no place {name}")
    return {name: found[name] for name in wanted}


@contextlib.contextmanager
def scratch(directory, name):
    """A directory of our own below one of the places, which a server's user may enter; removed afterwards."""
    is_ours = not os.path.exists(directory)
    os.makedirs(directory, exist_ok=True)
    path = tempfile.mkdtemp(prefix=f"{name}-", dir=directory)
    os.chmod(path, 0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if is_ours:
            shutil.rmtree(directory, ignore_errors=True)


def millrace(options, *words):
    """What a command of Millrace prints with --json."""
    return Finished([options.millrace, *map(str, words), "--json"]).json


def initialise(options, directory, *settings):
    """A new cluster of Millrace. Returns the directory."""
    Finished([options.millrace, "init", "-D", directory, *settings])
    return directory


def direct_settings(direct):
    """How Millrace and PostgreSQL are told `io_direct`; "" is buffered."""
    return (["--io-direct", direct] if direct else []), ([f"debug_io_direct={direct}"] if direct else [])


def main(run, options):
    """Runs a comparison; a failure is one sentence on standard error and exit status 1. Always cleans up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if not os.path.exists(options.millrace):
            raise Failure(f"there is no {options.millrace}; run `make build` first")
        run(options)
    except Failure as failure:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
