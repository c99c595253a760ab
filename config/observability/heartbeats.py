"""When the clock and the workers last showed that they are there: the age of a file each, which every process can see."""

import re
from pathlib import Path

from django.conf import settings

CLOCK = "clock"
QUEUE = "queue-"
PLAIN = re.compile(r"[\w.-]{1,100}")


def beat(name: str) -> None:
    """Show that whoever bears this name is there."""
    if PLAIN.fullmatch(name):
        _folder().mkdir(parents=True, exist_ok=True)
        (_folder() / name).touch()


def ages(*, now: float) -> dict[str, float]:
    """Seconds since each of them was last there. `now` is in seconds since 1970."""
    files = _folder().iterdir() if _folder().is_dir() else ()
    return {file.name: max(now - file.stat().st_mtime, 0.0) for file in files}


def _folder() -> Path:
    return Path(settings.UNDERONE_HOME) / "heartbeats"
