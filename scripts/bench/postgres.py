"""A PostgreSQL cluster to measure on: made by initdb, filled with one large table, and stopped."""

import os
import shutil
import subprocess
import tempfile

from common import Failure, environment

TABLE = "measured"
ROW_BYTES = 128  # about 58 rows on a page


class Cluster:
    """A stopped cluster with checksums on, in `directory`, whose table `measured` has about `table_mib` MiB."""

    def __init__(self, directory, table_mib, version=18):
        self.directory = directory
        self.programs = environment()[f"MILLRACE_PG{version}_BIN"]
        os.makedirs(directory, mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        try:
            self._make(table_mib)
        except BaseException:
            self.remove()
            raise

    def _make(self, table_mib):
        self._run("initdb", "-D", self.directory, "-A", "trust", "--data-checksums", "--no-sync")
        # A socket's path may not be longer than 107 bytes.
        with tempfile.TemporaryDirectory() as sockets:
            os.chmod(sockets, 0o777)
            self._run("pg_ctl", "-D", self.directory, "-w", "-s", "-l", os.path.join(self.directory, "log"), "start",
                      "-o", f"-c listen_addresses='' -c unix_socket_directories={sockets} -c fsync=off "
                            "-c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=8GB -c autovacuum=off")
            try:
                rows = table_mib * 2**20 // 8192 * 58
                self.relation = self._psql(
                    sockets,
                    f"create table {TABLE} as select i::int4 as id, repeat(md5(i::text), 3) as payload "
                    f"from generate_series(1, {rows}) i", f"vacuum (freeze) {TABLE}", "checkpoint",
                    f"select pg_relation_filepath('{TABLE}')")
            finally:
                self._run("pg_ctl", "-D", self.directory, "-w", "-s", "-m", "fast", "stop")

    def _psql(self, sockets, *statements):
        commands = [word for statement in statements for word in ("-c", statement)]
        return self._run("psql", "-XqtA", "-v", "ON_ERROR_STOP=1", "-h", sockets, "-d", "postgres", *commands).strip()

    def _run(self, program, *words):
        """As user postgres when we are root, which a server refuses to be."""
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        command = [*user, "env", "LANG=C.UTF-8", "HOME=/tmp", os.path.join(self.programs, program), *words]
        # pg_ctl's server would hold a pipe open, so what it prints goes to a file.
        with tempfile.TemporaryFile() as output:
            status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                    cwd="/").returncode
            output.seek(0)
            text = output.read().decode()
        if status != 0:
            raise Failure(f"{program} failed: {text.strip()}")
        return text

    def data_files(self):
        """Every file of relations, as pg_checksums looks at them."""
        for top in ("base", "global"):
            for folder, _, names in os.walk(os.path.join(self.directory, top)):
                yield from (os.path.join(folder, name) for name in names if name[0].isdigit())

    @property
    def data_bytes(self):
        return sum(map(os.path.getsize, self.data_files()))

    def read_all(self):
        """Brings every file into the page cache."""
        for path in self.data_files():
            with open(path, "rb", buffering=0) as file:
                while file.read(2**20):
                    pass

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)
