"""Delay failed authentications when there are many, so that guessing keys does not slow valid requests.

A failed authentication costs one statement and a third of the time of a valid request. At full speed, this is
enough to slow valid requests. Therefore, 401 responses beyond a few a second are delayed. They wait outside
any transaction and occupy a thread, but never all threads. Responses to valid keys are never delayed, even if
invalid keys come from the same address.
"""

import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DELAY_SECONDS = 0.05
# How many failures are sent at once after a quiet time.
BURST = 20
FREE_PER_SECOND = 5
# The key in the WSGI environment under which a request's principal stands (accounts/requests/views.py).
PRINCIPAL = "underone.principal"


class DelayFailedAuthentication:
    """Wrap a WSGI application and delay its authentication failures when there are many."""

    def __init__(self, application: "WSGIApplication") -> None:
        self.application = application
        # One thread fewer than there are: waiting failures leave at least one for other requests.
        self.waiting = threading.Semaphore(settings.WEB_THREADS - 1)
        self.lock = threading.Lock()
        self.tokens, self.refilled_at = float(BURST), time.monotonic()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        # The status is known only when the application calls `start_response`.
        failed = False

        def start(status: str, *rest: object) -> object:
            nonlocal failed
            # A 429 without a principal answers an address with too many failures.
            failed = status.startswith("401") or (status.startswith("429") and PRINCIPAL not in environ)
            return start_response(status, *rest)  # type: ignore[arg-type]

        response = self.application(environ, start)  # type: ignore[arg-type]
        if failed and not self._take_token():
            self._wait()
        return response

    def _take_token(self) -> bool:
        """Return whether this failure is within the burst and needs no delay (a token bucket)."""
        with self.lock:
            now = time.monotonic()
            self.tokens = min(BURST, self.tokens + (now - self.refilled_at) * FREE_PER_SECOND)
            self.refilled_at = now
            if self.tokens < 1:
                return False
            self.tokens -= 1
            return True

    def _wait(self) -> None:
        # Without blocking: once enough threads wait, further failures are answered at once.
        if self.waiting.acquire(blocking=False):
            try:
                time.sleep(DELAY_SECONDS)
            finally:
                self.waiting.release()
