"""psql and pgbench as clients of a server, whichever it is, and a server of Millrace."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from common import Failure, Finished, environment


def run_program(programs, program, *words):
    """Runs one of PostgreSQL's programs, as user postgres when we are root, which a server refuses to be."""
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    command = [*user, "env", "LANG=C.UTF-8", "HOME=/tmp", os.path.join(programs, program), *words]
    # pg_ctl's server would hold a pipe open, so what it prints goes to a file.
    with tempfile.TemporaryFile() as output:
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                cwd="/").returncode
        output.seek(0)
        text = output.read().decode()
    if status != 0:
        raise Failure(f"{program} failed: {text.strip()}")
    return text


class Clients:
    """What clients do with a server that listens on a Unix socket in the directory `sockets`, at `port`."""

    port = 5432

    def run(self, program, *words):
        return run_program(self.programs, program, *words)

    def address(self):
        return ["-h", self.sockets, "-p", str(self.port), "-U", "postgres"]

    def sql(self, *statements):
        """Executes statements, each in a transaction of its own. Returns what they print."""
        commands = [word for statement in statements for word in ("-c", statement)]
        return self.run("psql", "-XqtA", "-v", "ON_ERROR_STOP=1", *self.address(), "-d", "postgres",
                        *commands).strip()

    def seconds_of(self, *statements):
        """How long the last of some statements of one session takes, by psql's own clock."""
        text = self.sql("\\timing on", *statements)
        return float(re.findall(r"^Time: ([0-9.]+) ms", text, re.MULTILINE)[-1]) / 1000

    def pgbench(self, script, clients, runtime, mode="prepared"):
        """Runs a script of SQL, or one of pgbench's own by its name, by so many clients. Transactions per second."""
        words = ["pgbench", "-n", "-M", mode, "-c", str(clients), "-j", str(min(clients, 4)),
                 "-T", str(max(round(runtime), 1)), *self.address()]
        with contextlib.ExitStack() as stack:
            if " " in script:
                file = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".sql"))
                file.write(script)
                file.flush()
                os.chmod(file.name, 0o644)
                words += ["-f", file.name]
            else:
                words += ["-b", script]
            text = self.run(*words, "postgres")
        failed = re.search(r"^number of failed transactions: ([0-9]+)", text, re.MULTILINE)
        if failed and int(failed.group(1)):
            raise Failure(f"pgbench: {failed.group(0)}")
        return float(re.search(r"^tps = ([0-9.]+)", text, re.MULTILINE).group(1))


class MillraceServer(Clients):
    """A cluster of Millrace in `directory`, and `millrace serve`, which runs between `start` and `stop`."""

    def __init__(self, options, directory, settings=()):
        self.millrace, self.directory, self.settings = options.millrace, directory, list(settings)
        self.programs = environment()["MILLRACE_PG18_BIN"]
        self.process = None
        Finished([self.millrace, "init", "-D", directory])

    def start(self, *settings):
        """Starts the server. Returns the seconds until it accepts connections, after recovery if it needs one."""
        self.sockets = tempfile.mkdtemp()
        os.chmod(self.sockets, 0o777)
        words = [word for setting in [f"unix_socket_directories={self.sockets}", *self.settings, *settings]
                 for word in ("-c", setting)]
        command = [self.millrace, "serve", "-D", self.directory, "-p", str(self.port), "-h", "", *words]
        self.log = open(os.path.join(os.path.dirname(self.directory), "millrace.log"), "a")
        began = time.monotonic()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        socket = os.path.join(self.sockets, f".s.PGSQL.{self.port}")
        while not os.path.exists(socket):
            if self.process.poll() is not None:
                raise Failure(f"{shlex.join(command)}\n  ended; see {self.log.name}")
            time.sleep(0.01)
        return time.monotonic() - began

    def stop(self, mode="fast"):
        """`mode` immediate leaves the cluster as a crash does."""
        if not self.process:
            return
        self.process.send_signal(signal.SIGKILL if mode == "immediate" else signal.SIGINT)
        self.process.wait(600)
        self.process = None
        self.log.close()
        shutil.rmtree(self.sockets, ignore_errors=True)

    @contextlib.contextmanager
    def running(self, *settings):
        self.start(*settings)
        try:
            yield self
        finally:
            self.stop()

    def remove(self):
        self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def processes(self):
        return [self.process.pid]
