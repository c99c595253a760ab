"""One courier: takes what is due in hand, sends to many endpoints at once, and writes down what came of it in small batches.

A slow endpoint holds up nobody: each has its own lane, as wide as eight sends, and as narrow as one while it fails.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import OperationalError, connections

from webhooks.channels.http_client import Answer, Egress
from webhooks.delivery import dispatch, leases, results
from webhooks.delivery.leases import Parcel, Room
from webhooks.delivery.results import Outcome

log = logging.getLogger(__name__)

Got = TypeVar("Got")

OUR_FAULT = "Something broke on our side."
IS_DISABLED = "The endpoint is disabled."
DATABASE_AWAY = (0.5, 2.0, 5.0)  # seconds between tries to write down what was sent


@dataclass(frozen=True)
class Pace:
    """How much a courier does at once, and for how long; in seconds."""

    senders: int = 512
    of_one: int = 8
    failing: int = 64
    looks_every: float = 0.1
    gathers: float = 0.02
    lingers: float = 5.0
    longest: float = 600.0
    lease: timedelta = leases.LEASE
    margin: timedelta = timedelta(seconds=5)


@dataclass
class Lane:
    """What is in hand for one endpoint."""

    runs: deque[list[Parcel]] = field(default_factory=deque)
    workers: int = 0
    fails: bool = False


class Courier:
    """Sends until nothing has been due for a while, its time is over, or it is asked to stop."""

    def __init__(
        self, *, egress: Egress, clock: Callable[[], datetime], is_stopping: Callable[[], bool], pace: Pace | None = None
    ) -> None:
        self.egress, self.clock, self.is_stopping, self.pace = egress, clock, is_stopping, pace or Pace()
        self._lanes: dict[UUID, Lane] = {}
        self._outcomes: list[Outcome] = []
        self._runs_in_hand = self._failing_in_hand = 0
        self._closing = False
        self._news = asyncio.Event()
        self._slots = asyncio.Semaphore(self.pace.senders)
        self._workers: set[asyncio.Task[None]] = set()
        self._look: asyncio.Task[frozenset[UUID]] | None = None
        self._looking = asyncio.Lock()
        self._database = ThreadPoolExecutor(max_workers=1, thread_name_prefix="courier-database")

    async def run(self) -> None:
        """What is in hand when this ends by itself was sent or went back, and is written down."""
        try:
            await self._deliver()
        finally:
            self._closing = True
            await asyncio.gather(*self._workers)
            await self._settle()
            await self.egress.aclose()
            await self._ask(connections.close_all)
            self._database.shutdown()

    async def _deliver(self) -> None:
        time = asyncio.get_running_loop().time
        began = busy_at = time()
        while not self.is_stopping() and time() - began < self.pace.longest:
            await self._settle()
            await self.egress.tidy()
            if await self._take(until=began + self.pace.longest) or self._runs_in_hand:
                busy_at = time()
            elif time() - busy_at >= self.pace.lingers:
                break
            await self._wait()

    async def _take(self, *, until: float) -> bool:
        """Take in hand what is due; whether anything was.

        Before the end nothing is begun at endpoints that fail: whoever hangs would hold up the next courier.
        """
        is_ending = until - asyncio.get_running_loop().time() < self.egress.deadline
        failing = 0 if is_ending else self.pace.failing - self._failing_in_hand
        room = Room(series=2 * self.pace.senders - self._runs_in_hand, failing=max(failing, 0))
        now = self.clock()
        if room.series <= 0 or not await self._ask(partial(leases.is_due, now=now)):
            return False
        runs = await self._ask(partial(leases.lease, room=room, now=now, length=self.pace.lease))
        for run in runs:
            self._enqueue(run)
        return bool(runs)

    async def _wait(self) -> None:
        """Until something comes back, and a little longer for what comes right after it; or until it is time to look again."""
        if self._runs_in_hand:
            try:
                async with asyncio.timeout(self.pace.looks_every):
                    await self._news.wait()
                await asyncio.sleep(self.pace.gathers)
            except TimeoutError:
                pass
            self._news.clear()
        else:
            await asyncio.sleep(self.pace.looks_every)

    def _enqueue(self, run: list[Parcel]) -> None:
        lane = self._lanes.setdefault(run[0].endpoint_id, Lane())
        lane.runs.append(run)
        self._runs_in_hand += 1
        self._failing_in_hand += run[0].fails
        if lane.workers < self.pace.of_one:
            lane.workers += 1
            worker = asyncio.create_task(self._work(run[0].endpoint_id, lane))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self, endpoint_id: UUID, lane: Lane) -> None:
        while lane.runs:
            run = lane.runs.popleft()
            await self._send_run(run, lane)
            self._runs_in_hand -= 1
            self._failing_in_hand -= run[0].fails
            self._news.set()
        lane.workers -= 1
        if not lane.workers:
            self._lanes.pop(endpoint_id, None)

    async def _send_run(self, run: list[Parcel], lane: Lane) -> None:
        """One after the other, until one fails; the rest goes back, in the order in which it came."""
        for parcel in run:
            async with self._slots:
                if lane.fails or self._closing or self._is_late(parcel) or await self._is_withdrawn(parcel):
                    self._outcomes.append(Outcome(parcel, None, self.clock()))
                    continue
                outcome = await self._send(parcel)
            self._outcomes.append(outcome)
            self._news.set()
            lane.fails = not outcome.is_success

    def _is_late(self, parcel: Parcel) -> bool:
        """Whether its lease could end before its answer comes."""
        return parcel.leased_until - self.clock() < timedelta(seconds=self.egress.deadline) + self.pace.margin

    async def _is_withdrawn(self, parcel: Parcel) -> bool:
        """Whether its account was handed back or its agency closed since it was taken in hand.

        The database is asked anew for every parcel, in one question for all that wait to ask. Without an answer it goes back.
        """
        if self._look is None:
            self._look = asyncio.create_task(self._look_anew())
        try:
            return not {parcel.agency_id, parcel.account_id}.isdisjoint(await self._look)
        except Exception:
            log.exception("nobody says whether delivery %s is still to be sent", parcel.delivery_id)
            return True

    async def _look_anew(self) -> frozenset[UUID]:
        async with self._looking:
            self._look = None  # whoever comes from now on asks after this question
            return await self._ask(leases.withdrawn)

    async def _send(self, parcel: Parcel) -> Outcome:
        time, now = asyncio.get_running_loop().time, self.clock()
        began = time()
        try:
            disabled = Answer(error=IS_DISABLED, forbidden=True)
            answer = disabled if parcel.is_disabled else await dispatch.carry(parcel, egress=self.egress, now=now)
        except Exception:
            log.exception("delivery %s broke", parcel.delivery_id)
            answer = Answer(error=OUR_FAULT)
        return Outcome(parcel, answer, now, round((time() - began) * 1000))

    async def _settle(self) -> None:
        """Write down what came back since the last time."""
        batch, self._outcomes = self._outcomes, []
        if not batch:
            return
        try:
            await self._write(batch)
        except Exception:
            log.exception("%d outcomes cannot be written down together", len(batch))
            for outcome in batch:
                await self._settle_alone(outcome)

    async def _settle_alone(self, outcome: Outcome) -> None:
        try:
            await self._write([outcome])
        except Exception:
            log.exception("what came of delivery %s cannot be written down; it is sent again", outcome.parcel.delivery_id)

    async def _write(self, batch: list[Outcome]) -> None:
        for pause in DATABASE_AWAY:
            try:
                return await self._ask(partial(results.settle, outcomes=batch, now=self.clock()))
            except OperationalError:
                await self._ask(connections.close_all)
                await asyncio.sleep(pause)
        return await self._ask(partial(results.settle, outcomes=batch, now=self.clock()))

    def _ask(self, question: Callable[[], Got]) -> Coroutine[Any, Any, Got]:
        """The database, in the one thread that has a connection of this courier's."""

        async def asked() -> Got:
            return await asyncio.get_running_loop().run_in_executor(self._database, question)

        return asked()
