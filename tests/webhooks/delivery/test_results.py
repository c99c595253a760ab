"""Test recorded attempts and their effects."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Actor, AuditEntry
from accounts.tenancy import context
from tests.webhooks.conftest import Sender
from webhooks.channels.http_client import SendResult
from webhooks.delivery import leases, results
from webhooks.delivery.jobs import DeliveryJob
from webhooks.delivery.leases import Capacity
from webhooks.delivery.results import Outcome
from webhooks.endpoints import lifecycle as endpoints
from webhooks.models import Attempt, Delivery, Endpoint

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
NOWHERE = "https://nowhere.example/"
FINE, BROKEN, GONE = (
    SendResult(status=200, body=b"thanks"),
    SendResult(status=500, body=b"oh no"),
    SendResult(status=410),
)


def lease_job(now: datetime = NOW) -> list[DeliveryJob]:
    return [job for run in leases.lease(capacity=Capacity(runs=100, failing=100), now=now) for job in run]


def record_result(*jobs: DeliveryJob, result: SendResult | None, now: datetime = NOW) -> None:
    results.record(outcomes=[Outcome(job, result, now, 12) for job in jobs], now=now)


def change(sender: Sender, endpoint: Endpoint, **fields: Any) -> None:
    with context.agency(sender.client.agency.pk):
        Endpoint.objects.filter(pk=endpoint.pk).update(**fields)


def attempts(sender: Sender) -> list[tuple[Any, ...]]:
    with context.agency(sender.client.agency.pk):
        return list(
            Attempt.objects.order_by("pk").values_list(
                "attempted_at", "duration_ms", "status", "error", "answer"
            )
        )


def audited(sender: Sender) -> list[tuple[Any, ...]]:
    with context.agency(sender.client.agency.pk):
        return list(
            AuditEntry.objects.filter(what="endpoint.disabled").values_list("actor_id", "about", "detail")
        )


def test_success_finishes_delivery(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW)

    record_result(*lease_job(), result=FINE, now=NOW + SECOND)

    (delivery,) = sender.deliveries(endpoint)
    assert (delivery.state, delivery.tries, delivery.finished_at) == ("delivered", 1, NOW + SECOND)
    assert (delivery.next_attempt_at, delivery.leased_until) == (None, None)
    assert attempts(sender) == [(NOW + SECOND, 12, 200, "", "thanks")]


def test_failure_is_retried_ten_times_then_given_up(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW)
    now = NOW
    waits: list[timedelta] = []

    while (jobs := lease_job(now)) and len(waits) < 20:
        record_result(*jobs, result=BROKEN, now=now)
        (delivery,) = sender.deliveries(endpoint)
        if delivery.next_attempt_at:
            waits.append(delivery.next_attempt_at - now)
            now = delivery.next_attempt_at

    assert (delivery.state, delivery.tries, len(attempts(sender))) == ("failed", 10, 10)
    planned = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    for waited, seconds in zip(waits, planned, strict=True):
        assert seconds <= waited.total_seconds() <= seconds * 1.1
    assert not sender.again(endpoint).disabled_at


def test_retry_after_of_receiver_is_respected(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW)

    record_result(*lease_job(), result=SendResult(status=429, retry_after="3600"))

    assert sender.deliveries(endpoint)[0].next_attempt_at == NOW + HOUR


@pytest.mark.parametrize("result", [SendResult(error="Never.", is_permanent=True), GONE])
def test_permanent_failure_is_not_retried(sender: Sender, result: SendResult) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW)

    record_result(*lease_job(), result=result)

    (delivery,) = sender.deliveries(endpoint)
    assert (delivery.state, delivery.tries) == ("failed", 1)
    assert attempts(sender) == [(NOW, 12, result.status, result.error, "")]


def test_job_without_attempt_is_due_again(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW)

    record_result(*lease_job(), result=None, now=NOW + SECOND)

    (delivery,) = sender.deliveries(endpoint)
    assert (delivery.state, delivery.tries, delivery.next_attempt_at) == ("pending", 0, NOW + SECOND)
    assert (delivery.leased_until, attempts(sender)) == (None, [])
    assert sender.again(endpoint).failing_since is None


def test_response_body_of_any_bytes_is_recorded(sender: Sender) -> None:
    sender.endpoint(NOWHERE)
    sender.publish(now=NOW)

    record_result(
        *lease_job(), result=SendResult(status=500, body=b"\x00\xff\xfe\xed\xa0\x80ok\xc3", error="e" * 500)
    )

    ((*_, error, text),) = attempts(sender)
    assert error == "e" * 200
    assert "ok" in text
    assert "\0" not in text


def test_outcome_after_lease_records_attempt_only(sender: Sender) -> None:
    """A delivery worker returns after its lease has ended."""
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW)
    slow = lease_job()
    later = lease_job(NOW + leases.LEASE)

    record_result(*slow, result=BROKEN, now=NOW + leases.LEASE + SECOND)
    (delivery,) = sender.deliveries(endpoint)
    assert (delivery.state, delivery.tries, delivery.leased_until) == ("pending", 0, later[0].leased_until)
    record_result(*later, result=FINE, now=NOW + leases.LEASE + SECOND)

    assert sender.states(endpoint) == ["delivered"]
    assert len(attempts(sender)) == 2


def test_outcome_of_deleted_delivery_is_ignored(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    other, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW)
    jobs = lease_job()
    with context.agency(sender.client.agency.pk):
        Attempt.objects.all().delete()
        Delivery.objects.filter(endpoint=endpoint).delete()

    record_result(*jobs, result=FINE)

    assert sender.states(other) == ["delivered"]
    assert len(attempts(sender)) == 1


def test_failing_since_is_first_failure_after_success(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    since = []
    for n, result in enumerate([FINE, BROKEN, BROKEN, FINE, BROKEN]):
        sender.publish(now=NOW, series=f"s{n}")
        jobs = [job for job in lease_job(NOW + n * SECOND) if job.order_key.endswith(f"s{n}")]
        record_result(*jobs, result=result, now=NOW + n * SECOND)
        since.append(sender.again(endpoint).failing_since)

    assert since == [None, NOW + SECOND, NOW + SECOND, None, NOW + 4 * SECOND]


def test_gone_endpoint_is_disabled_and_event_published(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    other, _ = sender.endpoint(NOWHERE, event_types=["endpoint.*"])
    sender.publish(now=NOW, count=3)
    first, *rest = lease_job()

    record_result(first, result=GONE)
    record_result(*rest, result=BROKEN)

    after = sender.again(endpoint)
    assert (after.disabled_at, after.disabled_reason) == (NOW, "gone")
    (event,) = sender.events(type="endpoint.disabled")
    assert event.data == {
        "endpoint": endpoint.public_id,
        "reason": "gone",
        "disabled_at": "2026-11-22T12:00:00Z",
        "failing_since": "2026-11-22T12:00:00Z",
    }
    assert [delivery.event_id for delivery in sender.deliveries(other)] == [event.pk]
    assert audited(sender) == [("underone", endpoint.public_id, {"reason": "gone", "ended": 0})]


def test_pending_deliveries_of_disabled_endpoint_fail(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW, count=3)
    jobs = lease_job()
    sender.publish(now=NOW, count=2, series="other")

    record_result(*jobs, result=GONE)

    assert sender.states(endpoint) == ["failed"] * 5
    assert audited(sender)[0][2] == {"reason": "gone", "ended": 2}


@pytest.mark.parametrize(
    ("since", "disabled"), [(5 * DAY, True), (5 * DAY - SECOND, False), (30 * DAY, True)]
)
def test_failures_for_five_days_disable_endpoint(sender: Sender, since: timedelta, disabled: bool) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW - DAY)
    record_result(*lease_job(NOW - DAY), result=BROKEN, now=NOW - DAY)
    change(sender, endpoint, failing_since=NOW - since)

    record_result(*lease_job(), result=BROKEN)

    after = sender.again(endpoint)
    assert (after.disabled_at, after.disabled_reason) == ((NOW, "failing") if disabled else (None, ""))
    assert len(sender.events(type="endpoint.disabled")) == disabled
    assert sender.states(endpoint) == ["failed" if disabled else "pending"]


def test_silence_for_five_days_does_not_disable_endpoint(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW)
    change(sender, endpoint, failing_since=NOW - 30 * DAY)

    record_result(*lease_job(), result=BROKEN)

    after = sender.again(endpoint)
    assert (after.disabled_at, after.failing_since) == (None, NOW)


def test_response_of_former_url_does_not_affect_endpoint(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW)
    jobs = lease_job()
    change(sender, endpoint, url="https://elsewhere.example/")

    record_result(*jobs, result=GONE)

    after = sender.again(endpoint)
    assert (after.disabled_at, after.failing_since) == (None, None)


def test_success_after_five_days_does_not_disable_endpoint(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW)
    change(sender, endpoint, failing_since=NOW - 6 * DAY)

    record_result(*lease_job(), result=FINE)

    after = sender.again(endpoint)
    assert (after.disabled_at, after.failing_since) == (None, None)


def test_endpoint_is_disabled_once_and_again_after_enabling(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE, event_types=["account.*"])
    for n in range(2):
        sender.publish(now=NOW, count=2, series=str(n))
        record_result(*lease_job(NOW + n * HOUR), result=GONE, now=NOW + n * HOUR)
        change(sender, endpoint, disabled_at=None, disabled_reason="", failing_since=None)

    assert len(sender.events(type="endpoint.disabled")) == len(audited(sender)) == 2


def test_next_delivery_of_series_is_due_when_previous_ends(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW, series="odr:DE:mfn")
    first = lease_job()
    sender.publish(now=NOW, series="odr:DE:mfn")
    assert lease_job(NOW + SECOND) == []
    assert sender.deliveries(endpoint)[1].next_attempt_at == NOW + 6 * SECOND

    record_result(*first, result=FINE, now=NOW + 2 * SECOND)

    assert len(lease_job(NOW + 2 * SECOND)) == 1


def test_deleting_endpoint_during_recording_does_not_deadlock(
    sender: Sender, at_once: Callable[..., list[Any]]
) -> None:
    for _ in range(10):
        endpoint, _ = sender.endpoint(NOWHERE)
        for n in range(20):
            sender.publish(series=f"s{n}:DE:mfn", now=NOW)
        jobs = lease_job()

        def record_outcomes(jobs: list[DeliveryJob] = jobs) -> None:
            record_result(*jobs, result=BROKEN)
            connection.close()

        def delete(endpoint: Endpoint = endpoint) -> None:
            with context.agency(sender.client.agency.pk):
                endpoints.delete(endpoint=endpoint, actor=Actor("somebody"), now=NOW)
            connection.close()

        at_once(record_outcomes, delete)

        assert sender.deliveries(endpoint) == []
    assert attempts(sender) == []
