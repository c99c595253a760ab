"""Measure deliveries a second from due rows to recorded results, against a plain httpx loop to the same receiver.

The reference posts the same bodies with one httpx client, one after the other on a persistent connection, and
records nothing. The product leases from the database, signs, checks the address, posts, and records every attempt
durably.
"""

import asyncio
import os
import statistics
import time

import django
import httpx

import bench
from tests.webhooks.receiver_process import Receiver, running

EVENTS, ENDPOINTS = 100, 20
ROUNDS = 3
GOAL = 0.5


def main() -> None:
    # Before Django reads its settings. The receiver listens on this host, which webhooks otherwise refuse.
    os.environ["WEBHOOK_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    with bench.product(), running() as receiver:
        django.setup()
        own, reference = [], []
        for n in range(ROUNDS):
            # In turns, so that whatever else the computer does slows down both.
            own.append(_worker(receiver, n))
            reference.append(asyncio.run(_loop(receiver)))
        ratio = statistics.median(one / other for one, other in zip(own, reference, strict=True))
        bench.show(
            measure="webhook deliveries a second, due to settled / a bare httpx loop to the same receiver",
            own=statistics.median(own),
            reference=statistics.median(reference),
            ratio=ratio,
            goal=f">= {GOAL}",
            meets=ratio >= GOAL,
        )


def _worker(receiver: Receiver, n: int) -> float:
    """Return the deliveries per second of one delivery worker that finds them all due."""
    from bench.events import published, settled  # noqa: PLC0415  Django is set up only now
    from webhooks.delivery import tasks  # noqa: PLC0415

    agency_id = published([receiver.url(f"ok/{n}/{each}") for each in range(ENDPOINTS)], events=EVENTS)
    began = time.time()
    tasks.deliver()
    return ENDPOINTS * EVENTS / (settled(agency_id) - began)


async def _loop(receiver: Receiver) -> float:
    body = b"x" * 400
    async with httpx.AsyncClient() as client:
        began = time.perf_counter()
        for n in range(EVENTS * 4):
            await client.post(receiver.url(f"ok/bare/{n % ENDPOINTS}"), content=body)
        return EVENTS * 4 / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
