#!/usr/bin/env python3
"""Writes what PostgreSQL's catalogs hold in a new cluster: the tables below Sources/CPostgresCatalog/data.

Makes a cluster of PostgreSQL 18 in a temporary directory, asks it, and removes it again. What is written are facts of
the format: names, numbers and types of the objects that initdb's bootstrap makes, those with an OID below 12000
(FirstUnpinnedObjectId). Descriptions, views, bodies of SQL functions and everything that SQL scripts add later are
left out.

Each file is one catalog; a large one is several, `name.1.txt` and so on. The first line names its columns, the second
has each column's default. Each further line is a row: fields separated by |, in COPY's escapes, with \\p for |. Of a
field

    nothing  is the column's default (what lacks at the end of a line is, too)
    "        is that of the row before
    =        is that of the second column of the same row
    \\E       is an empty text

Usage: MILLRACE_PG18_BIN=/usr/lib/postgresql/18/bin scripts/generate-catalog.py
"""

import collections
import os
import pwd
import shutil
import subprocess
import sys
import tempfile

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Sources", "CPostgresCatalog", "data")
BYTES_MAX = 150_000
# FirstUnpinnedObjectId: what is below belongs to PostgreSQL itself.
PINNED = 12000

# Which rows of a catalog: those with such an oid, unless it is said here.
ROWS = {
    "pg_aggregate": f"aggfnoid::oid < {PINNED}",
    "pg_attribute": f"attrelid < {PINNED}",
    "pg_auth_members": "true",
    "pg_constraint": f"conrelid between 1 and {PINNED - 1}",
    "pg_database": "datname in ('template1', 'template0', 'postgres')",
    "pg_index": f"indexrelid < {PINNED}",
    "pg_range": f"rngtypid < {PINNED}",
    "pg_ts_config_map": f"mapcfg < {PINNED}",
}
# Catalogs that have nothing in a new cluster, or nothing that is a fact.
EMPTY = {
    "pg_attrdef", "pg_db_role_setting", "pg_default_acl", "pg_depend", "pg_description", "pg_enum", "pg_event_trigger",
    "pg_extension", "pg_init_privs", "pg_rewrite", "pg_seclabel", "pg_shdepend", "pg_shdescription", "pg_shseclabel",
    "pg_statistic", "pg_statistic_ext", "pg_statistic_ext_data",
}
# What a column is asked for as, instead of its own value.
VALUES = {
    "pg_class.relpages": "0",
    "pg_class.reltuples": "-1",
    "pg_class.relallvisible": "0",
    "pg_class.relallfrozen": "0",
    "pg_class.relfrozenxid": "case when relfrozenxid::text = '0' then 0 else 3 end",
    "pg_class.relminmxid": "case when relminmxid::text = '0' then 0 else 1 end",
    "pg_database.datfrozenxid": "3",
    "pg_database.datminmxid": "1",
    # Expressions are kept as SQL, not as trees of nodes.
    "pg_proc.proargdefaults": "pg_get_expr(proargdefaults, 0)",
    "pg_proc.prosqlbody": "null",
}
# Numbers that name an object are kept as numbers.
AS_NUMBERS = {"regproc", "regtype", "regclass"}


class Server:
    """A cluster of its own, while it is used as a context."""

    def __init__(self, binaries):
        self.binaries = binaries
        self.directory = tempfile.mkdtemp(prefix="catalog-")
        self.user = []
        if os.geteuid() == 0:
            os.chown(self.directory, pwd.getpwnam("postgres").pw_uid, pwd.getpwnam("postgres").pw_gid)
            self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]

    def run(self, program, *arguments):
        command = self.user + [os.path.join(self.binaries, program), *arguments]
        environment = {**os.environ, "HOME": self.directory, "LC_ALL": "C.UTF-8"}
        result = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            sys.exit(f"{program} failed: {result.stderr}")
        return result.stdout

    def __enter__(self):
        data = self.directory + "/data"
        self.run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--no-locale", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={self.directory} -c autovacuum=off"
        self.run("pg_ctl", "-w", "-D", data, "-o", options, "-l", self.directory + "/log", "start")
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-w", "-D", self.directory + "/data", "-m", "immediate", "stop")
        shutil.rmtree(self.directory)

    def query(self, statement):
        output = self.run("psql", "-h", self.directory, "-U", "postgres", "-d", "template1", "-XAtq", "-c",
                          f"COPY ({statement}) TO STDOUT")
        rows = [line.replace("|", "\\p").split("\t") for line in output.split("\n")[:-1]]
        if any(value.endswith(" ") and value != " " for row in rows for value in row):
            sys.exit("a value ends with a blank")
        return rows


