"""Test that the result of a report is published once, in its transaction, without its content."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import jsonschema
import pytest
from django.db import transaction
from django.db.utils import DataError, IntegrityError

from accounts.agencies import lifecycle as agencies
from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from ingestion import loading, report_events, tasks
from ingestion.models import Report
from metrics.models import DailyCounts
from tests import build, clock
from tests.client import Client
from tests.clock import NOW
from tests.ingestion import report_leases
from webhooks.events.catalogue import TYPES
from webhooks.models import Event

ORDERED = clock.NOON - timedelta(days=30)
ROWS = build.orders_on(ORDERED, count=3)
DOCUMENT = build.orders_file(ROWS)
FEEDBACK = build.feedback_file([build.feedback_row(order=build.order_id(1), on=ORDERED.strftime("%m/%d/%y"))])
FEEDBACK_DE = build.feedback_file([build.feedback_row(order=build.order_id(1), on="31.10.26")])
PERSON = "erika.mustermann@example.com"
UNKNOWN = f"Erika Mustermann\t{PERSON}\tWeg 1\n1\t2\t3\n".encode()


def published_events(client: Client) -> list[tuple[str, dict[str, Any]]]:
    """Return the published events of reports in order, each valid by the catalogue."""
    with context.agency(client.agency.pk):
        events = list(Event.objects.filter(type__startswith="report.").order_by("occurred_at", "pk"))
    for event in events:
        jsonschema.validate(event.data, TYPES[event.type].schema, jsonschema.Draft202012Validator)
    return [(event.type.partition(".")[2], event.data) for event in events]


def claimed(client: Client, account: str, document: bytes) -> Report:
    """Return a report claimed by a worker."""
    report_id = identifiers.private("rpt", client.send(account, document).json()["id"])
    return report_leases.claimed(client, report_id)


def test_loaded_report_is_published_with_its_rows(acme: Client, shop: str) -> None:
    bad = [ROWS[1] | {"order-status": "Lost"}, ROWS[2] | {"amazon-order-id": "7"}]
    report = acme.load(shop, build.orders_file([ROWS[0], *bad]))

    assert published_events(acme) == [
        (
            "loaded",
            {
                "report": report["id"],
                "report_type": "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
                "source": "upload",
                "loaded_at": report["loaded_at"],
                "rows": {"read": 3, "new": 1, "changed": 0, "unchanged": 0, "rejected": 2, "set_apart": 0},
            },
        )
    ]
    (event,) = acme.read("/v1/events", type="report.loaded")["data"]
    assert (event["account"], event["occurred_at"]) == (shop, report["loaded_at"])


def test_posted_rows_are_report_too(acme: Client, shop: str) -> None:
    report = acme.post_defects(shop, build.defect(order=build.order_id(1)))

    ((outcome, data),) = published_events(acme)
    assert (outcome, data["report"], data["source"], data["rows"]["read"]) == (
        "loaded",
        report["id"],
        "json",
        1,
    )


def test_rejected_document_is_published_with_kind_of_its_problem(nord: Client, shelf: str) -> None:
    report = nord.load(shelf, UNKNOWN)

    assert published_events(nord) == [
        (
            "rejected",
            {
                "report": report["id"],
                "report_type": None,
                "source": "upload",
                "problem": report["problem"]["type"],
                "title": report["problem"]["title"],
            },
        )
    ]


@pytest.mark.parametrize(
    "document",
    [
        UNKNOWN,
        f"{PERSON}\n".encode(),
        build.orders_file([{PERSON: PERSON}], columns=[PERSON, "amazon-order-id", "Erika"]),
        build.orders_file(ROWS, columns=["amazon-order-id", "purchase-date", "buyer-name", "buyer-name"]),
        f'{{"defects": "{PERSON}"'.encode(),
        f"<AmazonEnvelope><Erika>{PERSON}".encode(),
        build.claims_file([{"order_id": PERSON, "kind": "Erika"}]),
        PERSON.encode("utf-16"),
        b"",
    ],
    ids=lambda document: repr(document[:24]),
)
def test_events_contain_nothing_of_document(nord: Client, shelf: str, document: bytes) -> None:
    report = nord.load(shelf, document) if document else None

    for outcome, data in published_events(nord):
        assert "erika" not in json.dumps(data).lower()
        assert "@" not in json.dumps(data)
        assert outcome == (report or {})["status"]


def test_announced_report_type_is_published_only_if_known(nord: Client, shelf: str) -> None:
    nord.load(shelf, UNKNOWN, report_type="claims_and_chargebacks")
    with context.agency(nord.agency.pk):
        report = Report.objects.get()
        report.report_type = "Erika's orders"
        report.received_at = NOW + timedelta(days=1)
        report_events.rejected(account=report.account, report=report, now=NOW + timedelta(days=1))

    assert [data["report_type"] for _, data in published_events(nord)] == ["claims_and_chargebacks", None]


def test_document_that_is_sent_again_is_published_once(acme: Client, shop: str) -> None:
    acme.load(shop, DOCUMENT)
    acme.load(shop, DOCUMENT)

    assert [outcome for outcome, _ in published_events(acme)] == ["loaded"]


def test_rejections_of_document_are_published_before_its_loading(nord: Client, shelf: str) -> None:
    for marketplace in ("US", "US", "DE"):
        nord.load(shelf, FEEDBACK_DE, marketplace=marketplace)

    outcomes = published_events(nord)
    assert [outcome for outcome, _ in outcomes] == ["rejected", "rejected", "loaded"]
    assert len({data["report"] for _, data in outcomes}) == 1


def test_report_that_is_loaded_again_for_its_period_is_published_again(acme: Client, shop: str) -> None:
    day = ORDERED.date().isoformat()
    acme.load(shop, FEEDBACK)
    acme.load(shop, FEEDBACK, period_from=day, period_to=day)
    acme.load(shop, FEEDBACK, period_from=day, period_to=day)

    outcomes = published_events(acme)
    assert [(outcome, data["rows"]["new"]) for outcome, data in outcomes] == [("loaded", 1), ("loaded", 0)]


def test_recording_twice_publishes_once(acme: Client, shop: str) -> None:
    report = claimed(acme, shop, DOCUMENT)

    for hours in (0, 1):
        loading.load(report=report, clock=partial(NOW.__add__, timedelta(hours=hours)))

    assert len(published_events(acme)) == 1


def test_message_that_comes_twice_tells_of_rejection_once(nord: Client, shelf: str) -> None:
    nord.load(shelf, UNKNOWN)

    tasks.load_report()

    assert [outcome for outcome, _ in published_events(nord)] == ["rejected"]


@pytest.mark.parametrize("tell", [report_events.loaded, report_events.rejected])
def test_database_rejects_second_event_of_one_outcome(acme: Client, shop: str, tell: Any) -> None:
    acme.load(shop, DOCUMENT)
    with context.agency(acme.agency.pk):
        report, account = Report.objects.get(), SellerAccount.objects.get()
        report.received_at, report.problem = NOW - timedelta(days=9), {"type": "/problems/x", "title": "X"}
        tell(account=account, report=report, now=NOW)

        with pytest.raises(IntegrityError, match="webhooks_event_unique_key"), transaction.atomic():
            tell(account=account, report=report, now=NOW + timedelta(hours=1))


def test_failed_attempt_is_not_published(nord: Client, store: str) -> None:
    before = published_events(nord)
    with context.agency(nord.agency.pk):
        counted = DailyCounts.objects.order_by("recorded_at").values()[0]
        beyond_any_sum = [
            counted | {"day": counted["day"] - timedelta(days=n), "orders": 2**31 - 1} for n in (1, 2)
        ]
        DailyCounts.objects.bulk_create(DailyCounts(**row) for row in beyond_any_sum)

    with pytest.raises(DataError):
        nord.load(store, build.orders_file(build.orders_on(ORDERED, count=3, first=501)))

    assert published_events(nord) == before


def test_failed_report_is_not_published(acme: Client, shop: str) -> None:
    report = claimed(acme, shop, DOCUMENT)
    with context.agency(acme.agency.pk):
        Report.objects.update(attempts=loading.MAX_ATTEMPTS)
    report_leases.end_leases(acme)

    assert report_leases.claim(acme, report.pk) is None
    assert published_events(acme) == []


def test_reports_of_deleted_account_are_not_published(nord: Client, shelf: str) -> None:
    report = claimed(nord, shelf, UNKNOWN)
    with context.agency(nord.agency.pk):
        agencies.delete_account(account=report.account, now=NOW)

    loading.load(report=report, clock=lambda: NOW)

    assert published_events(nord) == []
    with context.agency(nord.agency.pk):
        assert Report.objects.get().status == Report.Status.PROCESSING


def test_events_do_not_reach_other_agencies(acme: Client, rival: Client, shop: str) -> None:
    acme.load(shop, DOCUMENT)

    assert published_events(rival) == []
    assert rival.read("/v1/events")["data"] == []
