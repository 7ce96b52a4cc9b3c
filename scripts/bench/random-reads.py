#!/usr/bin/env python3
"""Random direct reads of 8 KiB: `millrace bench io` against fio, on the same file, taking turns.

  io_uring    against fio's io_uring at its defaults, on zram and on a loop device over it, queue depth 32
  worker      against fio's psync with as many jobs as there are workers
  posix_aio   against fio's posixaio, on the disk

CPU is that of the whole process with all its threads; fio's start-up is subtracted, Millrace's is not.
"""

import os
import shutil

from common import (Finished, Fio, Report, arguments, environment, main, make_random_file, median, ratio, ratio_cell,
                    take_turns)


def millrace(options, path, method, settings=()):
    """The figures of one `millrace bench io`, with the CPU of the whole process."""
    run = Finished([options.millrace, "bench", "io", "--file", path, "--pattern", "randread", "--block-size", "8kB",
                    "--io-depth", str(options.depth), "--io-method", method, "--direct",
                    "--runtime", f"{options.runtime:g}", "--json", *settings])
    result = run.json
    return {"iops": result["iops"], "cpu_us_per_op": run.cpu_seconds * 1e6 / max(result["ops"], 1),
            "submit_calls": result["submit_calls"], "latency_us": result["latency_us"]}


def compare(report, options, fio, device, path, method, engine, jobs=1, settings=(), **wanted):
    depth = options.depth if jobs == 1 else 1
    turns = take_turns(
        options.rounds, millrace=lambda: millrace(options, path, method, settings),
        fio=lambda: fio.read(path, "randread", "8k", depth, engine, jobs, options.runtime))
    ours, theirs = turns["millrace"], turns["fio"]
    report.row(
        device, method, engine + (f" × {jobs}" if jobs > 1 else ""),
        f"{median(ours, 'iops'):,.0f}", f"{median(theirs, 'iops'):,.0f}",
        ratio_cell(ratio(ours, theirs, "iops"), at_least=wanted["iops"]),
        f"{median(ours, 'cpu_us_per_op'):.2f}", f"{median(theirs, 'cpu_us_per_op'):.2f}",
        ratio_cell(ratio(ours, theirs, "cpu_us_per_op"), at_most=wanted.get("cpu")), runs=turns)


def run(options):
    fio = Fio(environment()["MILLRACE_FIO"])
    report = Report(
        "random-reads", f"Random direct reads of 8 KiB, queue depth {options.depth}",
        ["device", "io_method", "fio", "IOPS", "fio's IOPS", "ratio", "CPU µs/read", "fio's", "ratio"], options)
    for device in ("zram", "loop"):
        directory = os.path.join(options.devices, device)
        if not os.path.ismount(directory):
            report.note(f"{device} left out: nothing is mounted at {directory} (scripts/devices.sh up)")
            continue
        path = make_random_file(os.path.join(directory, "random-reads.dat"), options.size << 20)
        try:
            compare(report, options, fio, device, path, "io_uring", "io_uring", iops=1.0, cpu=0.9)
            compare(report, options, fio, device, path, "worker", "psync", options.workers,
                    ["-c", f"io_workers={options.workers}"], iops=0.75)
        finally:
            os.unlink(path)
    path = make_random_file(os.path.join(options.disk, "random-reads.dat"), options.size << 20)
    try:
        compare(report, options, fio, "disk", path, "posix_aio", "posixaio", iops=1.5)
    finally:
        shutil.rmtree(options.disk) if options.disk_is_ours else os.unlink(path)
    report.write()


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--depth", type=int, default=32, help="reads in flight (%(default)s)")
    parser.add_argument("--workers", type=int, default=4, help="I/O workers, and fio's psync jobs (%(default)s)")
    parser.add_argument("--size", type=int, default=1024, help="MiB of the file that is read (%(default)s)")
    parsed = parser.parse_args()
    parsed.disk_is_ours = not os.path.exists(parsed.disk)
    main(run, parsed)
