"""Run the delivery worker: lease due deliveries, send them to many endpoints at once, and record the results.

Each endpoint has its own queue of runs, so that a slow endpoint does not delay others. A run is a list of
jobs with one order key, which are sent one after the other. At most `WorkerLimits.sends_per_endpoint` runs of
an endpoint are sent at once.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError, OperationalError, connections

from webhooks.channels.http_client import HttpClient, SendResult
from webhooks.delivery import concurrency, digests, dispatch, leases, results
from webhooks.delivery.digests import Turn
from webhooks.delivery.jobs import DeliveryJob
from webhooks.delivery.leases import Capacity
from webhooks.delivery.results import Outcome
from webhooks.models import Endpoint

log = logging.getLogger(__name__)

T = TypeVar("T")

INTERNAL_ERROR = "An internal error occurred."
ENDPOINT_DISABLED = "The endpoint is disabled."
MAILBOX_UNCONFIRMED = "The owner of the mailbox has not confirmed the endpoint."
# Seconds before each new try to record results while the database is away.
DATABASE_RETRY_DELAYS = (0.5, 2.0, 5.0)


@dataclass(frozen=True)
class WorkerLimits:
    """Store how much a worker does at once and how long it runs. Numbers are jobs, runs or seconds."""

    sends: int = 512
    sends_per_endpoint: int = 8
    # Runs for endpoints that fail: they may take up the whole deadline.
    failing_runs: int = 64
    poll_interval: float = 0.1
    # After a result, wait this long for others so that they are recorded together.
    batch_delay: float = 0.02
    # Stop after this long without work.
    idle_time: float = 5.0
    max_run_time: float = 600.0
    lease: timedelta = leases.LEASE
    # A job is sent only if its lease outlasts the deadline by this.
    lease_margin: timedelta = timedelta(seconds=5)
    heartbeat_interval: float = concurrency.RENEWAL_INTERVAL


@dataclass
class EndpointQueue:
    """Store the runs that wait for one endpoint, and the number of tasks that send them."""

    runs: deque[list[DeliveryJob]] = field(default_factory=deque)
    senders: int = 0
    is_failing: bool = False


class DeliveryWorker:
    """Send due deliveries until none has been due for `idle_time`, `max_run_time` is over, or `is_stopping`
    returns True."""

    def __init__(
        self,
        *,
        client: HttpClient,
        clock: Callable[[], datetime],
        is_stopping: Callable[[], bool],
        heartbeat: Callable[[], None] = lambda: None,
        limits: WorkerLimits | None = None,
    ) -> None:
        """`heartbeat` is called every `heartbeat_interval` until the worker has recorded its last result."""
        self.client, self.clock, self.is_stopping, self.heartbeat = client, clock, is_stopping, heartbeat
        self.limits = limits or WorkerLimits()
        self._queues: dict[UUID, EndpointQueue] = {}
        self._outcomes: list[Outcome] = []
        self._leased_runs = self._failing_runs = 0
        self._closing = False
        self._progress = asyncio.Event()
        self._sends = asyncio.Semaphore(self.limits.sends)
        self._senders: set[asyncio.Task[None]] = set()
        self._undeliverable: asyncio.Task[frozenset[UUID]] | None = None
        self._undeliverable_lock = asyncio.Lock()
        # One thread, so that all queries of this worker use one database connection.
        self._database = ThreadPoolExecutor(max_workers=1, thread_name_prefix="delivery-worker-database")

    async def run(self) -> None:
        """Deliver until there is no more to do.

        1. repeat, until nothing has been due for a while, the time is over or a stop is requested:
           record results, close idle connections, lease due deliveries, wait for results or the next poll
        2. let the attempts in progress end, and return the jobs that have not begun
        3. record the last results   4. close the connections to endpoints and to the database
        """
        beating = asyncio.create_task(self._beat())
        try:
            await self._deliver()
        finally:
            # The flag first: senders then return their remaining jobs unsent, so waiting for
            # them takes one deadline at most.
            self._closing = True
            await asyncio.gather(*self._senders)
            await self._record()
            beating.cancel()
            await self.client.aclose()
            # Django's connections belong to a thread: only the database thread can close its own.
            await self._query(connections.close_all)
            self._database.shutdown()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.limits.heartbeat_interval)
            try:
                await self._query(self.heartbeat)
            except DatabaseError:
                log.exception("the delivery worker cannot renew the lease of its slot")
                await self._query(connections.close_all)

    async def _deliver(self) -> None:
        time = asyncio.get_running_loop().time
        began = busy_at = time()
        while not self.is_stopping() and time() - began < self.limits.max_run_time:
            await self._record()
            await self.client.close_idle()
            if await self._lease(until=began + self.limits.max_run_time) or self._leased_runs:
                busy_at = time()
            elif time() - busy_at >= self.limits.idle_time:
                break
            await self._wait()

    async def _lease(self, *, until: float) -> bool:
        """Lease due deliveries, and return whether there were any."""
        # Within a deadline of the end no runs for failing endpoints are leased: a
        # hanging endpoint would delay the end.
        is_ending = until - asyncio.get_running_loop().time() < self.client.deadline
        failing = 0 if is_ending else self.limits.failing_runs - self._failing_runs
        # Twice as many runs as can be sent at once, so that a freed sender finds one waiting.
        capacity = Capacity(runs=2 * self.limits.sends - self._leased_runs, failing=max(failing, 0))
        now = self.clock()
        # is_due reads one entry of an index; leasing takes a lock that all workers share.
        if capacity.runs <= 0 or not await self._query(partial(leases.is_due, now=now)):
            return False
        runs = await self._query(partial(leases.lease, capacity=capacity, now=now, length=self.limits.lease))
        for run in runs:
            self._enqueue(run)
        return bool(runs)

    async def _wait(self) -> None:
        """Wait for a result and then `batch_delay` for others, or for `poll_interval`, whichever is first."""
        if self._leased_runs:
            try:
                async with asyncio.timeout(self.limits.poll_interval):
                    await self._progress.wait()
                await asyncio.sleep(self.limits.batch_delay)
            # No result within the interval is usual: the loop then looks for due deliveries.
            except TimeoutError:
                pass
            self._progress.clear()
        else:
            await asyncio.sleep(self.limits.poll_interval)

    def _enqueue(self, run: list[DeliveryJob]) -> None:
        """Append the run to its endpoint's queue, and start another sender if the endpoint may have one
        more."""
        queue = self._queues.setdefault(run[0].endpoint_id, EndpointQueue())
        queue.runs.append(run)
        self._leased_runs += 1
        self._failing_runs += run[0].is_failing
        # A mailbox gets one e-mail after the other: each decides anew what it contains.
        most = 1 if run[0].kind == Endpoint.Kind.EMAIL else self.limits.sends_per_endpoint
        if queue.senders < most:
            queue.senders += 1
            sender = asyncio.create_task(self._send_queue(run[0].endpoint_id, queue))
            # The event loop holds tasks only weakly; without this reference one
            # could be collected while it runs.
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)

    async def _send_queue(self, endpoint_id: UUID, queue: EndpointQueue) -> None:
        while queue.runs:
            runs = [queue.runs.popleft()]
            if runs[0][0].kind == Endpoint.Kind.EMAIL:
                runs += queue.runs
                queue.runs.clear()
                await self._send_mails([job for run in runs for job in run], queue)
            else:
                await self._send_run(runs[0], queue)
            self._leased_runs -= len(runs)
            self._failing_runs -= sum(run[0].is_failing for run in runs)
            self._progress.set()
        queue.senders -= 1
        if not queue.senders:
            self._queues.pop(endpoint_id, None)

    async def _send_run(self, run: list[DeliveryJob], queue: EndpointQueue) -> None:
        """Send the jobs one after the other until one fails. The rest is returned unsent, in its order."""
        for job in run:
            async with self._sends:
                if await self._is_returned(job, queue):
                    continue
                await self._send([job], queue)

    async def _send_mails(self, jobs: list[DeliveryJob], queue: EndpointQueue) -> None:
        """Send the jobs of a mailbox, each alone or all as one digest, or return them until the digest is due."""
        while jobs:
            async with self._sends:
                if await self._is_returned(jobs[0], queue):
                    jobs.pop(0)
                    continue
                turn = await self._next_turn(jobs)
                if not turn.jobs:
                    now = self.clock()
                    self._outcomes += [Outcome(job, None, now, due_at=turn.wait_until) for job in jobs]
                    return
                if chosen := await self._without_undeliverable(turn.jobs):
                    await self._send(chosen, queue)
            sent = {job.delivery_id for job in turn.jobs}
            jobs = [job for job in jobs if job.delivery_id not in sent]

    async def _next_turn(self, jobs: list[DeliveryJob]) -> Turn:
        """Return what the mailbox gets next. If the query fails, the jobs are returned unsent."""
        # Refused without a mail, so no limit is asked.
        if _refusal(jobs[0]):
            return Turn(jobs=(jobs[0],))
        decide = partial(digests.next_turn, jobs=jobs, now=self.clock(), lease=self.limits.lease)
        try:
            return await self._query(decide)
        except Exception:
            log.exception("cannot decide whether delivery %s may be sent", jobs[0].delivery_id)
            return Turn()

    async def _without_undeliverable(self, jobs: Sequence[DeliveryJob]) -> Sequence[DeliveryJob]:
        """Return the jobs of a digest that may still be sent, and return the others unsent."""
        if len(jobs) == 1:
            return jobs
        try:
            gone = await self._query(leases.deleted_or_closed_ids)
        except Exception:
            log.exception("cannot find out whether delivery %s may still be sent", jobs[0].delivery_id)
            gone = frozenset({jobs[0].agency_id})
        returned = [job for job in jobs if job.agency_id in gone or job.account_id in gone]
        self._outcomes += [Outcome(job, None, self.clock()) for job in returned]
        return [job for job in jobs if job not in returned]

    async def _is_returned(self, job: DeliveryJob, queue: EndpointQueue) -> bool:
        """Return the job unsent if it must not be sent now, and return whether it was."""
        # Checked just before sending, since the job may have waited: a failure of another run, the end of this
        # worker, too little of the lease left, or a deletion.
        if not (queue.is_failing or self._closing or self._is_late(job) or await self._is_undeliverable(job)):
            return False
        # Every remaining job gets an outcome, so that it is due again now and not when its lease ends.
        self._outcomes.append(Outcome(job, None, self.clock()))
        return True

    def _is_late(self, job: DeliveryJob) -> bool:
        """Return whether the lease could end before the attempt does."""
        return (
            job.leased_until - self.clock()
            < timedelta(seconds=self.client.deadline) + self.limits.lease_margin
        )

    async def _is_undeliverable(self, job: DeliveryJob) -> bool:
        """Return whether the account was deleted or the agency closed since the job was leased.

        If the query fails, the job is returned unsent.
        """

        # Every job needs a query that began after it was ready to be sent; jobs that
        # wait at the same time share one.
        if self._undeliverable is None:
            self._undeliverable = asyncio.create_task(self._query_undeliverable())
        try:
            return not {job.agency_id, job.account_id}.isdisjoint(await self._undeliverable)
        except Exception:
            log.exception("cannot find out whether delivery %s may still be sent", job.delivery_id)
            return True

    async def _query_undeliverable(self) -> frozenset[UUID]:
        async with self._undeliverable_lock:
            # From here on a job needs a newer query than this one.
            self._undeliverable = None
            return await self._query(leases.deleted_or_closed_ids)

    async def _send(self, jobs: Sequence[DeliveryJob], queue: EndpointQueue) -> None:
        """Make one attempt to send the jobs, and append its outcome for each of them."""
        time, now = asyncio.get_running_loop().time, self.clock()
        began = time()
        try:
            refusal = _refusal(jobs[0])
            result = refusal or await dispatch.send(jobs, client=self.client, now=now)
        # A defect in one channel costs one attempt, which is retried, and not the whole worker.
        except Exception:
            log.exception("delivery %s cannot be sent", jobs[0].delivery_id)
            result = SendResult(error=INTERNAL_ERROR)
        took = round((time() - began) * 1000)
        self._outcomes += [Outcome(job, result, now, took) for job in jobs]
        self._progress.set()
        # The jobs behind a failed one must not overtake it, and a failing endpoint gets one attempt at a time.
        queue.is_failing = not result.is_success

    async def _record(self) -> None:
        """Record the outcomes since the last call together, or each alone if that fails."""
        # Taken before the first await: senders append further outcomes while these are written.
        outcomes, self._outcomes = self._outcomes, []
        if not outcomes:
            return
        try:
            await self._write(outcomes)
        except Exception:
            log.exception("%d outcomes cannot be recorded together", len(outcomes))
            for outcome in outcomes:
                await self._record_one(outcome)

    async def _record_one(self, outcome: Outcome) -> None:
        try:
            await self._write([outcome])
        except Exception:
            log.exception(
                "outcome of delivery %s cannot be recorded; it is sent again", outcome.job.delivery_id
            )

    async def _write(self, outcomes: list[Outcome]) -> None:
        for delay in DATABASE_RETRY_DELAYS:
            try:
                return await self._query(partial(results.record, outcomes=outcomes, now=self.clock()))
            except OperationalError:
                # Django keeps a broken connection; after closing it, the next query connects anew.
                await self._query(connections.close_all)
                await asyncio.sleep(delay)
        return await self._query(partial(results.record, outcomes=outcomes, now=self.clock()))

    def _query(self, function: Callable[[], T]) -> Coroutine[Any, Any, T]:
        """Run the function in the thread that has this worker's database connection."""

        async def in_thread() -> T:
            return await asyncio.get_running_loop().run_in_executor(self._database, function)

        return in_thread()


def _refusal(job: DeliveryJob) -> SendResult | None:
    """Return the result of a job whose endpoint receives nothing any more, or None."""
    if job.is_disabled:
        return SendResult(error=ENDPOINT_DISABLED, is_permanent=True)
    return SendResult(error=MAILBOX_UNCONFIRMED, is_permanent=True) if job.is_unconfirmed else None
