"""Measure how long requests with valid keys take while ten thousand invalid keys are sent, and before and after.

Web, workers and scheduler run as in production. Several connections send invalid keys as fast as possible: with
a known prefix, with an unknown one, and malformed ones. One more connection sends a valid key meanwhile.
"""

import itertools
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterable
from http.client import HTTPConnection
from multiprocessing.synchronize import Event

import bench

WRONG = 10_000
CONNECTIONS = 4
QUIET = 400
GOAL = 1.5
# Seconds between two questions, so that the right key does not reach its rate limit.
PATIENCE = 0.02
PATH = "/v1/accounts"


def main() -> None:
    with bench.installation():
        key = _key()
        right = HTTPConnection("localhost", int(os.environ["PORT"]))
        _waits(right, key, range(100))
        # Before and after the flood, so that a computer that becomes slower meanwhile slows down both.
        quiet = _waits(right, key, range(QUIET))
        during, seconds = _while_flooded(right, key)
        # The server would close the idle connection meanwhile. The next question opens it again.
        right.close()
        # Until the work that the flood has left behind is done.
        time.sleep(5)
        quiet += _waits(right, key, range(QUIET))
        for name, of in (("p50", statistics.median), ("p95", _p95)):
            ratio = of(during) / of(quiet)
            bench.show(
                measure=f"milliseconds that a right key waits, {name} of {len(during)} beside "
                f"{WRONG / seconds:.0f} wrong ones "
                f"a second / of {len(quiet)} beside none",
                own=of(during) * 1000,
                reference=of(quiet) * 1000,
                ratio=ratio,
                goal=f"<= {GOAL}",
                meets=ratio <= GOAL,
            )


def _key() -> str:
    from django.utils import timezone  # noqa: PLC0415  Django is set up only now

    from accounts.agencies import lifecycle as agencies  # noqa: PLC0415

    return agencies.create_agency(name="Bench", now=timezone.now())[1]


def _while_flooded(right: HTTPConnection, key: str) -> tuple[list[float], float]:
    """Return the response times with the valid key during the flood, and the flood's duration in seconds."""
    # A forked process would inherit the open connection.
    context = multiprocessing.get_context("spawn")
    over, port = context.Event(), int(os.environ["PORT"])
    flood = context.Process(target=_flood, args=(port, key, over))
    flood.start()
    # Until the connections of the flood are open.
    time.sleep(1)
    began = time.perf_counter()
    waits = _waits(right, key, itertools.takewhile(lambda _: not over.is_set(), itertools.count()))
    seconds = time.perf_counter() - began
    flood.join()
    return waits, seconds


def _flood(port: int, key: str, over: Event) -> None:
    """Send wrong keys from a process of its own, so that it does not slow down the measuring process."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    def show(connection: int) -> None:
        client = HTTPConnection("localhost", port)
        for n in range(WRONG // CONNECTIONS):
            secret = f"{connection:02d}{n:041d}"
            status = _ask(
                client, (f"{key[:20]}_{secret}", f"uo_live_{n:012d}_{secret}", f"nonsense {secret}")[n % 3]
            )
            if status not in {401, 429}:
                raise RuntimeError(f"A wrong key was answered with {status}.")

    with ThreadPoolExecutor(CONNECTIONS) as strangers:
        list(strangers.map(show, range(CONNECTIONS)))
    over.set()


def _waits(right: HTTPConnection, key: str, turns: Iterable[int]) -> list[float]:
    """Return the response time of each request with the valid key, in seconds."""
    waits = []
    for _ in turns:
        began = time.perf_counter()
        if _ask(right, key) != 200:
            raise RuntimeError("A right key was refused.")
        waits.append(time.perf_counter() - began)
        time.sleep(PATIENCE)
    return waits


def _ask(connection: HTTPConnection, key: str) -> int:
    connection.request("GET", PATH, headers={"Authorization": f"Bearer {key}"})
    response = connection.getresponse()
    response.read()
    return response.status


def _p95(waits: list[float]) -> float:
    return statistics.quantiles(waits, n=20)[-1]


if __name__ == "__main__":
    main()
