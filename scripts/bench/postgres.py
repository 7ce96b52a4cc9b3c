"""PostgreSQL clusters to measure against: a server that is started, stopped and crashed, and a table to read."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time

from clients import Clients
from common import Failure, environment

TABLE = "measured"
ROW_BYTES = 128  # about 58 rows on a page


class Server(Clients):
    """A cluster with checksums on, in `directory`, and its server, which runs between `start` and `stop`."""

    def __init__(self, directory, settings=(), version=18):
        """`settings`: words such as "max_wal_size=8GB", beside a few that every server here has."""
        self.directory = directory
        self.settings = ["listen_addresses=''", "autovacuum=off", "jit=off", *settings]
        self.programs = environment()[f"MILLRACE_PG{version}_BIN"]
        self.sockets = None
        os.makedirs(directory, mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        try:
            self.run("initdb", "-D", directory, "-U", "postgres", "-A", "trust", "--data-checksums", "--no-sync")
        except BaseException:
            self.remove()
            raise

    @classmethod
    def copy(cls, other, directory):
        """A copy of a cluster whose server does not run."""
        copied = cls.__new__(cls)
        copied.__dict__ = other.__dict__ | {"directory": directory, "sockets": None}
        subprocess.run(["cp", "-a", "--reflink=auto", other.directory, directory], check=True)
        return copied

    def knows(self, setting):
        """Whether its server starts with a setting."""
        try:
            self.run("postgres", "-D", self.directory, "-C", setting.split("=")[0], "-c", setting)
            return True
        except Failure:
            return False

    @property
    def log(self):
        with open(os.path.join(self.directory, "log")) as file:
            return file.read()

    def start(self, *settings):
        """Starts the server. Returns the seconds until it accepts connections, after recovery if it needs one."""
        # A socket's path may not be longer than 107 bytes.
        self.sockets = tempfile.mkdtemp()
        os.chmod(self.sockets, 0o777)
        words = [f"-c {setting}" for setting in
                 [*self.settings, f"unix_socket_directories={self.sockets}", *settings]]
        began = time.monotonic()
        self.run("pg_ctl", "-D", self.directory, "-w", "-t", "600", "-s", "-l", os.path.join(self.directory, "log"),
                 "start", "-o", " ".join(words))
        return time.monotonic() - began

    def stop(self, mode="fast"):
        """`mode` immediate leaves the cluster as a crash of the server does."""
        if not self.sockets:
            return
        try:
            self.run("pg_ctl", "-D", self.directory, "-w", "-t", "600", "-s", "-m", mode, "stop")
        finally:
            shutil.rmtree(self.sockets, ignore_errors=True)
            self.sockets = None

    @contextlib.contextmanager
    def running(self, *settings):
        self.start(*settings)
        try:
            yield self
        finally:
            self.stop()

    def remove(self):
        if self.sockets:
            with contextlib.suppress(Failure):
                self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def processes(self):
        """The server's first process and its children."""
        with open(os.path.join(self.directory, "postmaster.pid")) as file:
            first = int(file.readline())
        children = subprocess.run(["ps", "--ppid", str(first), "-o", "pid="], capture_output=True, text=True).stdout
        return [first, *map(int, children.split())]

    def crash(self):
        """kill -9, and waits until nothing of the server is left."""
        processes = self.processes()
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        while any(os.path.exists(f"/proc/{process}") for process in processes):
            time.sleep(0.01)
        shutil.rmtree(self.sockets, ignore_errors=True)
        self.sockets = None


class Cluster:
    """A stopped cluster with checksums on, in `directory`, whose table `measured` has about `table_mib` MiB."""

    def __init__(self, directory, table_mib, version=18):
        self.server = Server(
            directory, ["fsync=off", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=8GB"], version)
        self.directory = directory
        self.programs = self.server.programs
        try:
            self._make(table_mib)
        except BaseException:
            self.remove()
            raise

    def _make(self, table_mib):
        rows = table_mib * 2**20 // 8192 * 58
        with self.server.running():
            self.relation = self.server.sql(
                f"create table {TABLE} as select i::int4 as id, repeat(md5(i::text), 3) as payload "
                f"from generate_series(1, {rows}) i", f"vacuum (freeze) {TABLE}", "checkpoint",
                f"select pg_relation_filepath('{TABLE}')")

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
        self.server.remove()
