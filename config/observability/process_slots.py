"""Each process of an installation has a seat of its own, where its counts are kept.

Who comes after a process that ended takes its seat and counts on: processes come and go, and there are never more seats than
processes were at work at the same time. A seat is a lock on a file, which goes with the process however it ends.
"""

import fcntl
import os
from itertools import count
from pathlib import Path


class Seats:
    """The seats of a folder, as one process and those that it forks see them."""

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder
        self._process: int | None = None
        self._lock: int | None = None
        self._seat = ""

    def mine(self) -> str:
        """The number of our seat. A process that was forked takes another one when it first asks."""
        if self._process != os.getpid():
            self._leave_to_parent()
            self._take()
        return self._seat

    def _leave_to_parent(self) -> None:
        """The lock stays the parent's, who has it open as well."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in count():
            lock = os.open(self._folder / f"seat-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            self._process, self._lock, self._seat = os.getpid(), lock, str(number)
            return
