"""Give up a document that takes far more CPU time than its size explains. Pure.

Every step of reading takes time linear in the size of a document. This is the second safeguard: it also holds for an
input that nobody has thought of.
"""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from ingestion.parsing.rejections import RejectedDocument

# CPU seconds that every document has, and more for each MB that is read of it. Reports take 0.1 to 1 second a MB.
ALWAYS_ALLOWED, ALLOWED_PER_MB = 20, 10
MB = 1_000_000
# Asking for the time takes as long as a cell. A row takes microseconds, and one of the greatest length milliseconds.
ROWS_BETWEEN = 200
MAX_SECONDS = 600.0
"""The most that a document has by default, however large it is: less than the time limit of a task."""
Row = TypeVar("Row")


class CpuLimit:
    """Measure the CPU time of the current thread, and limit it.

    The limit grows with the bytes that were read, up to `max_seconds`.
    """

    def __init__(self, *, max_seconds: float) -> None:
        self._max_seconds = max_seconds
        self._began = time.thread_time()
        self._bytes = 0

    def blocks(self, source: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the blocks of a document. Raises RejectedDocument if it takes too long."""
        for block in source:
            self._bytes += len(block)
            self.check()
            yield block

    def rows(self, source: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows of a document. Raises RejectedDocument if it takes too long."""
        for number, row in enumerate(source, start=1):
            yield row
            if not number % ROWS_BETWEEN:
                self.check()

    def check(self) -> None:
        """Raise RejectedDocument if the document took too long so far."""
        allowed = min(ALWAYS_ALLOWED + ALLOWED_PER_MB * self._bytes / MB, self._max_seconds)
        if time.thread_time() - self._began > allowed:
            raise too_slow(allowed)


def too_slow(seconds: float) -> RejectedDocument:
    """Return the error for a document that took more than so many seconds."""
    return RejectedDocument(
        "document-too-slow",
        "The document takes too long to read",
        f"Reading it was given up after {seconds:.0f} seconds, because a report of its size takes far less. Upload the "
        "report as it was downloaded, or split it by date.",
    )
