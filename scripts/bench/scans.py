#!/usr/bin/env python3
"""Scans of one PostgreSQL relation through the buffer pool: `millrace bench scan`, by every method.

  cached     each method against sync
  cold       direct, on the disk, against fio's sequential direct reads of 128 KiB at depth 16
  latency    on storage that takes 1 ms a request and serves requests in parallel (Tools/faultfs): each method
             against sync, for the scan and for random blocks that are known ahead (`millrace bench io`)

Needs root for faultfs.
"""

import os
import shutil
import subprocess
import tempfile

from common import (REPOSITORY, Failure, Finished, Fio, Report, arguments, drop_cache, environment, main, median, ratio,
                    ratio_cell, take_turns)
from postgres import Cluster

LATENCY_MOUNT = os.path.join(REPOSITORY, "scripts", "latency-mount.sh")


def scan_all_methods(options, cluster_directory, relation):
    """One `millrace bench scan`: its results by (method, direct, cache), where cache is "cold" or "warm".

    The JSON is an object with `results`, a list of objects with at least `io_method`, `direct`, `cache`, `bytes`,
    `seconds` and `cpu_seconds`.
    """
    document = Finished([options.millrace, "bench", "scan", "-D", cluster_directory, "--relation", relation, "--json"])
    return {
        (result["io_method"], result["direct"], result["cache"]): {
            "mib_per_s": result["bytes"] / 2**20 / result["seconds"],
            "cpu_us_per_page": result["cpu_seconds"] * 1e6 / (result["bytes"] / 8192),
        }
        for result in document.json["results"]
    }


def add_row(report, storage, what, ours, theirs, their_name, key, at_least):
    """`ours` and `theirs` are lists of results, one for each round."""
    report.row(storage, what, f"{median(ours, key):,.0f}", f"{their_name}: {median(theirs, key):,.0f}",
               ratio_cell(ratio(ours, theirs, key), at_least=at_least), ours=ours, theirs=theirs)


def by_case(rounds):
    """A list of results for each case, from a list of rounds."""
    return {case: [results[case] for results in rounds if case in results] for case in rounds[0]}


def cached_and_cold(report, options, cluster, fio):
    path = os.path.join(cluster.directory, cluster.relation)

    def fio_sequential():
        drop_cache(path)
        return fio.read(path, "read", "128k", 16, "io_uring")

    turns = take_turns(options.rounds, fio=fio_sequential,
                       millrace=lambda: scan_all_methods(options, cluster.directory, cluster.relation))
    cases = by_case(turns["millrace"])
    sync = cases.get(("sync", False, "warm"))
    if not sync:
        raise Failure("`millrace bench scan` gave no warm buffered scan with io_method sync")
    for (method, direct, cache), results in cases.items():
        if cache == "warm" and not direct and method != "sync":
            add_row(report, "page cache", f"scan, {method}", results, sync, "sync", "mib_per_s", 0.98)
    for (method, direct, cache), results in cases.items():
        if cache == "cold" and direct:
            wanted = 0.9 if method == "io_uring" else None
            add_row(report, "disk, direct", f"scan, {method}", results, turns["fio"], "fio", "mib_per_s", wanted)


def random_reads(options, path, method):
    run = Finished([options.millrace, "bench", "io", "--file", path, "--pattern", "randread", "--block-size", "8kB",
                    "--io-depth", "32", "--io-method", method, "--runtime", f"{options.runtime:g}", "--json"])
    return {"iops": run.json["iops"]}


def with_latency(report, options, cluster):
    """The same cluster, seen through storage with latency."""
    storage = f"{options.latency_us} µs a request"
    with tempfile.TemporaryDirectory() as directory:
        mountpoint = os.path.join(directory, "mount")
        subprocess.run([LATENCY_MOUNT, cluster.directory, mountpoint, str(options.latency_us)], check=True)
        try:
            cases = by_case([scan_all_methods(options, mountpoint, cluster.relation) for _ in range(options.rounds)])
            sync = cases[("sync", False, "cold")]
            for (method, direct, cache), results in cases.items():
                if cache == "cold" and not direct and method != "sync":
                    wanted = 2.5 if method in ("io_uring", "worker") else None
                    add_row(report, storage, f"scan, {method}", results, sync, "sync", "mib_per_s", wanted)
            path = os.path.join(mountpoint, cluster.relation)
            methods = ("sync", "worker", "io_uring")
            turns = take_turns(options.rounds, **{
                method: lambda method=method: random_reads(options, path, method) for method in methods})
            for method in methods[1:]:
                add_row(report, storage, f"random blocks, {method} (IOPS)", turns[method], turns["sync"], "sync",
                        "iops", 5)
        finally:
            subprocess.run([LATENCY_MOUNT, "--unmount", mountpoint], check=True)


def run(options):
    report = Report("scans", f"Scans of a {options.table} MiB relation",
                    ["storage", "case", "MiB/s", "against", "ratio"], options)
    fio = Fio(environment()["MILLRACE_FIO"])
    disk_is_ours = not os.path.exists(options.disk)
    cluster = Cluster(os.path.join(options.disk, "scans-cluster"), options.table)
    try:
        cached_and_cold(report, options, cluster, fio)
        if os.geteuid() == 0 and os.path.exists("/dev/fuse"):
            with_latency(report, options, cluster)
        else:
            report.note("storage with latency left out: it needs root and /dev/fuse")
    finally:
        cluster.remove()
        if disk_is_ours:
            shutil.rmtree(options.disk, ignore_errors=True)
    report.write()


if __name__ == "__main__":
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--table", type=int, default=512, help="MiB of the relation (%(default)s)")
    parser.add_argument("--latency-us", type=int, default=1000, help="microseconds a request (%(default)s)")
    main(run, parser.parse_args())
