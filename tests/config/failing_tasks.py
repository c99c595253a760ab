"""Define tasks that fail in ways that have ended workers, and one that shows that a worker still works."""

import logging
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

QUEUE = "poison"


@shared_task
def run_out_of_memory() -> None:
    raise MemoryError


@shared_task
def kill_its_process_once(*, folder: str) -> None:
    """Kill the process in the first run, as the system does when memory runs out."""
    runs = Path(folder) / "runs"
    with runs.open("a") as file:
        file.write("x")
    if runs.read_text() == "x":
        os.kill(os.getpid(), signal.SIGKILL)


@shared_task
def leave_a_mark(*, path: str) -> None:
    Path(path).touch()


@shared_task
def speak(*, word: str, times: str) -> None:
    """Log a word, and send another task until it was logged that often."""
    logging.getLogger(__name__).warning("said %s", word)
    if int(times) > 1:
        speak.apply_async(kwargs={"word": word, "times": str(int(times) - 1)}, queue=QUEUE)


@shared_task
def fail(*, word: str) -> None:
    raise ValueError(f"password={word}")


@shared_task
def oversleep(*, seconds: str) -> None:
    """Ignore the time limit."""
    with suppress(SoftTimeLimitExceeded):
        time.sleep(float(seconds))
    time.sleep(float(seconds))
