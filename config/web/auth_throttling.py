"""When many keys are refused, refusals come late: whoever tries thousands of keys leaves the processor to those who have one.

A refused key costs a statement and a third of what a right one costs, which at full speed is still enough to slow right ones. So
beyond a few a second, a refusal waits before it is told. It waits outside of any transaction, and holds a thread: never all of
them, so that some are always free for others. What a right key is answered never waits, wherever the wrong ones come from.
"""

import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PAUSE = 0.05  # seconds
FREE = 20  # refusals that come at once after a quiet time
FREE_A_SECOND = 5
BEARER = "underone.bearer"  # in the environment of a request whose bearer is known


class Paced:
    """An application whose refusals come late when there are many."""

    def __init__(self, application: "WSGIApplication") -> None:
        self.application = application
        self.room = threading.Semaphore(settings.WEB_THREADS - 1)
        self.lock = threading.Lock()
        self.free, self.counted_at = float(FREE), time.monotonic()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        refused = False

        def begin(status: str, *rest: object) -> object:
            nonlocal refused
            refused = status.startswith("401") or (status.startswith("429") and BEARER not in environ)
            return start_response(status, *rest)  # type: ignore[arg-type]

        answer = self.application(environ, begin)  # type: ignore[arg-type]
        if refused and not self._is_free():
            self._wait()
        return answer

    def _is_free(self) -> bool:
        """Whether this refusal is one of the few that need not wait."""
        with self.lock:
            now = time.monotonic()
            self.free = min(FREE, self.free + (now - self.counted_at) * FREE_A_SECOND)
            self.counted_at = now
            if self.free < 1:
                return False
            self.free -= 1
            return True

    def _wait(self) -> None:
        if self.room.acquire(blocking=False):
            try:
                time.sleep(PAUSE)
            finally:
                self.room.release()
