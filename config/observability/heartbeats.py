"""Record heartbeats of the scheduler and the workers: one file each, whose age every process can read."""

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


def ages(*, now: float) -> dict[str, float]:
    """Return the seconds since each heartbeat, by name. `now` is a Unix time."""
    files = _folder().iterdir() if _folder().is_dir() else ()
    return {file.name: max(now - file.stat().st_mtime, 0.0) for file in files}


def _folder() -> Path:
    return Path(settings.UNDERONE_HOME) / "heartbeats"
