"""Measure seconds from an event's commit to its arrival at fifteen endpoints while five others hang, for 1000 events.

Web, workers and scheduler run as in production. Events are 0.06 seconds apart, so that fifteen healthy endpoints
receive 250 deliveries a second; bench/delivering.py measures the maximum. The reference is the goal of five seconds.
"""

import statistics
import time

import bench
from tests.webhooks.receiver_process import Receiver, running

EVENTS, HEALTHY, HANGING = 1000, 15, 5
# Seconds between two events.
PACE = 0.06
GOAL = 5.0


def main() -> None:
    with bench.installation(), running() as receiver:
        committed = _publish(receiver)
        waits = _waits(receiver, committed)
    p95 = statistics.quantiles(waits, n=20)[-1]
    bench.show(
        measure=(
            f"seconds from commit to each of {HEALTHY} healthy endpoints while {HANGING} hang, p95 of "
            f"{len(waits)} / allowed"
        ),
        own=p95,
        reference=GOAL,
        ratio=p95 / GOAL,
        goal=f"<= {GOAL} s",
        meets=p95 <= GOAL and len(waits) == EVENTS * HEALTHY,
    )


def _publish(receiver: Receiver) -> dict[str, float]:
    """Publish the events, and return when each was committed, by ID."""
    from accounts.tenancy import context  # noqa: PLC0415  Django is set up only now
    from bench.events import create_endpoint_for_all, publish  # noqa: PLC0415

    paths = [f"ok/{n}" for n in range(HEALTHY)] + [f"hang/{n}" for n in range(HANGING)]
    account = create_endpoint_for_all([receiver.url(path) for path in paths])
    committed = {}
    began = time.monotonic()
    for n in range(EVENTS):
        # From the beginning, not from the last event: otherwise the time of
        # publishing would slow down the pace.
        time.sleep(max(0.0, began + n * PACE - time.monotonic()))
        with context.agency(account.agency_id):
            event = publish(account, n)
        committed[event] = time.time()
    return committed


def _waits(receiver: Receiver, committed: dict[str, float]) -> list[float]:
    """Return the first arrival of every event at every healthy endpoint, after all arrived or a minute has
    passed."""

    for _ in range(60):
        arrived: dict[tuple[str, str], float] = {}
        for each in receiver.received():
            if each["path"].startswith("/ok/"):
                # Deliveries may be repeated. The first arrival counts.
                arrived.setdefault((each["path"], each["headers"]["webhook-id"]), each["at"])
        if len(arrived) == EVENTS * HEALTHY:
            break
        time.sleep(1)
    return [at - committed[event] for (_, event), at in arrived.items()]


if __name__ == "__main__":
    main()
