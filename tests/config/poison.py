"""Tasks that go wrong in the ways that have ended workers, and one that shows that a worker still works."""

import os
import signal
from pathlib import Path

from celery import shared_task

QUEUE = "poison"


@shared_task
def run_out_of_memory() -> None:
    raise MemoryError


@shared_task
def kill_its_process_once(*, folder: str) -> None:
    """Dies in the middle of its first run, as a process that the system chose to kill does."""
    runs = Path(folder) / "runs"
    with runs.open("a") as file:
        file.write("x")
    if runs.read_text() == "x":
        os.kill(os.getpid(), signal.SIGKILL)


@shared_task
def leave_a_mark(*, path: str) -> None:
    Path(path).touch()
