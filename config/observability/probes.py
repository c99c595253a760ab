"""Looks at what may hang: each in a thread of its own, and nobody waits longer than said."""

from collections.abc import Callable
from threading import Lock, Thread

NO_ANSWER = "no answer"


class Look:
    """One question. While it is being asked, whoever else asks waits for the same answer: what hangs, hangs once."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask = ask
        self._lock = Lock()
        self._asking: Asking | None = None

    def begin(self) -> "Asking":
        """Ask, unless that is under way."""
        with self._lock:
            if self._asking is None or not self._asking.is_alive():
                self._asking = Asking(self._ask)
                self._asking.start()
            return self._asking


class Asking(Thread):
    """A question under way. The process does not wait for it at its end."""

    def __init__(self, ask: Callable[[], str]) -> None:
        super().__init__(daemon=True, name=f"look at {ask.__name__}")
        self._ask = ask
        self._told = NO_ANSWER

    def run(self) -> None:
        self._told = self._ask()

    def answer(self, *, within: float) -> str:
        """What was told, or that nothing was within so many seconds."""
        self.join(timeout=within)
        return self._told
