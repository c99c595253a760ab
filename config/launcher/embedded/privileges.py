"""Choose the operating-system user of the servers. PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = "nobody"


class NoUnprivilegedUser(SystemExit):
    """Raise when root starts the launcher and the machine has no unprivileged user."""


@dataclass(frozen=True)
class Identity:
    """Store the user and group of a server's process. None means those of the launcher."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> Sequence[int] | None:
        """Return the supplementary groups: none for another user, which would otherwise keep those of root."""
        return None if self.uid is None else ()


def identity_for(*, folder: Path) -> Identity:
    """Return the user that the servers of `folder` run as.

    It is the launcher's user. If that is root, it is the folder's owner or `nobody`. Raises
    NoUnprivilegedUser.
    """

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


def set_owner(*, path: Path, identity: Identity) -> None:
    """Make `identity` the owner of `path`."""
    if identity.uid is not None and identity.gid is not None:
        os.chown(path, identity.uid, identity.gid)


def private_folder(*, path: Path, identity: Identity) -> Path:
    """Create a folder that only `identity` can read, and return its path."""
    path.mkdir(mode=0o700, exist_ok=True)
    set_owner(path=path, identity=identity)
    return path


def run(
    *, command: Sequence[str | Path], identity: Identity, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `command` as `identity` to its end."""
    # From `/`: `identity` may not be able to enter the launcher's working folder.
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


def can_enter(*, identity: Identity, folder: Path) -> bool:
    """Return whether `identity` can enter `folder`."""
    # Tried with a shell, because the permissions of every parent and mount matter.
    return run(command=["/bin/sh", "-c", 'cd "$1"', "sh", folder], identity=identity).returncode == 0
