#!/usr/bin/env python3
"""Random reads of a relation that is not in memory, while a checkpoint runs and while none does.

`millrace bench checkpoint --foreground-reads` measures both in one process, in turns; the checkpoint is paced over the
time of one turn. Wanted is a p99 of at most twice that without a checkpoint.
"""

import os

from common import (Report, arguments, direct_settings, initialise, main, median, millrace, places, ratio, ratio_cell,
                    scratch)


def measure(options, directory, words):
    # A cluster for each round: its tables stay in it, and the quiet devices are small.
    with scratch(directory, "foreground-reads") as path:
        cluster = initialise(options, os.path.join(path, "millrace"))
        document = millrace(options, "bench", "checkpoint", "-D", cluster, "--dirty", f"{options.dirty}MiB",
                            "--foreground-reads", "--runtime", f"{options.runtime:g}", *words)
    return {when: {"p99": figures["latency_us"]["p99"], "p50": figures["latency_us"]["p50"],
                   "per_s": figures["reads_per_s"]}
            for when, figures in document["foreground_reads"].items() if isinstance(figures, dict)}


def run(options):
    report = Report("foreground-reads", f"Random reads beside a checkpoint of {options.dirty} MiB",
                    ["device", "io_method", "I/O", "p99 µs without", "with", "ratio", "p50 µs without", "with",
                     "reads/s without", "with"], options)
    for place, directory in places(options, needed_mib=4 * options.dirty + 1024).items():
        for method in options.methods.split(","):
            for direct in ("", "data,wal"):
                words = [*direct_settings(direct)[0], "--io-method", method]
                rounds = [measure(options, directory, words) for _ in range(options.rounds)]
                without, beside = ([each[when] for each in rounds] for when in ("without", "with"))
                report.row(place, method, direct or "buffered", f"{median(without, 'p99'):,.0f}",
                           f"{median(beside, 'p99'):,.0f}", ratio_cell(ratio(beside, without, "p99"), at_most=2.0),
                           f"{median(without, 'p50'):,.0f}", f"{median(beside, 'p50'):,.0f}",
                           f"{median(without, 'per_s'):,.0f}", f"{median(beside, 'per_s'):,.0f}", runs=rounds)
    report.write()


if __name__ == "__main__":
    parser = arguments(__doc__, rounds=3, runtime=10)
    parser.add_argument("--dirty", type=int, default=512, help="MiB of dirty pages (%(default)s)")
    parser.add_argument("--methods", default="worker,io_uring", help="values of io_method (%(default)s)")
    main(run, parser.parse_args())
