#!/usr/bin/env python3
"""pgbench against `millrace serve` and PostgreSQL 18, with the same settings on the same device, taking turns.

TPC-B, select-only and simple-update, in each of the query modes, by 1, 8 and 32 clients. The client takes its share of
the same processors: what is compared is transactions per second as pgbench reports them.
"""

import os

from clients import MillraceServer
from common import Report, arguments, main, median, places, ratio, ratio_cell, scratch, take_turns
from postgres import Server

SCRIPTS = ["tpcb-like", "select-only", "simple-update"]


def settings(options, direct):
    common = ["shared_buffers=512MB", "max_wal_size=16GB", "checkpoint_timeout=1d", "max_connections=100",
              f"io_method={options.io_method}"]
    return ([*common, *([f"io_direct={direct}"] if direct else [])],
            [*common, *([f"debug_io_direct={direct}"] if direct else [])])


def compare(report, options, place, directory, direct):
    ours, theirs = settings(options, direct)
    millrace = MillraceServer(options, os.path.join(directory, "millrace"), ours)
    postgresql = Server(os.path.join(directory, "postgresql"), theirs)
    try:
        with millrace.running(), postgresql.running():
            for server in (millrace, postgresql):
                server.run("pgbench", "-i", "-q", "-s", str(options.scale), *server.address(), "postgres")
            for script in options.scripts.split(","):
                for mode in options.modes.split(","):
                    for clients in map(int, options.clients.split(",")):
                        measure(report, options, (place, direct or "buffered", script, mode, clients), millrace,
                                postgresql)
    finally:
        millrace.remove()
        postgresql.remove()


def measure(report, options, case, millrace, postgresql):
    place, direct, script, mode, clients = case

    def tps(server):
        if script != "select-only":
            server.sql("checkpoint")
        return {"tps": server.pgbench(script, clients, options.runtime, mode)}

    turns = take_turns(options.rounds, millrace=lambda: tps(millrace), postgresql=lambda: tps(postgresql))
    mine, peer = turns["millrace"], turns["postgresql"]
    report.row(place, direct, script, mode, clients, f"{median(mine, 'tps'):,.0f}", f"{median(peer, 'tps'):,.0f}",
               ratio_cell(ratio(mine, peer, "tps"), at_least=1.0), runs=turns)


def run(options):
    report = Report("pgbench", f"pgbench at scale {options.scale}",
                    ["device", "I/O", "script", "mode", "clients", "transactions/s", "PostgreSQL 18", "ratio"], options)
    for place, directory in places(options, needed_mib=options.scale * 40 + 2048).items():
        for direct in options.direct.split(";"):
            with scratch(directory, "pgbench") as path:
                compare(report, options, place, path, direct)
    report.write()


if __name__ == "__main__":
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--scale", type=int, default=10, help="pgbench's scale factor (%(default)s)")
    parser.add_argument("--scripts", default=",".join(SCRIPTS), help="of pgbench's own (%(default)s)")
    parser.add_argument("--modes", default="simple,extended,prepared", help="query modes (%(default)s)")
    parser.add_argument("--clients", default="1,8,32", help="numbers of clients (%(default)s)")
    parser.add_argument("--io-method", default="worker", help="of both servers (%(default)s)")
    parser.add_argument("--direct", default="", help="io_direct, several separated by semicolons (buffered)")
    main(run, parser.parse_args())
