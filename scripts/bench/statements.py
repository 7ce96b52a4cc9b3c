#!/usr/bin/env python3
"""Whole statements on a table that is larger than the pool, by `millrace serve` and PostgreSQL 18, taking turns.

  warm       the table is in the page cache, or with direct I/O on the device; the statement has run before
  cold       the server has been started anew, and its files are out of the page cache

count(*) and sum(int) by a scan of the table, an uncorrelated index range scan, a bitmap heap scan, grouping, sorting
and joining integers, VACUUM, CREATE INDEX, COPY in and out. PostgreSQL answers the first two from an index if it may:
index-only scans are switched off. Its io_method is the one of --postgresql-method; Millrace runs every method of
--methods. No parallel query. Cold scans are held against fio's sequential direct reads of the table's first file. Only
what something is wanted of is measured.
"""

import os

from clients import MillraceServer
from common import (Fio, Report, arguments, drop_cache, environment, main, median, places, ratio, ratio_cell, scratch,
                    take_turns)
from postgres import Server

# The table: a number in order, one at random, and a text of 96 bytes, so that a row has 136 bytes on its page.
MAKE = ["create table t (id int8, k int4, payload text)", "copy t from '{rows}'", "vacuum (freeze, analyze) t",
        "create index t_k on t (k)", "checkpoint"]

# Name, settings before, the statement, what is wanted warm and cold, how it is put back.
STATEMENTS = {
    "count(*)": (["set enable_indexscan = off", "set enable_indexonlyscan = off", "set enable_bitmapscan = off"],
                 "select count(*) from t", 3.0, None),
    "sum(int)": (["set enable_indexscan = off", "set enable_indexonlyscan = off", "set enable_bitmapscan = off"],
                 "select sum(k) from t", 3.0, None),
    "index range scan": (["set enable_seqscan = off", "set enable_bitmapscan = off"],
                         "select sum(length(payload)) from t where k between {low} and {high}", None, 3.0),
    "bitmap heap scan": (["set enable_seqscan = off", "set enable_indexscan = off"],
                         "select sum(length(payload)) from t where k between {low} and {high}", None, 1.2),
    "GROUP BY int": ([], "select count(*) from (select k / 10, count(*) from t group by 1) g", 1.0, None),
    "ORDER BY int": (["set work_mem = '1GB'"], "select k from t order by k offset {last}", 1.0, None),
    "hash join": (["set work_mem = '1GB'", "set enable_mergejoin = off", "set enable_nestloop = off"],
                  "select count(*) from t a join t b on a.id = b.k", 1.0, None),
}
# The two that read the whole table and hardly compute: cold, the device is what they are held against.
SCANS = ("count(*)", "sum(int)")
CHANGES = {
    "VACUUM": (["drop table if exists v", "create table v (id int8 primary key, payload text)",
                "insert into v select id, payload from t where id < {tenth}", "delete from v where id % 5 = 0",
                "checkpoint"], "vacuum v", 1.5),
    "CREATE INDEX": (["drop index if exists made", "checkpoint"], "create index made on t (k)", 1.5),
    "COPY in": (["drop table if exists c", "create table c (id int8, k int4, payload text)", "checkpoint"],
                "copy c from '{rows}'", 1.5),
    "COPY out": ([], "copy t to '{out}'", 1.5),
}


def make_rows(path, count):
    """As COPY reads them; the second column in an order that has nothing to do with the first."""
    with open(path, "w") as file:
        for number in range(count):
            file.write(f"{number}\t{number * 2654435761 % count}\t{number:096d}\n")
    os.chmod(path, 0o644)


class Contender:
    """One server and how its statements are timed."""

    def __init__(self, server, values):
        self.server, self.values = server, values

    def words(self, statements):
        return [statement.format(**self.values) for statement in statements]

    def prepare(self):
        with self.server.running():
            self.server.sql(*self.words(MAKE))

    def seconds(self, before, statement, is_cold):
        # What the kernel has still to write of the statements before shall not be measured.
        os.sync()
        if is_cold:
            drop_cache(self.server.directory)
        with self.server.running():
            words = self.words([*before, statement])
            if not is_cold:
                self.server.seconds_of(*words)
            return {"seconds": self.server.seconds_of(*words)}

    def change_seconds(self, before, statement):
        with self.server.running():
            if before:
                self.server.sql(*self.words(before))
            os.sync()
            return {"seconds": self.server.seconds_of(*self.words([statement]))}


def settings(options, method, direct, name):
    return [f"shared_buffers={options.shared_buffers}", "max_wal_size=16GB", "checkpoint_timeout=1d",
            "maintenance_work_mem=64MB", f"io_method={method}", *([f"{name}={direct}"] if direct else [])]