def rows_of(server, catalog):
    columns = server.query(
        "select attname, atttypid::regtype from pg_attribute where attnum > 0 and not attisdropped "
        f"and attrelid = 'pg_catalog.{catalog}'::regclass order by attnum")
    names = [name for name, _ in columns]
    values = []
    for name, kind in columns:
        value = VALUES.get(f"{catalog}.{name}", name)
        if value == name and kind in AS_NUMBERS:
            value = f"{name}::oid"
        values.append(value)
    condition = "false" if catalog in EMPTY else ROWS.get(catalog, f"oid < {PINNED}" if "oid" in names else "false")
    # Rows that belong together stand together, in the order of their keys.
    order = ", ".join(str(place + 1) for place in range(2 if len(names) > 1 else 1))
    if catalog == "pg_attribute":
        order = "attrelid, attnum"
    return names, server.query(f"select {', '.join(values)} from {catalog} where {condition} order by {order}")


def compact(names, rows):
    defaults = []
    for place in range(len(names)):
        counts = collections.Counter(row[place] for row in rows)
        value, count = counts.most_common(1)[0] if counts else ("\\N", 0)
        defaults.append(value if count > 1 or not rows else "\\N")
    lines = []
    previous = None
    for row in rows:
        fields = []
        for place, value in enumerate(row):
            if value == defaults[place]:
                field = ""
            elif place > 1 and value == row[1] and len(value) > 1:
                field = "="
            elif previous is not None and value == previous[place] and len(value) > 1:
                field = '"'
            else:
                field = value if value != "" else "\\E"
            if field == value and value in ('"', "="):
                sys.exit(f"a value is one of the marks: {row}")
            fields.append(field)
        lines.append("|".join(fields).rstrip("|"))
        previous = row
    head = ["|".join(names), "|".join(value if value != "" else "\\E" for value in defaults)]
    return head, lines


def write(catalog, head, lines):
    parts = [[]]
    size = 0
    for line in lines:
        if size + len(line) > BYTES_MAX and parts[-1]:
            parts.append([])
            size = 0
        parts[-1].append(line)
        size += len(line) + 1
    names = []
    for number, part in enumerate(parts):
        name = f"{catalog}.txt" if len(parts) == 1 else f"{catalog}.{number + 1}.txt"
        with open(os.path.join(DATA, name), "w", encoding="utf-8") as file:
            file.write("\n".join((head if number == 0 else []) + part) + "\n")
        names.append(name)
    return names


def write_list(files):
    """The C file that takes the tables in."""
    with open(os.path.join(DATA, "..", "tables.c"), "w", encoding="utf-8") as file:
        file.write("// Written by scripts/generate-catalog.py.\n\n#include \"CPostgresCatalog.h\"\n\n")
        file.write("#pragma clang diagnostic ignored \"-Wc23-extensions\"\n")
        for catalog, names in files.items():
            file.write(f"\nstatic const unsigned char {catalog}[] = {{\n")
            file.write(",\n".join(f"#embed \"data/{name}\"\n" for name in names).replace("\n,", "\n,"))
            file.write("};\n")
        file.write("\nconst struct postgres_catalog_table postgres_catalog_tables[] = {\n")
        for catalog in files:
            file.write(f"  {{\"{catalog}\", {catalog}, sizeof {catalog}}},\n")
        file.write("};\n\nconst int postgres_catalog_table_count =\n")
        file.write("  sizeof postgres_catalog_tables / sizeof postgres_catalog_tables[0];\n")


def main():
    binaries = os.environ.get("MILLRACE_PG18_BIN", "/usr/lib/postgresql/18/bin")
    shutil.rmtree(DATA, ignore_errors=True)
    os.makedirs(DATA)
    files = {}
    with Server(binaries) as server:
        catalogs = server.query(
            f"select relname from pg_class where relkind = 'r' and oid < {PINNED} order by relname collate \"C\"")
        for catalog, in catalogs:
            names, rows = rows_of(server, catalog)
            if rows:
                files[catalog] = write(catalog, *compact(names, rows))
    write_list(files)


main()
