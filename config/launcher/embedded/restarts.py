"""Decide when a process that ended by itself may start again. Pure."""

from collections import defaultdict, deque

MAX_RESTARTS = 5
WITHIN = 60.0  # seconds


class RestartLimit:
    """Count how often each process ended."""

    def __init__(self) -> None:
        self._ends: dict[str, deque[float]] = defaultdict(deque)

    def seconds_to_wait(self, name: str, *, now: float) -> float | None:
        """Record that the process ended, and return how long to wait before it starts again.

        Returns None if it has been restarted MAX_RESTARTS times within a minute: starting it once more would
        not help.
        """
        ends = self._ends[name]
        while ends and ends[0] <= now - WITHIN:
            ends.popleft()
        if len(ends) >= MAX_RESTARTS:
            return None
        ends.append(now)
        # The first time at once; later more slowly, because what it needs may be starting as well.
        return float(2 ** (len(ends) - 2)) if len(ends) > 1 else 0.0
