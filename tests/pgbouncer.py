"""Run Debian's PgBouncer in front of the tests' database."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest

from tests.installation import free_port, wait_until

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
needs_pgbouncer = pytest.mark.skipif(
    not Path(PROGRAM).exists(), reason="PgBouncer is missing: apt-get install pgbouncer"
)
# Fewer connections than threads, so that transactions really share them.
POOL_SIZE = 3


class PgBouncer:
    """Manage one pooler. `url` goes through it."""

    def __init__(self, *, url: str, mode: str = "transaction", **settings: str) -> None:
        # Not in a folder of the test, which the user that PgBouncer becomes could not enter.
        self.folder = Path(tempfile.mkdtemp(prefix="underone-pgbouncer-"))
        parts, port = urlsplit(url), free_port()
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        database = parts.path.strip("/")
        (self.folder / "users.txt").write_text(f'"{user}" "{password}"\n')
        values = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(self.folder / "users.txt"),
            "pool_mode": mode,
            "default_pool_size": str(POOL_SIZE),
            "max_client_conn": "500",
            "query_wait_timeout": "60",
            "logfile": str(self.folder / "pgbouncer.log"),
            "pidfile": str(self.folder / "pgbouncer.pid"),
        } | settings
        if os.geteuid() == 0:
            values["user"] = "nobody"
        lines = [
            "[databases]",
            f"{database} = host={parts.hostname} port={parts.port} dbname={database}",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in values.items()),
        ]
        (self.folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, "nobody")
        self.url = f"postgresql://{user}:{parts.password}@127.0.0.1:{port}/{database}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # A killed one leaves its file, and the next would not start.
        (self.folder / "pgbouncer.pid").unlink(missing_ok=True)
        self.process = subprocess.Popen([PROGRAM, self.folder / "pgbouncer.ini"], stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def answers(self) -> bool:
        """Return whether the database can be reached through it."""
        return _accepts(self.url)


@contextmanager
def running(*, url: str, mode: str = "transaction", **settings: str) -> Iterator[PgBouncer]:
    """Start PgBouncer in front of the database at `url`, and stop it when the block ends."""
    pooler = PgBouncer(url=url, mode=mode, **settings)
    try:
        pooler.start()
        wait_until(pooler.answers)
        yield pooler
    finally:
        pooler.kill()
        shutil.rmtree(pooler.folder)


@contextmanager
def pgbouncer(*, url: str, mode: str = "transaction", **settings: str) -> Iterator[str]:
    """Start PgBouncer in front of the database at `url`, and yield the URL that goes through it."""
    with running(url=url, mode=mode, **settings) as pooler:
        yield pooler.url


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
