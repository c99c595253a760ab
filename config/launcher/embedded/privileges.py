"""Which operating-system user the servers run as: never the superuser, whom PostgreSQL refuses."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = "nobody"


class NoUnprivilegedUser(SystemExit):
    """The superuser started us and the machine has no user to step down to."""


@dataclass(frozen=True)
class Identity:
    """The user and group of a server's process; None keeps the ones we run as."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> Sequence[int] | None:
        """No supplementary groups after stepping down: the superuser's would come along otherwise."""
        return None if self.uid is None else ()


def identity_for(*, folder: Path) -> Identity:
    """Whom the servers of `folder` run as: ourselves, or, started by the superuser, the folder's owner or
    `nobody`."""

    if os.geteuid() != 0:
        return Identity()
    if folder.exists() and folder.stat().st_uid != 0:
        return Identity(uid=folder.stat().st_uid, gid=folder.stat().st_gid)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise NoUnprivilegedUser(
            f"The servers cannot run as root, and this machine has no user {UNPRIVILEGED!r}. "
            "Start as another user, or set DATABASE_URL and BROKER_URL to use your own servers."
        ) from None
    return Identity(uid=entry.pw_uid, gid=entry.pw_gid)


def give(*, path: Path, identity: Identity) -> None:
    """Make `identity` the owner of `path`."""
    if identity.uid is not None and identity.gid is not None:
        os.chown(path, identity.uid, identity.gid)


def private_folder(*, path: Path, identity: Identity) -> Path:
    """`path`, a folder that `identity` owns and nobody else reads."""
    path.mkdir(mode=0o700, exist_ok=True)
    give(path=path, identity=identity)
    return path


def run(
    *, command: Sequence[str | Path], identity: Identity, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `command` as `identity` to its end, from `/`: our own working folder may be closed to it."""
    return subprocess.run(
        command,
        user=identity.uid,
        group=identity.gid,
        extra_groups=identity.groups,
        cwd="/",
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def reaches(*, identity: Identity, folder: Path) -> bool:
    """Whether `identity` can enter `folder`: asked of the system, since every parent and mount has a say."""
    return run(command=["/bin/sh", "-c", 'cd "$1"', "sh", folder], identity=identity).returncode == 0
