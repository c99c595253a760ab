"""Test the limits of all mails, over agencies and mailboxes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connection
from django.db.utils import ProgrammingError
from limits import parse

from accounts.mailboxes import allowances
from accounts.mailboxes.allowances import Allowance
from tests.architecture.statements import rows
from tests.clock import NOW

HOUR = timedelta(hours=1)
MAILBOX = "on-call@agency.example"


def test_limit_is_reached_and_free_after_its_period(db: None) -> None:
    limit = [Allowance("mailbox:x", 2, HOUR)]

    answers = [allowances.reserve(allowances=limit, now=NOW + n * HOUR / 4) for n in range(6)]

    assert answers == [None, None, NOW + HOUR, NOW + HOUR, None, None]


def test_mail_refused_by_one_limit_is_counted_by_none(db: None) -> None:
    tight, wide = Allowance("mailbox:x", 1, HOUR), Allowance("agency:x", 2, HOUR)

    answers = [allowances.reserve(allowances=[tight, wide], now=NOW) for _ in range(3)]

    assert answers == [None, NOW + HOUR, NOW + HOUR]
    assert allowances.reserve(allowances=[wide], now=NOW) is None
    assert allowances.reserve(allowances=[wide], now=NOW) == NOW + HOUR


def test_refused_limit_is_free_again_then(db: None) -> None:
    limit, until = Allowance("confirmation:x", 3, HOUR), NOW + timedelta(days=7)
    allowances.reserve(allowances=[limit], now=NOW)

    allowances.refuse(allowance=limit, until=until)

    assert allowances.reserve(allowances=[limit], now=NOW) == until
    assert allowances.reserve(allowances=[limit], now=until - HOUR / 2) == until
    assert allowances.reserve(allowances=[limit], now=until) is None


def test_one_agency_cannot_use_up_the_mailbox_of_another(db: None, settings: LazySettings) -> None:
    settings.MAIL_LIMIT_MAILBOX, settings.MAIL_LIMIT_AGENCY = parse("2/hour"), parse("100/hour")
    loud, quiet, third, fourth = (uuid4() for _ in range(4))

    def send(agency: object, mailbox: str = MAILBOX) -> bool:
        limits = allowances.of_notification(agency_id=agency, mailbox=mailbox)  # type: ignore[arg-type]
        return allowances.reserve(allowances=limits, now=NOW) is None

    assert [send(loud, f"On-Call+{n}@agency.example") for n in range(4)] == [True, True, False, False]
    assert [send(quiet) for _ in range(3)] == [True, True, False]
    assert [send(third) for _ in range(3)] == [True, True, False]
    # Together they may send three times as many as one of them.
    assert send(fourth) is False
    assert send(fourth, "boss@agency.example")


def test_agency_is_limited_over_all_mailboxes(db: None, settings: LazySettings) -> None:
    settings.MAIL_LIMIT_AGENCY = parse("3/hour")
    agency = uuid4()

    answers = [
        allowances.reserve(
            allowances=allowances.of_notification(agency_id=agency, mailbox=f"box{n}@agency.example"), now=NOW
        )
        for n in range(3)
    ]
    invitation = allowances.of_unrequested(agency_id=agency, mailbox="box9@agency.example")

    assert answers == [None] * 3
    assert allowances.reserve(allowances=invitation, now=NOW) == NOW + HOUR


def test_limits_can_be_switched_off(db: None, settings: LazySettings) -> None:
    settings.MAIL_LIMIT_MAILBOX = settings.MAIL_LIMIT_AGENCY = None

    limits = allowances.of_notification(agency_id=uuid4(), mailbox=MAILBOX)

    assert limits == []
    assert allowances.reserve(allowances=limits, now=NOW) is None


def test_mails_reserved_at_once_are_counted_together(committed_db: None) -> None:
    keys = [Allowance(f"mailbox:{n}", 5, HOUR) for n in (2, 1)]

    def reserve(turn: int) -> bool:
        try:
            return allowances.reserve(allowances=keys[:: 1 if turn % 2 else -1], now=NOW) is None
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=8) as threads:
        answers = list(threads.map(reserve, range(24)))

    assert sum(answers) == 5


def test_old_counts_are_deleted_by_later_mails(db: None) -> None:
    for n in range(20):
        allowances.reserve(allowances=[Allowance(f"old:{n}", 1, HOUR)], now=NOW)

    for n in range(5):
        allowances.reserve(allowances=[Allowance(f"new:{n}", 1, HOUR)], now=NOW + timedelta(days=3))

    old = [
        n for n in range(20) if allowances.reserve(allowances=[Allowance(f"old:{n}", 1, 99 * HOUR)], now=NOW)
    ]
    assert old == []


def test_application_role_cannot_read_or_change_counts(db: None) -> None:
    allowances.reserve(allowances=[Allowance("mailbox:x", 1, HOUR)], now=NOW)

    assert rows("SELECT key FROM accounts_mailallowance") == []
    with pytest.raises(ProgrammingError, match="row-level security"):
        rows("INSERT INTO accounts_mailallowance VALUES ('y', now(), 0) RETURNING key")
