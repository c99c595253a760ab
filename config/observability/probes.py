"""Run checks that may hang.

Each check runs in its own thread, and callers wait no longer than they choose.
"""

from collections.abc import Callable
from threading import Lock, Thread

NO_ANSWER = "no answer"


class Probe:
    """Run one check.

    Callers that arrive while it runs share its result, so that a hanging check occupies one thread.
    """

    def __init__(self, check: Callable[[], str]) -> None:
        self._check = check
        self._lock = Lock()
        self._run: ProbeRun | None = None

    def start(self) -> "ProbeRun":
        """Start the check, unless it is running, and return its run."""
        with self._lock:
            if self._run is None or not self._run.is_alive():
                self._run = ProbeRun(self._check)
                self._run.start()
            return self._run


class ProbeRun(Thread):
    """Run a check once. The process does not wait for it when it ends."""

    def __init__(self, check: Callable[[], str]) -> None:
        super().__init__(daemon=True, name=f"probe {check.__name__}")
        self._check = check
        self._result = NO_ANSWER

    def run(self) -> None:
        """Run the check in this thread."""
        self._result = self._check()

    def result(self, *, timeout: float) -> str:
        """Return the result, or NO_ANSWER if there is none within `timeout` seconds."""
        self.join(timeout=timeout)
        return self._result
