#!/usr/bin/env python3
"""Checking every page of a stopped cluster: `millrace verify` against pg_checksums and against the disk.

  cached   against `pg_checksums --check` of the same PostgreSQL, on the same files in the page cache
  cold     direct, against fio's sequential direct reads of 128 KiB at depth 16 of the cluster's largest file
"""

import os
import shutil

from common import (Finished, Fio, Report, arguments, drop_cache, environment, main, median, ratio, ratio_cell,
                    take_turns)
from postgres import Cluster


def speed(cluster, finished):
    return {"mib_per_s": cluster.data_bytes / 2**20 / finished.seconds,
            "cpu_us_per_page": finished.cpu_seconds * 1e6 / (cluster.data_bytes / 8192)}


def verify(options, cluster, *more):
    command = [options.millrace, "verify", "-D", cluster.directory, "--json", "--no-progress", *more]
    return speed(cluster, Finished(command))


def pg_checksums(cluster):
    program = os.path.join(cluster.programs, "pg_checksums")
    return speed(cluster, Finished([program, "--check", "-D", cluster.directory]))


def add_row(report, case, turns, their_name, at_least):
    ours, theirs = turns["millrace"], turns[their_name]
    report.row(case, their_name, f"{median(ours, 'mib_per_s'):,.0f}", f"{median(theirs, 'mib_per_s'):,.0f}",
               ratio_cell(ratio(ours, theirs, "mib_per_s"), at_least=at_least),
               f"{median(ours, 'cpu_us_per_page'):.2f}", f"{median(theirs, 'cpu_us_per_page'):.2f}", runs=turns)


def cold(options, cluster, fio):
    largest = max(cluster.data_files(), key=os.path.getsize)

    def ours():
        drop_cache(cluster.directory)
        return verify(options, cluster, "--io-direct", "data")

    def theirs():
        drop_cache(cluster.directory)
        result = fio.read(largest, "read", "128k", 16, "io_uring")
        return {"mib_per_s": result["mib_per_s"], "cpu_us_per_page": result["cpu_us_per_op"] / 16}

    return take_turns(options.rounds, millrace=ours, fio=theirs)


def run(options):
    report = Report(
        "verify-speed",
        f"Checking every page of a cluster with a {options.table} MiB table, PostgreSQL {options.version}",
        ["case", "against", "MiB/s", "theirs", "ratio", "CPU µs/page", "theirs"], options)
    fio = Fio(environment()["MILLRACE_FIO"])
    disk_is_ours = not os.path.exists(options.disk)
    cluster = Cluster(os.path.join(options.disk, "verify-cluster"), options.table, options.version)
    try:
        cluster.read_all()
        add_row(report, "cached", take_turns(options.rounds, millrace=lambda: verify(options, cluster),
                                             pg_checksums=lambda: pg_checksums(cluster)), "pg_checksums", 3.0)
        add_row(report, "cold, direct", cold(options, cluster, fio), "fio", 0.9)
    finally:
        cluster.remove()
        if disk_is_ours:
            shutil.rmtree(options.disk, ignore_errors=True)
    report.write()


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--table", type=int, default=1024, help="MiB of the cluster's table (%(default)s)")
    parser.add_argument("--version", type=int, default=18, choices=[15, 18], help="of PostgreSQL (%(default)s)")
    main(run, parser.parse_args())
