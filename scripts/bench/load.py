#!/usr/bin/env python3
"""Bulk load of rows into one relation without an index: `millrace bench load` against PostgreSQL 18's COPY.

The same rows: a number of 8 bytes and a text. Both log everything, and have made the commit durable when the time is
taken. COPY reads a file that is in the page cache; `bench load` makes its rows up. MiB are the rows' own.
"""

import os

from common import (Report, arguments, direct_settings, initialise, main, median, millrace, places, ratio, ratio_cell,
                    scratch, take_turns)
from postgres import Server


def make_rows(path, count, length):
    """As COPY reads them: a number and a text of that length."""
    with open(path, "w") as file:
        for number in range(count):
            digits = f"{number:016x}"
            file.write(f"{number}\t{(digits * (length // 16 + 1))[:length]}\n")
    os.chmod(path, 0o644)


def ours(options, directory, words):
    result = millrace(options, "bench", "load", "-D", directory, "--rows", options.rows, "--payload", options.length,
                      *words)
    return {"mib_per_s": options.mib / result["seconds"], "wal_mib": result["wal_bytes"] / 2**20,
            "cpu_seconds": result["cpu_seconds"]}


def copy(options, server, rows):
    server.sql("drop table if exists loaded", "create table loaded (id int8, payload text)", "checkpoint")
    before = server.sql("select pg_current_wal_insert_lsn()")
    seconds = server.seconds_of(f"copy loaded from '{rows}'")
    wal = int(server.sql(f"select pg_current_wal_insert_lsn() - '{before}'::pg_lsn"))
    return {"mib_per_s": options.mib / seconds, "wal_mib": wal / 2**20}


def compare(report, options, place, directory, direct):
    our_words, their_settings = direct_settings(direct)
    rows = os.path.join(directory, "rows")
    make_rows(rows, options.rows, options.length)
    cluster = initialise(options, os.path.join(directory, "millrace"))
    server = Server(os.path.join(directory, "postgresql"),
                    ["shared_buffers=256MB", "max_wal_size=16GB", "checkpoint_timeout=1d", *their_settings])
    try:
        with server.running():
            turns = take_turns(options.rounds, millrace=lambda: ours(options, cluster, our_words),
                               postgresql=lambda: copy(options, server, rows))
    finally:
        server.remove()
    mine, theirs = turns["millrace"], turns["postgresql"]
    report.row(place, direct or "buffered", f"{median(mine, 'mib_per_s'):,.0f}", f"{median(theirs, 'mib_per_s'):,.0f}",
               ratio_cell(ratio(mine, theirs, "mib_per_s"), at_least=2.0),
               f"{median(mine, 'wal_mib'):,.0f}", f"{median(theirs, 'wal_mib'):,.0f}", runs=turns)


def run(options):
    options.mib = options.rows * (8 + options.length) / 2**20
    report = Report("load", f"Bulk load of {options.rows:,} rows of {8 + options.length} bytes",
                    ["device", "I/O", "MiB/s", "COPY", "ratio", "WAL MiB", "COPY's"], options)
    for place, directory in places(options, needed_mib=round(options.mib * 10) + 1024).items():
        for direct in ("", "data,wal"):
            with scratch(directory, "load") as path:
                compare(report, options, place, path, direct)
    report.write()


if __name__ == "__main__":
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--rows", type=int, default=3_000_000, help="number of rows (%(default)s)")
    parser.add_argument("--length", type=int, default=100, help="bytes of each row's text (%(default)s)")
    main(run, parser.parse_args())
