"""Test scheduled tasks on values: which accounts are refreshed, and that one account cannot stop the rest."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from api import identifiers
from metrics import tasks
from metrics.models import CurrentValue, DailyCounts
from tests import messages
from tests.client import Client
from tests.clock import NOW
from tests.conftest import NOON
from tests.metrics.fact_recorder import A_MOMENT, FactRecorder, defect, orders

YESTERDAY = NOW.date() - timedelta(days=1)
DAY = NOW.date() - timedelta(days=40)
WRONG = 99


def account_of(client: Client, *, partner: str, at: datetime = NOW) -> FactRecorder:
    """Create an account with ten orders and outdated values of yesterday."""
    recorder = FactRecorder(client.agency.pk, identifiers.private("acct", client.take_on(partner=partner)))
    recorder.load(*orders(10, on=DAY), at=at)
    with context.agency(client.agency.pk):
        CurrentValue.objects.filter(account_id=recorder.account_id).update(as_of=YESTERDAY, denominator=WRONG)
    return recorder


def denominator(recorder: FactRecorder) -> int:
    with context.agency(recorder.agency_id):
        value = CurrentValue.objects.get(
            account_id=recorder.account_id, metric="order_defect_rate", channel="mfn"
        )
        return value.denominator


def overflow(recorder: FactRecorder) -> None:
    """Insert counts whose sum overflows."""
    with context.agency(recorder.agency_id):
        newest = DailyCounts.objects.filter(account_id=recorder.account_id).values().get()
        for day in (DAY, DAY + timedelta(days=1)):
            DailyCounts.objects.create(
                **newest | {"day": day, "recorded_at": NOW + A_MOMENT, "orders": 2**31 - 1}
            )


def test_roll_forward_starts_one_task_for_each_agency(acme: Client, rival: Client) -> None:
    messages.take()

    tasks.roll_forward()

    taken = messages.take()
    assert [task for task, _ in taken] == ["metrics.tasks.roll_agency_forward"] * 2
    assert {words["agency_id"] for _, words in taken} == {str(client.agency.pk) for client in (acme, rival)}


def test_roll_forward_refreshes_outdated_accounts(acme: Client) -> None:
    behind = [account_of(acme, partner=f"A{n}") for n in range(3)]

    tasks.roll_agency_forward(agency_id=str(acme.agency.pk))

    assert [denominator(recorder) for recorder in behind] == [10, 10, 10]
    with context.agency(acme.agency.pk):
        assert set(CurrentValue.objects.values_list("as_of", flat=True)) == {timezone.now().date()}


def test_roll_forward_leaves_out_current_accounts(acme: Client) -> None:
    recorder = account_of(acme, partner="A1")
    with context.agency(acme.agency.pk):
        CurrentValue.objects.update(as_of=timezone.now().date())

    tasks.roll_agency_forward(agency_id=str(acme.agency.pk))

    assert denominator(recorder) == WRONG


@pytest.mark.parametrize("task", [tasks.roll_agency_forward, tasks.apply_agency_settings])
def test_task_leaves_out_deleted_accounts(acme: Client, task: Callable[..., None]) -> None:
    recorder = account_of(acme, partner="A1")
    with context.agency(acme.agency.pk):
        agencies.delete_account(account=recorder.account, now=NOW)

    task(agency_id=str(acme.agency.pk))

    assert denominator(recorder) == WRONG


@pytest.mark.parametrize("task", [tasks.roll_agency_forward, tasks.apply_agency_settings])
def test_task_leaves_out_accounts_of_other_agencies(
    acme: Client, rival: Client, task: Callable[..., None]
) -> None:
    foreign = account_of(rival, partner="A1")

    task(agency_id=str(acme.agency.pk))

    assert denominator(foreign) == WRONG


@pytest.mark.parametrize("task", [tasks.roll_agency_forward, tasks.apply_agency_settings])
@pytest.mark.parametrize("broken", [0, 1, 2])
def test_task_logs_an_account_that_fails_and_continues(
    acme: Client, caplog: pytest.LogCaptureFixture, task: Callable[..., None], broken: int
) -> None:
    accounts = [account_of(acme, partner=f"A{n}") for n in range(3)]
    overflow(accounts[broken])
    caplog.clear()

    task(agency_id=str(acme.agency.pk))

    expected = [10, 10, 10]
    expected[broken] = WRONG
    assert [denominator(recorder) for recorder in accounts] == expected
    assert caplog.messages == [f"account {accounts[broken].account_id} could not be refreshed"]


def test_roll_forward_includes_recordings_of_a_faster_clock(acme: Client) -> None:
    recorder = account_of(acme, partner="A1", at=NOW + timedelta(minutes=5))

    tasks.roll_agency_forward(agency_id=str(acme.agency.pk))

    assert denominator(recorder) == 10


def test_roll_forward_opens_a_breach_by_the_calendar(acme: Client) -> None:
    recorder = FactRecorder(acme.agency.pk, identifiers.private("acct", acme.take_on()))
    recorder.load(
        *orders(150, on=NOW.date() - timedelta(days=75)),
        *orders(50, first=201, on=DAY),
        at=NOW - timedelta(days=1),
    )
    recorder.load(defect(201), at=NOW - timedelta(days=1))
    before = acme.read("/v1/breaches")["data"]

    tasks.roll_agency_forward(agency_id=str(acme.agency.pk))

    (breach,) = acme.read("/v1/breaches")["data"]
    assert before == []
    assert (breach["numerator"], breach["denominator"], breach["as_of"]) == (1, 50, NOW.date().isoformat())


def test_denominator_choice_is_sent_to_a_worker_after_commit(committed_db: None) -> None:
    acme = Client(*agencies.create_agency(name="Acme", now=NOON))
    messages.take()

    acme.patch("/v1/agency", {"counts_pending_and_cancelled": True}, format="json")

    assert messages.take() == [("metrics.tasks.apply_agency_settings", {"agency_id": str(acme.agency.pk)})]


def test_agency_name_change_starts_no_task(committed_db: None) -> None:
    acme = Client(*agencies.create_agency(name="Acme", now=NOON))
    messages.take()

    response = acme.patch("/v1/agency", {"name": "Acme Europe"}, format="json")

    assert response.json()["name"] == "Acme Europe"
    assert messages.take() == []
