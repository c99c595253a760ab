"""Run a whole installation with servers of its own, whose parts can be broken and repaired while it works."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from config.launcher import product
from config.launcher.embedded import postgres, servers, valkey
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes, ProcessFailed
from config.launcher.embedded.secret import get_or_create_secret
from tests.installation import Member, free_port, wait_until

REPOSITORY = Path(__file__).resolve().parents[1]
WAYS = [(broker, database) for broker in ("valkey", "rabbitmq") for database in ("direct", "pgbouncer")]
PROGRAMS = {"rabbitmq": "/usr/lib/rabbitmq/bin/rabbitmq-server", "pgbouncer": "/usr/sbin/pgbouncer"}
TMPFS_SIZE = "200m"
NOBODY = 65534
PGBOUNCER = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
auth_type = scram-sha-256
auth_file = {users}
max_client_conn = 300
default_pool_size = 20
ignore_startup_parameters = extra_float_digits
"""


def missing_program(*, broker: str, database: str) -> str | None:
    """Return the program that this machine lacks for the broker and the way to the database."""
    wanted = [PROGRAMS[name] for name in (broker, database) if name in PROGRAMS]
    return next((path for path in wanted if not Path(path).exists()), None)


def hardest_way() -> tuple[str, str]:
    """Return RabbitMQ and PgBouncer as far as this machine has them."""
    broker = "valkey" if missing_program(broker="rabbitmq", database="direct") else "rabbitmq"
    return broker, "direct" if missing_program(broker=broker, database="pgbouncer") else "pgbouncer"


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

    def __init__(self, *, place: Path, broker: str, database: str, environ: Mapping[str, str]) -> None:
        self.home = place / "home"
        self.parts: dict[str, Server | Member] = {}
        self._pgbouncer: tempfile.TemporaryDirectory[str] | None = None
        self._is_on_tmpfs = _mount_tmpfs(self.home)
        for name in ("documents", "uploads"):
            (self.home / name).mkdir()
        store = Server(place / "valkey", lambda home, processes: valkey.start(home=home, processes=processes))
        cluster = Server(place / "postgres", _start_database)
        self.parts |= {"valkey": store, "postgres": cluster}
        self.superuser_url = cluster.started.pop("SUPERUSER_URL")
        self.port = free_port()
        self.environ = {
            **os.environ,
            **cluster.started,
            "BROKER_URL": store.started,
            "CACHE_URL": store.started,
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
            self._start_rabbitmq(place)
        self._manage("migrate", "--skip-checks", DATABASE_URL=self.environ["DATABASE_OWNER_URL"])
        if database == "pgbouncer":
            self._start_pgbouncer(place)
        schedule = place / "beat-schedule"
        for name, command in product.commands(
            port=self.port, schedule=schedule, environ=self.environ
        ).items():
            member = Member(command=command, environ=self.environ, log=place / f"{name}.log")
            self.parts[name] = member
            member.start()
        wait_until(lambda: product.is_healthy(self.port))

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

    def originals(self) -> list[Path]:
        """Return the files that no worker has redacted."""
        return [path for path in (self.home / "documents" / "originals").rglob("*") if path.is_file()]

    def stop(self) -> None:
        for part in reversed(self.parts.values()):
            part.kill()
            if isinstance(part, Server):
                part.home.discard()
        if self._pgbouncer:
            self._pgbouncer.cleanup()
        if self._is_on_tmpfs:
            subprocess.run(["umount", "--lazy", str(self.home)], check=False)  # noqa: S607

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

    def _start_pgbouncer(self, place: Path) -> None:
        server = psycopg.conninfo.conninfo_to_dict(self.environ["DATABASE_URL"])
        # Outside of the test's folder, which only its user can enter: PgBouncer refuses to run as root.
        port, self._pgbouncer = free_port(), tempfile.TemporaryDirectory(prefix="underone-pgbouncer-")
        folder = Path(self._pgbouncer.name)
        users = folder / "users.txt"
        users.write_text(f'"{server["user"]}" "{server["password"]}"\n')
        config = folder / "pgbouncer.ini"
        config.write_text(PGBOUNCER.format(server=server["port"], port=port, users=users))
        user = NOBODY if os.geteuid() == 0 else None
        for path in (folder, users, config):
            if user:
                shutil.chown(path, user)
        self.parts["pgbouncer"] = member = Member(
            command=[PROGRAMS["pgbouncer"], str(config)], environ={}, log=place / "pgbouncer.log", user=user
        )
        member.start()
        self.environ["DATABASE_URL"] = self.environ["DATABASE_URL"].replace(
            f":{server['port']}/", f":{port}/"
        )
        wait_until(lambda: _accepts(self.environ["DATABASE_URL"]))

    def _start_rabbitmq(self, place: Path) -> None:
        port, folder = free_port(), place / "rabbitmq"
        folder.mkdir()
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"chaos{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_LOGS": "-",
        }
        self.parts["rabbitmq"] = member = Member(
            command=[PROGRAMS["rabbitmq"]], environ=environ, log=place / "rabbitmq.output"
        )
        member.start()
        self.environ["BROKER_URL"] = f"amqp://guest:guest@127.0.0.1:{port}//"
        wait_until(lambda: "Server startup complete" in member.log.read_text(errors="replace"))


@contextmanager
def running(*, place: Path, broker: str, database: str, **environ: str) -> Iterator[ChaosInstallation]:
    """Start an installation, and stop it when the block ends."""
    place.mkdir(parents=True)
    installation = ChaosInstallation(place=place, broker=broker, database=database, environ=environ)
    try:
        yield installation
    finally:
        installation.stop()


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


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
