"""Test deliveries to a receiver process: signed, once, in order, whatever other receivers do."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.tenancy import context
from tests import stopwatch
from tests.webhooks.conftest import Sender, work
from tests.webhooks.receiver_process import LOOPBACK, Receiver, sees
from webhooks.channels import http_client, url_policy
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.models import Attempt, Endpoint

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MANY = int(os.environ.get("MANY_EVENTS", "100"))


def own(path: str) -> str:
    """Return a new path."""
    return f"{path}/{uuid4().hex}"


def only_attempt(sender: Sender, endpoint: Endpoint) -> tuple[Any, ...]:
    with context.agency(sender.client.agency.pk):
        attempts = Attempt.objects.filter(delivery__endpoint=endpoint)
        return attempts.values_list("status", "error", "answer").get()


def test_delivery_is_signed_and_recorded(sender: Sender, receiver: Receiver) -> None:
    path = own("ok")
    endpoint, secret = sender.endpoint(receiver.url(path))
    (event,) = sender.publish(current="NORMAL", name="Übergröße")

    work()

    (got,) = receiver.received(path)
    assert Webhook(secret).verify(got["body"], got["headers"])["id"] == event == got["headers"]["webhook-id"]
    assert Webhook(secret).verify(got["body"], got["headers"])["data"]["name"] == "Übergröße"
    assert got["headers"]["content-type"] == "application/json"
    assert sender.states(endpoint) == ["delivered"]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got["body"].replace("NORMAL", "NORMAN"), got["headers"])


def test_signature_verifies_with_either_secret_during_rotation(sender: Sender, receiver: Receiver) -> None:
    path = own("ok")
    endpoint, old = sender.endpoint(receiver.url(path))
    with context.agency(sender.client.agency.pk):
        new = endpoint_secrets.rotate(endpoint=endpoint, now=timezone.now())
    sender.publish()
    work()
    sender.publish()
    work(at=25 * HOUR)

    during, after = receiver.received(path)
    for secret in (old, new):
        Webhook(secret).verify(during["body"], during["headers"])
    assert len(after["headers"]["webhook-signature"].split()) == 1


@pytest.mark.parametrize(
    ("path", "state", "status", "error", "answer"),
    [
        ("ok", "delivered", 200, "", "thanks"),
        ("nothing", "delivered", 204, "", ""),
        ("closing", "delivered", 200, "", "bye"),
        ("big", "delivered", 200, "", "x" * 1024),
        ("slow", "delivered", 200, "", "slow"),
        ("500", "pending", 500, "", "oh no"),
        ("404", "pending", 404, "", "who?"),
        ("301", "pending", 301, "", ""),
        ("307", "pending", 307, "", ""),
        ("410", "failed", 410, "", "gone"),
        ("429", "pending", 429, "", "slow down"),
        ("hang", "pending", None, "No complete response within 1 seconds.", ""),
        ("close", "pending", None, http_client.NO_RESPONSE, ""),
        ("hang-up", "pending", None, http_client.NO_RESPONSE, ""),
    ],
)
def test_delivery_state_after_each_response(
    sender: Sender, receiver: Receiver, path: str, state: str, status: int | None, error: str, answer: str
) -> None:
    endpoint, _ = sender.endpoint(receiver.url(own(path)))
    sender.publish()

    work(deadline=1.0 if path in {"slow", "hang"} else 10.0)

    got = only_attempt(sender, endpoint)
    assert sender.states(endpoint) == [state]
    assert got[:2] == (status, error)
    assert got[2].startswith(answer)
    assert len(got[2]) <= 1024


def test_delivery_to_forbidden_url_fails_without_retry(sender: Sender) -> None:
    endpoint, _ = sender.endpoint("https://100.64.0.1/")
    sender.publish()

    work()

    assert sender.states(endpoint) == ["failed"]
    assert only_attempt(sender, endpoint) == (None, url_policy.ADDRESS_NOT_ALLOWED, "")


def test_retry_sends_same_bytes_with_new_signature(sender: Sender, receiver: Receiver) -> None:
    name = uuid4().hex
    receiver.behave(name, "500")
    endpoint, secret = sender.endpoint(receiver.url(f"as/{name}"))
    sender.publish()
    work()
    receiver.behave(name, "ok")

    work(at=timedelta(seconds=4))
    assert sender.states(endpoint) == ["pending"]
    work(at=timedelta(seconds=10))

    assert sender.states(endpoint) == ["delivered"]
    first, second = receiver.received(f"as/{name}")
    assert first["body"] == second["body"]
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
    assert first["headers"]["webhook-signature"] != second["headers"]["webhook-signature"]
    Webhook(secret).verify(first["body"], first["headers"])


def test_series_stays_in_order_after_a_failure(sender: Sender, receiver: Receiver) -> None:
    name = uuid4().hex
    receiver.behave(name, "500")
    endpoint, _ = sender.endpoint(receiver.url(f"as/{name}"))
    odr = sender.publish(count=5, series="odr:DE:mfn")
    work()
    assert receiver.messages(f"as/{name}") == odr[:1]
    receiver.behave(name, "ok")
    lsr = sender.publish(count=5, series="lsr:DE:mfn")

    work()
    work(at=timedelta(seconds=10))

    assert receiver.messages(f"as/{name}") == odr[:1] + lsr + odr
    assert sender.states(endpoint) == ["delivered"] * 10


def test_gone_endpoint_receives_nothing_more(sender: Sender, receiver: Receiver) -> None:
    path = own("410")
    endpoint, _ = sender.endpoint(receiver.url(path))
    sender.publish(count=20)

    work()

    assert len(receiver.received(path)) == 1
    assert sender.again(endpoint).disabled_reason == "gone"
    assert sender.states(endpoint) == ["failed"] * 20


def test_endpoint_is_disabled_after_five_days_of_failures(sender: Sender, receiver: Receiver) -> None:
    endpoint, _ = sender.endpoint(receiver.url(own("500")))
    for day in range(7):
        sender.publish(now=timezone.now() + day * DAY)
        work(at=day * DAY)

    assert sender.again(endpoint).disabled_reason == "failing"
    assert len(sender.events(type="endpoint.disabled")) == 1
    assert set(sender.states(endpoint)) == {"failed"}


def test_invalid_mailbox_delays_no_other_endpoint(sender: Sender, receiver: Receiver) -> None:
    path = own("ok")
    sender.endpoint(receiver.url(path))
    odd, _ = sender.endpoint("mailto:nobody", kind="email")
    sender.publish()

    work()

    assert len(receiver.received(path)) == 1
    assert sender.states(odd) == ["pending"]
    (attempt,) = sender.deliveries(odd)[0].attempts.all()
    assert (attempt.status, attempt.error) == (None, "The URL must contain exactly one e-mail address.")


def test_email_and_chat_contain_account_name(sender: Sender, receiver: Receiver) -> None:
    path = own("ok")
    mailbox, _ = sender.endpoint("mailto:ops@agency.example", kind="email")
    chat, _ = sender.endpoint(receiver.url(path), kind="slack")
    sender.publish(marketplace="DE", previous="NORMAL", current="AT_RISK", reported_at="2026-11-22T08:12:00Z")

    work()

    title = "Shop: Amazon's status in DE is AT_RISK"
    (message,) = mail.outbox
    subject = "[Underone] Amazon's status in DE is AT_RISK"
    assert (message.to, message.subject) == (["ops@agency.example"], subject)
    assert message.body.splitlines()[0] == title
    (posted,) = receiver.received(path)
    assert json.loads(posted["body"])["text"].splitlines()[0] == f"Underone: {title}"
    assert "webhook-signature" not in posted["headers"]
    assert sender.states(mailbox) == sender.states(chat) == ["delivered"]


def test_email_and_chat_are_in_the_language_of_the_agency(sender: Sender, receiver: Receiver) -> None:
    path = own("ok")
    sender.endpoint("mailto:ops@agency.example", kind="email")
    sender.endpoint(receiver.url(path), kind="slack")
    sender.client.patch("/v1/agency", {"language": "zh-hans"}, format="json")
    sender.publish(marketplace="DE", previous="NORMAL", current="AT_RISK", reported_at="2026-11-22T08:12:00Z")

    work()

    title = "Shop: 亚马逊在 DE 的状态为 AT_RISK"
    (message,) = mail.outbox
    assert message.subject == "[Underone] 亚马逊在 DE 的状态为 AT_RISK"
    assert message.body.splitlines()[0] == title
    assert "机构" in message.body.rpartition("-- ")[2]
    (posted,) = receiver.received(path)
    assert json.loads(posted["body"])["text"].splitlines()[0] == f"Underone: {title}"


def test_chat_failure_is_retried(sender: Sender, receiver: Receiver) -> None:
    chat, _ = sender.endpoint(receiver.url(own("500")), kind="slack")
    sender.publish(marketplace="DE", previous=None, current="AT_RISK", reported_at="2026-11-22T08:12:00Z")

    work()

    assert sender.states(chat) == ["pending"]


def test_sends_per_endpoint_are_limited(sender: Sender, receiver: Receiver) -> None:
    late, hanging = own("late"), own("hang")
    for path in (late, hanging):
        sender.endpoint(receiver.url(path))
    for n in range(30):
        sender.publish(series=f"s{n}:DE:mfn")

    work(deadline=0.6, max_run_time=4.0)

    assert receiver.most_open(late) == 8
    assert len(receiver.received(late)) == 30
    assert receiver.most_open(hanging) == 8
    sender.publish(series="one:DE:mfn", count=3)
    before = len(receiver.received(hanging))
    work(deadline=0.6, max_run_time=2.0)
    assert len(receiver.received(hanging)) > before


def test_hanging_endpoints_delay_no_other(sender: Sender, receiver: Receiver) -> None:
    """Five of twenty endpoints hang; the others receive everything soon."""
    good = [own("ok") for _ in range(15)]
    endpoints = [sender.endpoint(receiver.url(path))[0] for path in good]
    for _ in range(5):
        sender.endpoint(receiver.url(own("hang")))
    committed: dict[str, float] = {}
    for n in range(MANY):
        for event in sender.publish(series=f"s{n % 20}:DE:mfn"):
            committed[event] = time.time()
    started = time.time()

    def all_came() -> bool:
        came = receiver.counts()
        return all(came.get(path) == MANY for path in good)

    max_run_time = max(240.0, MANY / 5)
    with ThreadPoolExecutor(max_workers=1) as executor:
        watched = executor.submit(sees, all_came, seconds=max_run_time)
        work(deadline=10.0, max_run_time=max_run_time, until=watched.done)

    got = {path: receiver.received(path) for path in good}
    waits = [
        each["at"] - max(started, committed[each["headers"]["webhook-id"]])
        for one in got.values()
        for each in one
    ]
    for path, endpoint in zip(good, endpoints, strict=True):
        assert sorted(each["headers"]["webhook-id"] for each in got[path]) == sorted(committed)
        assert sender.states(endpoint) == ["delivered"] * MANY
    p95 = statistics.quantiles(waits, n=20)[-1]
    print(f"{MANY} events to 15 of 20 endpoints: p95 {p95:.2f} s")  # noqa: T201  for who asks how long it takes


def test_delayed_worker_returns_its_jobs(sender: Sender, receiver: Receiver) -> None:
    """A loop that takes longer than the idle time is not idle: the machine may be busy."""
    endpoint, _ = sender.endpoint(receiver.url(own("late")))
    sender.publish(count=3)

    def is_held_up() -> bool:
        time.sleep(0.35)
        return False

    work(deadline=10.0, idle_time=0.3, until=is_held_up)

    assert sender.states(endpoint) == ["delivered"] * 3


def test_hanging_endpoint_does_not_delay_next_worker(sender: Sender, receiver: Receiver) -> None:
    """A worker at its time limit waits for jobs that it has begun, and begins no jobs of failing endpoints."""

    endpoint, _ = sender.endpoint(receiver.url(own("hang")))
    for n in range(20):
        sender.publish(series=f"s{n}:DE:mfn")
    with context.agency(sender.client.agency.pk):
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=timezone.now())

    with stopwatch.running() as watch:
        work(deadline=1.5, max_run_time=4.0, idle_time=10.0)

    assert watch.seconds < 4.7
    assert {delivery.leased_until for delivery in sender.deliveries(endpoint)} == {None}


def test_workers_send_nothing_twice(
    sender: Sender, receiver: Receiver, at_once: Callable[..., list[Any]]
) -> None:
    path = own("ok")
    endpoint, _ = sender.endpoint(receiver.url(path))
    events = [event for n in range(20) for event in sender.publish(count=10, series=f"s{n}:DE:mfn")]

    def worker() -> None:
        work()
        connection.close()

    at_once(worker, worker, worker)

    assert Counter(receiver.messages(path)) == Counter(events)
    assert sender.states(endpoint) == ["delivered"] * 200


LONELY = """
import django
django.setup()
from datetime import timedelta
from tests.webhooks.conftest import work
work(deadline=0.5, lease=timedelta(seconds=3), lease_margin=timedelta(seconds=0.5), idle_time=30.0)
"""


def test_jobs_of_killed_worker_are_sent_by_next(sender: Sender, receiver: Receiver) -> None:
    path = own("late")
    endpoint, _ = sender.endpoint(receiver.url(path))
    events = [event for n in range(12) for event in sender.publish(count=5, series=f"s{n}:DE:mfn")]

    def start() -> subprocess.Popen[bytes]:
        environ = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        return subprocess.Popen([sys.executable, "-c", LONELY], cwd=settings.BASE_DIR, env=environ)

    for reached in (5, 20):
        process = start()
        assert sees(lambda count=reached: len(receiver.received(path)) >= count)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.wait()
    process = start()
    assert sees(lambda: sender.states(endpoint) == ["delivered"] * 60)
    process.kill()
    process.wait()

    arrived = Counter(receiver.messages(path))
    assert set(arrived) == set(events)
    assert (
        sum(arrived.values()) <= 60 + 2 * 16
    )  # what was under way, or not yet written down, when the worker was killed


def test_worker_continues_after_internal_error(sender: Sender, receiver: Receiver) -> None:
    """An invalid port in a stored URL affects one delivery only."""
    path = own("ok")
    odd = [
        sender.endpoint(url)[0]
        for url in ("http://[", "\udcff".encode("utf-8", "replace").decode(), f"http://{LOOPBACK}:0/")
    ]
    fine, _ = sender.endpoint(receiver.url(path))
    sender.publish()

    work()

    assert sender.states(fine) == ["delivered"]
    assert [sender.states(each) for each in odd] == [["failed"]] * 3
