"""Create and start the PostgreSQL cluster of a home. It listens on 127.0.0.1 and requires a password."""

import os
import signal
from functools import partial
from pathlib import Path

import psutil
import psycopg

from config.launcher.embedded import binaries
from config.launcher.embedded.home import Home
from config.launcher.embedded.ports import LOOPBACK, choose_port
from config.launcher.embedded.privileges import Identity, run, set_owner
from config.launcher.embedded.processes import Processes
from config.launcher.embedded.secret import get_or_create_secret

SUPERUSER = "postgres"
# Variables of the user's shell, such as PGDATA and PGPORT, must not affect the server.
ENVIRON = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

# PostgreSQL would log a failed statement with its values, which include e-mail addresses and keys. The sender
# of the statement logs the failure.
QUIET = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}


class ClusterUnusable(SystemExit):
    """Raise when the data folder is of another version or cannot be created."""


def start(*, home: Home, processes: Processes, durable: bool = True) -> str:
    """Start the cluster of `home`, and return the superuser's URL once it accepts connections.

    Creates the cluster the first time. `durable=False` is faster but can lose data in a power cut: use it for
    temporary clusters only. Raises ClusterUnusable, BinariesMissing or ProcessFailed.
    """
    programs = binaries.postgres_programs(identity=home.identity)
    password = get_or_create_secret(home=home, name="postgres_password")
    data = home.servers / "postgres"
    if not data.exists():
        _create(data=data, programs=programs, password=password, identity=home.identity)
    _check_version(data)
    port = choose_port(home=home, server="postgres")
    remove_stale_pid = partial(_remove_stale_pid, data)
    remove_stale_pid()
    child = processes.start(
        name="postgres",
        command=[programs / "postgres", "-D", data, *_settings(port=port, durable=durable)],
        environ=ENVIRON,
        identity=home.identity,
        # A fast shutdown. SIGTERM would wait until all clients leave.
        gentle=signal.SIGINT,
        prepare=remove_stale_pid,
    )
    url = f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{port}/postgres"
    processes.wait_for(child, ready=lambda: _is_reachable(url))
    return url


def _settings(*, port: int, durable: bool) -> list[str]:
    fsync = "on" if durable else "off"
    chosen = {"port": port, "listen_addresses": LOOPBACK, "unix_socket_directories": "", "fsync": fsync}
    return [word for name, value in (chosen | QUIET).items() for word in ("-c", f"{name}={value}")]


def _create(*, data: Path, programs: Path, password: str, identity: Identity) -> None:
    """Create the cluster in a temporary folder and rename it."""
    # A killed launcher then leaves no incomplete cluster under the final name.
    fresh, password_file = data.with_name("postgres.new"), data.with_name("postgres.password")
    run(command=["/bin/rm", "-rf", fresh], identity=identity)
    fresh.mkdir(mode=0o700)
    set_owner(path=fresh, identity=identity)
    # In a file: all users can see the arguments of a process.
    password_file.unlink(missing_ok=True)
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password)
    set_owner(path=password_file, identity=identity)
    result = run(
        command=_initdb(programs=programs, data=fresh, password_file=password_file),
        identity=identity,
        environ=ENVIRON,
    )
    password_file.unlink()
    if result.returncode != 0:
        raise ClusterUnusable(f"The database cluster could not be created in {data}:\n{result.stderr}")
    fresh.rename(data)


def _initdb(*, programs: Path, data: Path, password_file: Path) -> list[str | Path]:
    return [
        programs / "initdb",
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        # Some systems have no C.UTF-8 locale. The builtin provider has it everywhere.
        "--locale=C",
    ]


def _check_version(data: Path) -> None:
    """Raise ClusterUnusable when another major version of PostgreSQL wrote the data folder."""
    version = (data / "PG_VERSION").read_text().strip()
    if version != str(binaries.POSTGRES_MAJOR):
        raise ClusterUnusable(
            f"{data} contains data of PostgreSQL {version}, but this version of Underone uses "
            f"{binaries.POSTGRES_MAJOR}. "
            "Write a backup with the version of Underone that used it, and restore it into a new UNDERONE_HOME: "
            "docs/backups.md."
        )


def _remove_stale_pid(data: Path) -> None:
    """Remove a `postmaster.pid` whose process ID now belongs to another program.

    The server would refuse to start.
    """

    file = data / "postmaster.pid"
    if not file.exists():
        return
    process = _process(int(file.read_text().split()[0]))
    if process is not None and not process.name().startswith("postgres"):
        file.unlink()


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _is_reachable(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
