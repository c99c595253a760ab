"""Measure time in a way that holds on a loaded machine."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

TICK = 0.01


class Stopwatch:
    """Counts short sleeps of a thread of its own.

    A machine that gives this process no processor stops the watch as well, so what is counted is never more
    than the time that has passed, and on an idle machine hardly less.
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._ticks = 0
        self._thread = threading.Thread(target=self._count, daemon=True)

    @property
    def seconds(self) -> float:
        """Return the seconds that were counted so far."""
        return self._ticks * TICK

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _count(self) -> None:
        while not self._stopped.is_set():
            time.sleep(TICK)
            self._ticks += 1


@contextmanager
def running() -> Iterator[Stopwatch]:
    """Count while the block runs."""
    watch = Stopwatch()
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()
