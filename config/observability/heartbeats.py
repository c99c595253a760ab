"""Record heartbeats of the scheduler and the workers: one file each, whose age every process of the machine can
read. config/observability/machines.py shares them with the other machines."""

import re
from pathlib import Path

from django.conf import settings

SCHEDULER = "clock"
QUEUE = "queue-"
VALID_NAME = re.compile(r"[\w.-]{1,100}")


def beat(name: str) -> None:
    """Record that the process with this name is alive."""
    if VALID_NAME.fullmatch(name):
        _folder().mkdir(parents=True, exist_ok=True)
        (_folder() / name).touch()


def times() -> dict[str, float]:
    """Return the Unix time of each heartbeat on this machine, by name."""
    files = _folder().iterdir() if _folder().is_dir() else ()
    return {file.name: file.stat().st_mtime for file in files}


def ages(*, now: float) -> dict[str, float]:
    """Return the seconds since each heartbeat on this machine, by name. `now` is a Unix time."""
    return {name: max(now - at, 0.0) for name, at in times().items()}


def _folder() -> Path:
    return Path(settings.UNDERONE_HOME) / "heartbeats"