def compare(report, options, place, directory, direct):
    rows = os.path.join(directory, "rows")
    make_rows(rows, options.rows)
    # Each writes a file of its own: they run as different users.
    values = {"rows": rows, "last": options.rows - 1, "out": os.path.join(directory, "out"), "low": options.rows // 3,
              "high": options.rows // 3 + options.rows // 200, "tenth": options.rows // 10}
    os.chmod(directory, 0o777)
    theirs = Server(os.path.join(directory, "postgresql"))
    method = options.postgresql_method or ("io_uring" if theirs.knows("io_method=io_uring") else "worker")
    theirs.settings += [*settings(options, method, direct, "debug_io_direct"), "max_parallel_workers_per_gather=0",
                        "max_parallel_maintenance_workers=0"]
    peer = Contender(theirs, values | {"out": values["out"] + "-postgresql"})
    server = MillraceServer(options, os.path.join(directory, "millrace"),
                            settings(options, "worker", direct, "io_direct"))
    mine = Contender(server, values)
    try:
        peer.prepare()
        mine.prepare()
        device = device_speed(peer)
        report.note(f"{place}, {direct or 'buffered'}: PostgreSQL's io_method={method}, the table has "
                    f"{peer.table_bytes / 2**20:.0f} MiB, fio reads {device:.0f} MiB/s")
        for method in options.methods.split(","):
            server.settings = settings(options, method, direct, "io_direct")
            case = (place, direct or "buffered", method)
            for name, (before, statement, warm, cold) in STATEMENTS.items():
                for is_cold, wanted in ((False, warm), (True, cold)):
                    add(report, options, [*case, name, "cold" if is_cold else "warm"], wanted,
                        lambda c, b=before, s=statement, k=is_cold: c.seconds(b, s, k), mine, peer,
                        device if is_cold and name in SCANS else None)
            for name, (before, statement, wanted) in CHANGES.items():
                add(report, options, [*case, name, ""], wanted,
                    lambda c, b=before, s=statement: c.change_seconds(b, s), mine, peer)
    finally:
        peer.server.remove()
        mine.server.remove()


def device_speed(peer):
    """MiB/s of sequential direct reads of the table's first segment; and how large the table is, noted on the peer."""
    with peer.server.running():
        size, path = peer.server.sql("select pg_relation_size('t') || ' ' || pg_relation_filepath('t')").split()
    peer.table_bytes = int(size)
    path = os.path.join(peer.server.directory, path)
    drop_cache(peer.server.directory)
    fio = Fio(environment()["MILLRACE_FIO"])
    return median([fio.read(path, "read", "128k", 16, "io_uring") for _ in range(3)], "mib_per_s")


def add(report, options, case, wanted, seconds, mine, peer, device=None):
    if options.only and case[3] not in options.only.split(",") or wanted is None and device is None:
        return
    turns = take_turns(options.rounds, millrace=lambda: seconds(mine), postgresql=lambda: seconds(peer))
    ours, theirs = turns["millrace"], turns["postgresql"]
    report.row(*case, f"{median(ours, 'seconds'):.3f}", f"{median(theirs, 'seconds'):.3f}",
               ratio_cell(ratio(theirs, ours, "seconds"), at_least=wanted), device_cell(ours, peer, device), runs=turns)


def device_cell(ours, peer, device):
    """How fast the table was read, against the device."""
    if device is None:
        return ""
    rates = [{"rate": peer.table_bytes / 2**20 / run["seconds"]} for run in ours]
    return ratio_cell(ratio(rates, [{"rate": device}] * len(rates), "rate"), at_least=0.9)


def run(options):
    report = Report("statements", f"Statements on a table of {options.rows:,} rows",
                    ["device", "I/O", "method", "statement", "cache", "s", "PostgreSQL 18, s", "times as fast",
                     "of the device"],
                    options)
    for place, directory in places(options, needed_mib=options.rows // 1000 + 4096).items():
        for direct in options.direct.split(";"):
            with scratch(directory, "statements") as path:
                compare(report, options, place, path, direct)
    report.write()


if __name__ == "__main__":
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--rows", type=int, default=10_000_000, help="number of rows (%(default)s: 1.5 GB)")
    parser.add_argument("--methods", default="sync,worker,io_uring,posix_aio", help="of Millrace (%(default)s)")
    parser.add_argument("--postgresql-method", default="",
                        help="of PostgreSQL (io_uring if it has been built with it, else worker)")
    parser.add_argument("--shared-buffers", default="256MB", help="of both (%(default)s)")
    parser.add_argument("--direct", default=";data,wal", help="io_direct, several separated by semicolons")
    parser.add_argument("--only", default="", metavar="NAMES", help="statements by the names in the table")
    main(run, parser.parse_args())
