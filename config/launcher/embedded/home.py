"""Manage the folder of an installation: its state file, logs, documents and the servers' data.

If root starts the launcher in a folder that an unprivileged user cannot enter, the servers' data is in
`/var/lib/underone/<digest of the folder's path>` instead. The state file stores which.
"""

import fcntl
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from config.launcher.embedded.privileges import Identity, can_enter, identity_for

SHARED = Path("/var/lib/underone")


class HomeInUse(SystemExit):
    """Raise when another launcher uses this folder."""


class Home:
    """Manage an installation's folder, which one launcher locks at a time."""

    def __init__(self, *, folder: Path) -> None:
        """Create `folder` if needed, and lock it. Raises HomeInUse if another launcher has locked it."""
        self.folder = folder.resolve()
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        # An unprivileged server can enter the folder to reach its own data, but cannot list it.
        self.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        self.logs.chmod(0o700)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        self._lock_folder()
        self.identity: Identity
        self.servers, self.identity = self._servers_folder()

    def read_value(self, name: str) -> Any:
        """Return the value stored under `name`, or None."""
        return self._state().get(name)

    def values(self) -> dict[str, Any]:
        """Return all stored values by name."""
        return self._state()

    def store_value(self, name: str, value: object) -> None:
        """Store a JSON value under `name`, atomically and readable by this user only."""
        fresh = self.folder / "state.json.new"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(self._state() | {name: value}, file, indent=2)
            file.flush()
            # Before the rename: after a power cut the file would otherwise be
            # empty, and with it the passwords.
            os.fsync(file.fileno())
        fresh.replace(self.folder / "state.json")

    def release(self) -> None:
        """Release the lock."""
        os.close(self._lock)

    def discard(self) -> None:
        """Delete the folder and the servers' data."""
        self.release()
        shutil.rmtree(self.servers, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _state(self) -> dict[str, Any]:
        path = self.folder / "state.json"
        state: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return state

    def _lock_folder(self) -> None:
        try:
            # The system releases the lock however the launcher ends, so a killed one leaves no stale lock.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise HomeInUse(
                f"Underone already runs on {self.folder}. Stop it first, or set UNDERONE_HOME to another "
                "folder."
            ) from None

    def _servers_folder(self) -> tuple[Path, Identity]:
        """Return the folder of the servers' data, and the user that they run as."""
        outside, inside = self.read_value("servers"), self.folder / "servers"
        if outside is not None:
            return _created(Path(outside)), identity_for(folder=Path(outside) / "postgres")
        identity = identity_for(folder=inside / "postgres")
        if can_enter(identity=identity, folder=self.folder):
            inside.mkdir(exist_ok=True)
            inside.chmod(0o711)
            return inside, identity
        place = _created(SHARED / hashlib.sha256(str(self.folder).encode()).hexdigest()[:16])
        self.store_value("servers", str(place))
        return place, identity


def _created(folder: Path) -> Path:
    """Create the folder and its parents so that all users can enter them, whatever the umask."""
    folder.mkdir(parents=True, exist_ok=True)
    SHARED.chmod(0o711)
    folder.chmod(0o711)
    return folder
