#!/usr/bin/env python3
"""Commits per second of one row each: `millrace bench wal` against pgbench on PostgreSQL 18, and against fio.

All wait for the device before they say that a commit is done. fio writes blocks of 8 KiB into a file that has its
length, each followed by an fdatasync: what the device can do for one client at a time. pgbench is a second program
and talks to the server through a socket, which costs it CPU that an embedded engine does not need.
"""

import os

from common import (Fio, Report, arguments, direct_settings, environment, initialise, main, make_random_file, median,
                    millrace, places, ratio, ratio_cell, scratch, take_turns)
from postgres import Server

INSERT = r"""
\set id random(1, 1000000000)
insert into committed values (:id, repeat('x', 100));
"""


def ours(options, directory, clients, words):
    document = millrace(options, "bench", "wal", "-D", directory, "--clients", clients, "--runtime",
                        f"{options.runtime:g}", *words)
    result, = document["results"]
    return {"per_s": result["commits_per_s"], "p99_us": result["latency_us"]["p99"],
            "flushes_per_commit": result["flushes_per_commit"], "wal_sync_method": document["wal_sync_method"]}


def wanted_of(clients):
    """What is aimed at, as ratios to fio and to PostgreSQL."""
    return {1: (0.95, None), 32: (None, 1.5)}.get(clients, (None, None))


def compare(report, options, fio, place, directory, direct):
    our_words, their_settings = direct_settings(direct)
    cluster = initialise(options, os.path.join(directory, "millrace"))
    file = make_random_file(os.path.join(directory, "fio.dat"), 64 << 20)
    server = Server(os.path.join(directory, "postgresql"),
                    ["shared_buffers=256MB", "max_wal_size=16GB", "checkpoint_timeout=1d", "synchronous_commit=on",
                     f"max_connections={max(options.clients) + 10}", *their_settings])
    try:
        with server.running():
            server.sql("create table committed (id int8, payload text)")
            for clients in options.clients:
                turns = take_turns(
                    options.rounds, millrace=lambda: ours(options, cluster, clients, our_words),
                    postgresql=lambda: {"per_s": server.pgbench(INSERT, clients, options.runtime)},
                    fio=lambda: fio.append(file, "8k", options.runtime, bool(direct)))
                add_row(report, place, direct, clients, turns)
    finally:
        server.remove()


def add_row(report, place, direct, clients, turns):
    mine, server, fio = turns["millrace"], turns["postgresql"], turns["fio"]
    over_fio, over_server = wanted_of(clients)
    report.row(place, direct or "buffered", clients, mine[-1]["wal_sync_method"], f"{median(mine, 'per_s'):,.0f}",
               f"{median(server, 'per_s'):,.0f}", ratio_cell(ratio(mine, server, "per_s"), at_least=over_server),
               f"{median(fio, 'per_s'):,.0f}", ratio_cell(ratio(mine, fio, "per_s"), at_least=over_fio),
               f"{median(mine, 'p99_us'):,.0f}", f"{median(mine, 'flushes_per_commit'):.2f}", runs=turns)


def run(options):
    options.clients = [int(word) for word in options.clients.split(",")]
    report = Report("commits", "Commits of one row each per second",
                    ["device", "I/O", "clients", "sync method", "commits/s", "PostgreSQL 18", "ratio", "fio", "ratio",
                     "p99 µs", "flushes/commit"], options)
    fio = Fio(environment()["MILLRACE_FIO"])
    for place, directory in places(options, needed_mib=1024).items():
        for direct in ("", "data,wal"):
            with scratch(directory, "commits") as path:
                compare(report, options, fio, place, path, direct)
    report.write()


if __name__ == "__main__":
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--clients", default="1,8,32,64", help="numbers of clients (%(default)s)")
    main(run, parser.parse_args())
