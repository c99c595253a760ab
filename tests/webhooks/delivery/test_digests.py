"""Test floods of events to mailboxes at a mail server: each mailbox gets few mails, and every event."""

import re
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.conf import LazySettings
from limits import parse

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from tests.client import Client
from tests.conftest import NOON
from tests.fakes.mail_server import Server
from tests.webhooks.channels.test_email import server
from tests.webhooks.conftest import Sender, sender_of, work
from webhooks.delivery import digests
from webhooks.models import Endpoint

__all__ = ["server"]  # a fixture

HOUR = timedelta(hours=1)
EVENT = re.compile(r"evt_[0-9a-f]{32}")
DATA: dict[str, Any] = {
    "marketplace": "DE",
    "previous": "NORMAL",
    "current": "AT_RISK",
    "reported_at": "2026-11-22T08:12:00Z",
}


@pytest.fixture(autouse=True)
def limits(settings: LazySettings) -> None:
    settings.MAIL_LIMIT_MAILBOX, settings.MAIL_LIMIT_AGENCY = parse("3/hour"), parse("1000/hour")
    settings.PUBLIC_URL = "https://api.agency.example"


def publish(sender: Sender, count: int, *, series: int = 0) -> list[str]:
    """Publish events, each in a series of its own or all in `series` ones."""
    return [
        sender.publish(series=f"order_defect_rate:DE:{n % series if series else n}", **DATA)[0]
        for n in range(count)
    ]


def received(server: Server, mailbox: str = "ops@agency.example") -> list[Any]:
    """Return the mails that a mailbox got, oldest first."""
    return [message_from_bytes(data, policy=policy.default) for to, data in server.got if to == [mailbox]]


def events_in(mails: list[Any]) -> list[str]:
    return [event for mail in mails for event in EVENT.findall(mail.get_content())]


def states(sender: Sender, endpoint: Endpoint) -> dict[str, int]:
    found = sender.states(endpoint)
    return {state: found.count(state) for state in set(found)}


def test_flood_is_a_few_mails_and_then_one_with_the_rest(sender: Sender, server: Server) -> None:
    endpoint, _ = sender.endpoint("mailto:ops@agency.example", kind="email")
    published = publish(sender, 120)

    work()

    assert len(received(server)) == 3
    assert states(sender, endpoint) == {"delivered": 3, "pending": 117}
    waiting = [each for each in sender.deliveries(endpoint) if each.state == "pending"]
    assert {each.tries for each in waiting} == {0}
    assert {each.next_attempt_at for each in waiting} == {sender.again(endpoint).digest_at}

    work(at=HOUR)

    mails = received(server)
    assert len(mails) == 4
    assert mails[-1]["Subject"] == "[Underone] 117 notifications"
    assert mails[-1]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert sorted(events_in(mails)) == sorted(published)
    assert states(sender, endpoint) == {"delivered": 120}
    assert {each.attempts.count() for each in sender.deliveries(endpoint)} == {1}
    assert sender.again(endpoint).digest_at is None


def test_events_while_collecting_wait_for_the_digest(sender: Sender, server: Server) -> None:
    endpoint, _ = sender.endpoint("mailto:ops@agency.example", kind="email")
    published = publish(sender, 5, series=1)
    work()

    published += publish(sender, 5, series=1)
    due = {each.next_attempt_at for each in sender.deliveries(endpoint) if each.state == "pending"}
    work()

    assert due == {sender.again(endpoint).digest_at}
    assert len(received(server)) == 3
    work(at=HOUR)
    assert events_in(received(server)) == published


def test_digest_has_the_events_of_a_series_in_order(sender: Sender, server: Server) -> None:
    sender.endpoint("mailto:ops@agency.example", kind="email")
    published = publish(sender, 40, series=2)

    work()
    work(at=HOUR)

    got = events_in(received(server))
    assert sorted(got) == sorted(published)
    for first in (0, 1):
        of_series = published[first::2]
        assert [event for event in got if event in of_series] == of_series


def test_digest_that_the_server_refuses_is_sent_later(sender: Sender, server: Server) -> None:
    endpoint, _ = sender.endpoint("mailto:ops@agency.example", kind="email")
    published = publish(sender, 10)
    work()
    server.answers["MAIL"] = b"451 later"

    work(at=HOUR)

    assert states(sender, endpoint) == {"delivered": 3, "pending": 7}
    failed = [each for each in sender.deliveries(endpoint) if each.state == "pending"]
    assert {each.tries for each in failed} == {1}
    del server.answers["MAIL"]
    work(at=2 * HOUR)
    work(at=3 * HOUR)
    assert states(sender, endpoint) == {"delivered": 10}
    assert sorted(set(events_in(received(server)))) == sorted(published)


def test_more_events_than_a_digest_takes_follow_in_the_next(
    sender: Sender, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "MAX_EVENTS", 20)
    endpoint, _ = sender.endpoint("mailto:ops@agency.example", kind="email")
    published = publish(sender, 60)

    work()
    work(at=HOUR)

    mails = received(server)
    assert len(mails) <= 6
    assert sorted(events_in(mails)) == sorted(published)
    assert states(sender, endpoint) == {"delivered": 60}


def test_mailbox_of_two_agencies_is_protected_and_shared_fairly(
    sender: Sender, server: Server, settings: LazySettings
) -> None:
    settings.MAIL_LIMIT_MAILBOX = parse("2/hour")
    loud, (quiet, third) = (
        sender,
        (sender_of(Client(*agencies.create_agency(name=name, now=NOON))) for name in ("Rival", "Third")),
    )
    boxes = [each.endpoint("mailto:ops@agency.example", kind="email")[0] for each in (loud, quiet, third)]
    publish(loud, 50)
    work()
    publish(quiet, 1)
    publish(third, 50)

    work()

    # Two of the loud one, one of the quiet one, two of the third: at most six of all together.
    assert len(received(server)) == 5
    assert quiet.states(boxes[1]) == ["delivered"]


def test_agency_with_many_mailboxes_is_limited(
    sender: Sender, server: Server, settings: LazySettings
) -> None:
    settings.MAIL_LIMIT_AGENCY = parse("10/hour")
    boxes = [sender.endpoint(f"mailto:box{n}@agency.example", kind="email")[0] for n in range(8)]
    publish(sender, 20)

    work()

    assert len(server.got) == 10
    assert sum(states(sender, box).get("pending", 0) for box in boxes) == 8 * 20 - 10
    work(at=HOUR)
    assert len(server.got) == 18
    assert all(states(sender, box) == {"delivered": 20} for box in boxes)


def test_unconfirmed_mailbox_gets_no_leased_delivery(sender: Sender, server: Server) -> None:
    endpoint, _ = sender.endpoint("mailto:ops@agency.example", kind="email")
    publish(sender, 2)
    with context.agency(sender.client.agency.pk):
        Endpoint.objects.filter(pk=endpoint.pk).update(confirmed_at=None)

    work()

    assert server.got == []
    assert states(sender, endpoint) == {"failed": 2}
    (attempt,) = sender.deliveries(endpoint)[0].attempts.all()
    assert attempt.error == "The owner of the mailbox has not confirmed the endpoint."


def test_digest_leaves_out_deleted_accounts(sender: Sender, server: Server) -> None:
    endpoint, _ = sender.endpoint("mailto:ops@agency.example", kind="email")
    publish(sender, 10)
    work()
    sender.client.delete(f"/v1/accounts/{sender.account.public_id}")

    work(at=HOUR)

    assert len(received(server)) == 3
    assert "pending" not in states(sender, endpoint)
