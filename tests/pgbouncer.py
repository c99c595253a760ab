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


@contextmanager
def pgbouncer(*, url: str, mode: str = "transaction", **settings: str) -> Iterator[str]:
    """Start PgBouncer in front of the database at `url`, and yield the URL that goes through it."""
    # Not in a folder of the test, which the user that PgBouncer becomes could not enter.
    folder = Path(tempfile.mkdtemp(prefix="underone-pgbouncer-"))
    parts, port = urlsplit(url), free_port()
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    database = parts.path.strip("/")
    (folder / "users.txt").write_text(f'"{user}" "{password}"\n')
    values = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": str(folder / "users.txt"),
        "pool_mode": mode,
        "default_pool_size": str(POOL_SIZE),
        "max_client_conn": "500",
        "query_wait_timeout": "60",
        "logfile": str(folder / "pgbouncer.log"),
        "pidfile": str(folder / "pgbouncer.pid"),
    } | settings
    if os.geteuid() == 0:
        values["user"] = "nobody"
    lines = [
        "[databases]",
        f"{database} = host={parts.hostname} port={parts.port} dbname={database}",
        "[pgbouncer]",
        *(f"{name} = {value}" for name, value in values.items()),
    ]
    (folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "nobody")
    process = subprocess.Popen([PROGRAM, folder / "pgbouncer.ini"], stderr=subprocess.DEVNULL)
    through = f"postgresql://{user}:{parts.password}@127.0.0.1:{port}/{database}"
    try:
        wait_until(lambda: _accepts(through))
        yield through
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder)


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
