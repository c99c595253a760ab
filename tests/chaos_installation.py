"""Run a whole installation with servers of its own, whose parts can be broken and repaired while it works."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import psycopg

from config.launcher import product
from config.launcher.embedded import postgres, servers, valkey
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes, ProcessFailed
from config.launcher.embedded.secret import get_or_create_secret
from tests import pgbouncer, rabbitmq
from tests.installation import Member, free_port, wait_until

REPOSITORY = Path(__file__).resolve().parents[1]
WAYS = [(broker, database) for broker in ("valkey", "rabbitmq") for database in ("direct", "pgbouncer")]
TMPFS_SIZE = "200m"
SWEEP = """
from datetime import timedelta
from django.utils import timezone
from ingestion.redaction import originals
originals.sweep(now=timezone.now() + originals.MAX_ORPHAN_AGE + timedelta(seconds=1))
"""


def missing_program(*, broker: str, database: str) -> str | None:
    """Return the program that this machine lacks for the broker and the way to the database."""
    if broker == "rabbitmq" and not (rabbitmq.SERVER.exists() and rabbitmq.EPMD):
        return "RabbitMQ"
    return "PgBouncer" if database == "pgbouncer" and not Path(pgbouncer.PROGRAM).exists() else None


class Part(Protocol):
    """Describe what can be killed and started again."""

    def start(self) -> None: ...
    def kill(self) -> None: ...


class Server:
    """Manage an embedded server in a home of its own, which can be killed and started again."""

    def __init__(self, folder: Path, start: Callable[[Home, Processes], Any]) -> None:
        self.home, self._start = Home(folder=folder), start
        self.processes = Processes(home=self.home)
        self.started = start(self.home, self.processes)

    def kill(self) -> None:
        for described in self.home.read_value("processes") or []:
            with suppress(ProcessLookupError):
                os.killpg(described["pid"], signal.SIGKILL)
        self.processes.__exit__()

    def start(self) -> None:
        # The processes of a killed PostgreSQL need a moment to notice.
        for _ in range(60):
            try:
                self.processes = Processes(home=self.home)
                self._start(self.home, self.processes)
            except ProcessFailed:
                self.processes.__exit__()
                time.sleep(0.5)
            else:
                return
        raise RuntimeError("The server does not start again.")

    def discard(self) -> None:
        self.kill()
        self.home.discard()


class ChaosInstallation:
    """Manage the servers and processes of an installation. `breakable` lists what `broken` can break."""

    def __init__(self, *, place: Path, stack: ExitStack) -> None:
        self.place, self.home, self._stack = place, place / "home", stack
        self.parts: dict[str, Part] = {}
        self.port = free_port()
        self._is_on_tmpfs = _mount_tmpfs(self.home)
        if self._is_on_tmpfs:
            stack.callback(subprocess.run, ["umount", "--lazy", str(self.home)], check=False)
        for name in ("documents", "uploads"):
            (self.home / name).mkdir()

    def start(self, *, broker: str, database: str, **environ: str) -> None:
        """Start the servers, migrate, and start the processes."""
        store = self._add_server(
            "valkey", lambda home, processes: valkey.start(home=home, processes=processes)
        )
        cluster = self._add_server("postgres", _start_database)
        self.superuser_url = cluster.pop("SUPERUSER_URL")
        self.environ = {
            **os.environ,
            **cluster,
            "BROKER_URL": store,
            "CACHE_URL": store,
            "UNDERONE_HOME": str(self.home),
            "UPLOAD_FOLDER": str(self.home / "uploads"),
            "PORT": str(self.port),
            # A full disk is noticed before PostgreSQL or the broker would.
            "DISK_RESERVE_BYTES": str(4 * 1024**2),
            "RATE_LIMIT_BEARER": "0",
            "RATE_LIMIT_AGENCY": "0",
            **environ,
        }
        if broker == "rabbitmq":
            node = self._stack.enter_context(rabbitmq.rabbitmq(self.place / "rabbitmq"))
            self.parts["rabbitmq"], self.environ["BROKER_URL"] = node, node.url
        self._manage("migrate", "--skip-checks", DATABASE_URL=self.environ["DATABASE_OWNER_URL"])
        if database == "pgbouncer":
            url = self.environ["DATABASE_URL"]
            pooler = self._stack.enter_context(pgbouncer.running(url=url, default_pool_size="20"))
            self.parts["pgbouncer"], self.environ["DATABASE_URL"] = pooler, pooler.url
        schedule = self.place / "beat-schedule"
        commands = product.commands(port=self.port, schedule=schedule, environ=self.environ)
        for name, command in commands.items():
            member = Member(command=command, environ=self.environ, log=self.place / f"{name}.log")
            self._stack.callback(member.kill)
            self.parts[name] = member
            member.start()
        wait_until(lambda: product.is_healthy(self.port))

    def _add_server(self, name: str, start: Callable[[Home, Processes], Any]) -> Any:
        server = Server(self.place / name, start)
        self._stack.callback(server.discard)
        self.parts[name] = server
        return server.started

    @property
    def breakable(self) -> list[str]:
        return sorted([*self.parts, "storage", *(["disk"] if self._is_on_tmpfs else [])])

    @contextmanager
    def broken(self, name: str) -> Iterator[None]:
        """Break one part for the block."""
        breaking = {"storage": self._without_storage, "disk": self._full_disk}.get(name)
        if breaking:
            with breaking():
                yield
            return
        self.parts[name].kill()
        try:
            yield
        finally:
            self.parts[name].start()

    def restart_ended(self) -> None:
        """Start the processes again that ended by themselves, as a supervisor does."""
        for part in self.parts.values():
            if isinstance(part, Member) and part.process is not None and part.process.poll() is not None:
                part.kill()
                part.start()

    def open_agency(self, name: str) -> str:
        """Create an agency and return its API key."""
        output = self._manage("open_agency", name)
        return next(word for word in output.split() if word.startswith("uo_live_"))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.superuser_url) as connection:
            return connection.execute(statement).fetchall()

    def query(self, statement: str) -> Any:
        """Return the only value of a statement, which reads the rows of all agencies."""
        ((value,),) = self.rows(statement)
        return value

    def sweep_originals(self) -> None:
        """Delete the originals that killed processes left, as the schedule does an hour later."""
        self._manage("shell", "--no-imports", "--command", SWEEP)

    def originals(self) -> list[Path]:
        """Return the files that no worker has redacted."""
        return [path for path in (self.home / "documents" / "originals").rglob("*") if path.is_file()]

    def _manage(self, *words: str, **environ: str) -> str:
        return subprocess.run(
            product.manage_command(*words),
            cwd=REPOSITORY,
            env=self.environ | environ,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    @contextmanager
    def _without_storage(self) -> Iterator[None]:
        """Replace the folder of documents by a file, so that nothing can be read or written in it."""
        folder, away = self.home / "documents", self.home / "documents.away"
        folder.rename(away)
        folder.touch()
        try:
            yield
        finally:
            folder.unlink()
            away.rename(folder)

    @contextmanager
    def _full_disk(self) -> Iterator[None]:
        filler = self.home / "filler"
        with filler.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(1024**2))
                file.flush()
        try:
            yield
        finally:
            filler.unlink()


@contextmanager
def running(*, place: Path, broker: str, database: str, **environ: str) -> Iterator[ChaosInstallation]:
    """Start an installation, and stop it when the block ends."""
    place.mkdir(parents=True)
    with ExitStack() as stack:
        installation = ChaosInstallation(place=place, stack=stack)
        installation.start(broker=broker, database=database, **environ)
        yield installation


def _start_database(home: Home, processes: Processes) -> dict[str, str]:
    """Start PostgreSQL with the roles of the product, and return its variables and the superuser's URL."""
    started = servers.start(
        home=home, processes=processes, environ={"BROKER_URL": "redis://another"}, durable=False
    )
    password = get_or_create_secret(home=home, name="postgres_password")
    address = f"127.0.0.1:{home.read_value('postgres_port')}"
    return started | {
        "SUPERUSER_URL": f"postgresql://{postgres.SUPERUSER}:{password}@{address}/{servers.DATABASE}"
    }


def _mount_tmpfs(folder: Path) -> bool:
    """Mount a small file system in memory, if this user may. Return whether it did."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_SIZE}", "chaos", str(folder)]
    return os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0
