#!/usr/bin/env python3
"""A checkpoint of dirty pages: `millrace bench checkpoint` against PostgreSQL 18's CHECKPOINT and against fio.

Both have so many MiB of one relation dirty in memory and no other checkpoint to wait for; Millrace's is not paced,
as CHECKPOINT is not. fio overwrites a file of that size once with writes of io_combine_limit and syncs it. Buffered
and direct, on the same device. Wanted is a checkpoint that is twice as fast as PostgreSQL's, or reaches 0.9 of fio's
rate; see the column that is reached.
"""

import os

from common import (Fio, Report, arguments, direct_settings, drop_cache, environment, initialise, main,
                    make_random_file, median, millrace, places, ratio, ratio_cell, scratch, take_turns)
from postgres import Server


class DirtyTable:
    """A table with one row on each page, and room there for the row's next version."""

    def __init__(self, server, mib):
        self.server = server
        server.sql("create table dirty (id int4 not null, n int4 not null, padding text) with (fillfactor = 50)",
                   "alter table dirty alter padding set storage plain",
                   f"insert into dirty select i, 0, repeat('x', 3900) from generate_series(1, {mib * 128}) i",
                   "vacuum (freeze) dirty", "checkpoint")

    def checkpoint(self):
        """Changes a row on each page, then has them written."""
        self.server.sql("update dirty set n = n + 1")
        pages = int(self.server.sql("select count(*) from dirty"))
        seconds = self.server.seconds_of("checkpoint")
        return {"mib_per_s": pages / 128 / seconds, "seconds": seconds}


def ours(options, directory, words):
    drop_cache(directory)
    return millrace(options, "bench", "checkpoint", "-D", directory, "--dirty", f"{options.dirty}MiB", *words)


def compare(report, options, fio, place, directory, direct):
    our_words, their_settings = direct_settings(direct)
    cluster = initialise(options, os.path.join(directory, "millrace"))
    server = Server(os.path.join(directory, "postgresql"),
                    [f"shared_buffers={options.dirty + 256}MB", "max_wal_size=64GB", "checkpoint_timeout=1d",
                     "io_method=worker", *their_settings])
    file = make_random_file(os.path.join(directory, "fio.dat"), options.dirty << 20)
    try:
        with server.running():
            table = DirtyTable(server, options.dirty)
            turns = take_turns(
                options.rounds, millrace=lambda: ours(options, cluster, our_words), postgresql=table.checkpoint,
                fio=lambda: fio.write_all(file, "128k", 16, "io_uring", bool(direct)))
    finally:
        server.remove()
    mine = turns["millrace"]
    over_fio = ratio(mine, turns["fio"], "mib_per_s")
    # Either of the two is enough.
    to_server = ratio(mine, turns["postgresql"], "mib_per_s")
    aims = {"fio": 0.9 if over_fio[0] >= 0.9 or to_server[0] < 2 else None,
            "postgresql": 2.0 if to_server[0] >= 2 or over_fio[0] < 0.9 else None}
    report.row(place, direct or "buffered", f"{median(mine, 'mib_per_s'):,.0f}",
               f"{median(turns['postgresql'], 'mib_per_s'):,.0f}", ratio_cell(to_server, at_least=aims["postgresql"]),
               f"{median(turns['fio'], 'mib_per_s'):,.0f}", ratio_cell(over_fio, at_least=aims["fio"]), runs=turns)


def run(options):
    report = Report("checkpoint", f"A checkpoint of {options.dirty} MiB of dirty pages",
                    ["device", "I/O", "MiB/s", "PostgreSQL 18", "ratio", "fio", "ratio"], options)
    fio = Fio(environment()["MILLRACE_FIO"])
    for place, directory in places(options, needed_mib=8 * options.dirty + 512).items():
        for direct in ("", "data"):
            with scratch(directory, "checkpoint") as path:
                compare(report, options, fio, place, path, direct)
    report.write()


if __name__ == "__main__":
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--dirty", type=int, default=1024, help="MiB of dirty pages (%(default)s)")
    main(run, parser.parse_args())
