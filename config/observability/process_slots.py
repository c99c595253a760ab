"""Give each process of an installation a numbered slot for its counts.

A process takes the lowest free slot and continues the counts of the process that had it before. So there are
never more slots than processes that ran at the same time. A slot is a lock on a file, which is released when
the process ends in any way.
"""

import fcntl
import os
from itertools import count
from pathlib import Path


class ProcessSlots:
    """Take slots in a folder, for one process and those that it forks."""

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder
        self._process: int | None = None
        self._lock: int | None = None
        self._slot = ""

    def current(self) -> str:
        """Return the number of this process's slot. A forked process takes its own slot at its first call."""

        if self._process != os.getpid():
            self._close_inherited()
            self._take()
        return self._slot

    def _close_inherited(self) -> None:
        """Close the inherited file. The parent keeps the lock, because it has the file open as well."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # Locks on files end with the process, however it ends: there is nothing to clean up after a kill.
    def _take(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in count():
            lock = os.open(self._folder / f"slot-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            self._process, self._lock, self._slot = os.getpid(), lock, str(number)
            return
