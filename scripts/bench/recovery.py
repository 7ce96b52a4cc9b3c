#!/usr/bin/env python3
"""Crash recovery, from files that are not in the page cache: `millrace recover` against PostgreSQL 18.

Each of the two first does the same number of row changes, inserts and updates of rows drawn at random: as many as
give Millrace so many MiB of WAL, with memory for all of it and through the page cache, which is the quickest way. Then
it is killed. Then, in turns, each gets a copy of what it left and recovers it, buffered and with direct I/O.
"ready" is from the start of the program until the cluster can be used, "redo" the part in which WAL is replayed, by
the program's own account. PostgreSQL runs with recovery_init_sync_method=syncfs: with the default it would first sync
each file of its catalogs by itself, which takes seconds and has nothing to do with recovery.
"""

import os
import re
import shutil

from common import (Failure, Report, arguments, direct_settings, drop_cache, initialise, main, median, millrace, places,
                    ratio, ratio_cell, scratch, take_turns)
from postgres import Server

BATCH = 100_000  # row changes in one statement
MEMORY = "shared_buffers=4GB"  # while changes are made: nothing reaches the relations' files before the crash


def crash_millrace(options, directory):
    """Returns how many rows were inserted and updated before the crash."""
    return millrace(options, "bench", "wal", "-D", directory, "--stop-after-wal", f"{options.wal}MiB",
                    "-c", "checkpoint_timeout=1d", "-c", f"max_wal_size={4 * options.wal}MB", "-c", MEMORY)


def crash_postgresql(server, inserts, updates):
    """The same number of changes of rows of the same size, without a checkpoint, then kill -9. Returns bytes of WAL."""
    server.start(MEMORY)
    server.sql("create table changed (id int8, payload text) with (fillfactor = 80)", "checkpoint")
    statements = [f"insert into changed select i, repeat('x', 100) from generate_series(1, {inserts}) i"]
    while updates > 0:
        # By position, so that neither engine has an index to look after; a temporary table is not logged.
        count = min(updates, inserts)
        statements += ["drop table if exists targets",
                       "create temp table targets as select row_number() over (order by random()) as number, "
                       f"ctid as row from changed limit {count}",
                       "create index on targets (number)", "analyze targets"]
        statements += ["update changed set payload = repeat('y', 100) from targets where changed.ctid = targets.row "
                       f"and number > {start} and number <= {start + BATCH}" for start in range(0, count, BATCH)]
        updates -= count
    server.sql(*statements)
    wal = int(server.sql("select pg_current_wal_insert_lsn() - redo_lsn from pg_control_checkpoint()"))
    server.crash()
    return wal


def recover_millrace(options, crashed, directory, words):
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(crashed, directory, symlinks=True)
    drop_cache(directory)
    result = millrace(options, "recover", "-D", directory, *words)
    shutil.rmtree(directory)
    return {"ready": result["seconds"], "redo": result["redo_seconds"], "wal_mib": result["wal_bytes"] / 2**20}


def recover_postgresql(crashed, directory, settings):
    server = Server.copy(crashed, directory)
    try:
        drop_cache(directory)
        log_length = len(crashed.log)
        ready = server.start(*settings)
        elapsed = re.search(r"redo done at .* elapsed: ([0-9.]+) s", server.log[log_length:])
        if not elapsed:
            raise Failure(f"PostgreSQL did not recover: {server.log[log_length:]}")
        return {"ready": ready, "redo": float(elapsed.group(1))}
    finally:
        server.remove()


def compare(report, options, place, directory):
    cluster = initialise(options, os.path.join(directory, "millrace"))
    changes = crash_millrace(options, cluster)
    server = Server(os.path.join(directory, "postgresql"),
                    ["max_wal_size=64GB", "checkpoint_timeout=1d", "recovery_init_sync_method=syncfs"])
    try:
        their_wal = crash_postgresql(server, changes["row_inserts"], changes["row_updates"])
        for direct in ("", "data,wal"):
            our_words, their_settings = direct_settings(direct)
            turns = take_turns(
                options.rounds,
                millrace=lambda: recover_millrace(options, cluster, os.path.join(directory, "ours"),
                                                  [*our_words, "-c", "shared_buffers=1GB"]),
                postgresql=lambda: recover_postgresql(server, os.path.join(directory, "theirs"),
                                                      ["shared_buffers=1GB", *their_settings]))
            mine, theirs = turns["millrace"], turns["postgresql"]
            # A ratio of speeds: the other way round than one of times.
            report.row(place, direct or "buffered", f"{changes['row_inserts'] + changes['row_updates']:,}",
                       f"{median(mine, 'wal_mib'):,.0f}", f"{their_wal / 2**20:,.0f}",
                       f"{median(mine, 'ready'):.2f}", f"{median(theirs, 'ready'):.2f}",
                       ratio_cell(ratio(theirs, mine, "ready"), at_least=2.0),
                       f"{median(mine, 'redo'):.2f}", f"{median(theirs, 'redo'):.2f}",
                       ratio_cell(ratio(theirs, mine, "redo")), runs=turns, changes=changes)
    finally:
        server.remove()


def run(options):
    report = Report("recovery", f"Crash recovery of {options.wal} MiB of WAL, cold",
                    ["device", "I/O", "row changes", "WAL MiB", "theirs", "ready s", "PostgreSQL 18", "speed", "redo s",
                     "theirs ", "speed "], options)
    for place, directory in places(options, needed_mib=6 * options.wal + 1024).items():
        with scratch(directory, "recovery") as path:
            compare(report, options, place, path)
    report.write()


if __name__ == "__main__":
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--wal", type=int, default=2048, help="MiB of WAL that Millrace has to recover (%(default)s)")
    main(run, parser.parse_args())
