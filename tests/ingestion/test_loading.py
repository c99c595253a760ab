"""Test the loading of a report: claimed once, staged, recorded in one transaction, failed in the end."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.core.files.storage import default_storage
from django.db.utils import DataError
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from ingestion import loading, tasks
from ingestion.models import RejectedRow, Report
from ingestion.parsing.rejections import RejectedDocument
from metrics.models import DailyCounts, Defect, Order, SourceLoad
from tests import build, clock
from tests.client import Client
from tests.clock import NOW
from tests.ingestion import database_state, report_leases

ORDERED = clock.NOON - timedelta(days=30)
ROWS = build.orders_on(ORDERED, count=3)
DOCUMENT = build.orders_file(ROWS)
WITH_BAD_ROWS = build.orders_file(
    [ROWS[0], ROWS[1] | {"order-status": "Lost"}, ROWS[2] | {"amazon-order-id": "7"}]
)
Status = Report.Status


def sent(client: Client, account: str, document: bytes = DOCUMENT, **fields: str) -> UUID:
    """Return a queued report."""
    return identifiers.private("rpt", client.send(account, document, **fields).json()["id"])


def claimed(client: Client, account: str, document: bytes = DOCUMENT, **fields: str) -> Report:
    """Return a report leased by a worker."""
    return report_leases.claimed(client, sent(client, account, document, **fields))


def load(report: Report, now: datetime = NOW) -> None:
    loading.load(report=report, clock=lambda: now)


def stored(client: Client, report_id: UUID) -> Report:
    with context.agency(client.agency.pk):
        return Report.objects.get(pk=report_id)


def test_leased_report_is_being_processed_and_its_attempts_are_counted(acme: Client, shop: str) -> None:
    report_id = sent(acme, shop)

    attempts = []
    for _ in range(3):
        report = report_leases.claimed(acme, report_id)
        attempts.append((report.status, report.attempts))
        report_leases.end_leases(acme)

    assert attempts == [(Status.PROCESSING, 1), (Status.PROCESSING, 2), (Status.PROCESSING, 3)]


@pytest.mark.parametrize("status", [Status.LOADED, Status.REJECTED, Status.FAILED])
def test_report_that_is_done_is_leased_by_no_worker(acme: Client, shop: str, status: str) -> None:
    report_id = sent(acme, shop)
    with context.agency(acme.agency.pk):
        Report.objects.update(status=status, loaded_at=NOW, problem={})

    assert report_leases.claim(acme, report_id) is None
    assert (stored(acme, report_id).status, stored(acme, report_id).attempts) == (status, 0)


def test_report_of_deleted_account_is_leased_by_no_worker(acme: Client, shop: str) -> None:
    report_id = sent(acme, shop)
    acme.delete(f"/v1/accounts/{shop}")

    assert report_leases.claim(acme, report_id) is None
    assert stored(acme, report_id).attempts == 0


def test_report_fails_after_five_attempts(acme: Client, shop: str) -> None:
    report_id = sent(acme, shop)
    for _ in range(loading.MAX_ATTEMPTS):
        report_leases.claimed(acme, report_id)
        report_leases.end_leases(acme)

    sixth = report_leases.claim(acme, report_id)

    report = acme.read(f"/v1/reports/{identifiers.public('rpt', report_id)}")
    assert sixth is None
    assert (report["status"], report["problem"]["type"]) == ("failed", "/problems/loading-failed")
    assert "because of an internal error" in report["problem"]["detail"]
    assert acme.odr(shop)["denominator"] == 0


def test_report_that_breaks_workers_fails_and_loads_when_sent_again(nord: Client, shelf: str) -> None:
    report_id = sent(nord, shelf)
    name = stored(nord, report_id).original
    default_storage.delete(name)
    for _ in range(loading.MAX_ATTEMPTS):
        with pytest.raises(FileNotFoundError):
            tasks.load_report()
        report_leases.end_leases(nord)
    tasks.load_report()
    failed = stored(nord, report_id).status

    nord.send(shelf, DOCUMENT)
    tasks.load_report()

    assert (failed, stored(nord, report_id).status) == (Status.FAILED, Status.LOADED)


def test_report_that_took_its_whole_time_is_not_tried_again(acme: Client, shop: str) -> None:
    report_id = sent(acme, shop)
    report_leases.claimed(acme, report_id)
    with context.agency(acme.agency.pk):
        ended = timezone.now() - timedelta(seconds=1)
        Report.objects.update(claimed_at=ended - loading.TIME_LIMIT, leased_until=ended)

    again = report_leases.claim(acme, report_id)

    report = acme.read(f"/v1/reports/{identifiers.public('rpt', report_id)}")
    assert again is None
    assert (report["status"], report["problem"]["type"]) == ("failed", "/problems/loading-timed-out")


def test_report_is_given_up_at_the_time_limit(acme: Client, shop: str) -> None:
    report = claimed(acme, shop)

    loading.give_up(report, now=NOW)

    assert acme.read(f"/v1/reports/{report.public_id}")["problem"]["type"] == "/problems/loading-timed-out"
    report_leases.end_leases(acme)
    assert report_leases.claim(acme, report.pk) is None


def test_worker_that_lost_its_lease_records_and_rejects_nothing(acme: Client, shop: str) -> None:
    first = claimed(acme, shop)
    report_leases.end_leases(acme)
    report_leases.claimed(acme, first.pk)
    before = database_state.contents(acme)

    loading.load(report=first, clock=timezone.now)
    loading.reject(report=first, rejection=RejectedDocument("not-text", "Not text", "No."), now=NOW)

    assert database_state.contents(acme) == before
    assert stored(acme, first.pk).status == Status.PROCESSING


def test_loaded_report_says_what_its_rows_did(acme: Client, shop: str) -> None:
    acme.load(shop, DOCUMENT)
    later = {"last-updated-date": NOW.isoformat()}
    rows = [
        ROWS[0],
        ROWS[1] | later | {"order-status": "Cancelled"},
        ROWS[2] | later,
        *build.orders_on(ORDERED, count=2, first=11),
        build.order_row(amazon_order_id="7"),
    ]

    report = acme.load(shop, build.orders_file([*rows, rows[3]]))

    assert report["rows"] == {
        "read": 7,
        "new": 2,
        "changed": 1,
        "unchanged": 3,
        "rejected": 1,
        "set_apart": 0,
    }
    assert (report["status"], report["problem"]) == ("loaded", None)


def test_report_becomes_known_at_one_moment(acme: Client, shop: str) -> None:
    report = acme.load(shop, DOCUMENT)

    loaded_at = datetime.fromisoformat(report["loaded_at"])
    with context.agency(acme.agency.pk):
        moments = {
            *Order.objects.values_list("recorded_at", flat=True),
            *SourceLoad.objects.values_list("recorded_at", flat=True),
            *DailyCounts.objects.values_list("recorded_at", flat=True),
            SellerAccount.objects.get().last_recorded_at,
        }
        reports = {
            *Order.objects.values_list("report_id", flat=True),
            *SourceLoad.objects.values_list("report_id", flat=True),
        }
    assert moments == {loaded_at}
    assert reports == {identifiers.private("rpt", report["id"])}


@pytest.mark.parametrize(
    ("document", "fields", "encoding", "reason"),
    [
        (DOCUMENT, {}, "utf-8", "Every byte of the document is valid UTF-8."),
        (build.packed(DOCUMENT), {}, "utf-8", "Every byte of the document is valid UTF-8."),
        (
            build.orders_file(ROWS, codec="utf-8-sig"),
            {},
            "utf-8-sig",
            "The document begins with a byte-order mark.",
        ),
        (
            build.orders_file(ROWS, codec="utf-16"),
            {},
            "utf-16",
            "The document begins with a byte-order mark.",
        ),
        (
            build.orders_file([build.order_row(product_name="Kissen für Müller")], codec="cp1252"),
            {},
            "cp1252",
            "The document is not UTF-8, and every byte is valid cp1252.",
        ),
        (
            build.orders_file([build.order_row(product_name="枕カバー")], codec="cp932"),
            {"marketplace": "JP"},
            "cp932",
            "The document is not UTF-8, and every byte is valid cp932, which is usual for Japan.",
        ),
        (
            build.orders_file([build.order_row(product_name="\x81")], codec="iso-8859-1"),
            {},
            "iso-8859-1",
            "The document is neither UTF-8 nor cp1252. ISO-8859-1 has a character for every byte.",
        ),
    ],
)
def test_loaded_report_says_how_it_was_read_and_why(
    acme: Client, shop: str, document: bytes, fields: dict[str, str], encoding: str, reason: str
) -> None:
    report = acme.load(shop, document, **fields)

    assert (report["status"], report["encoding"], report["encoding_reason"]) == ("loaded", encoding, reason)
    assert report["report_type"] == "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
    assert report["warnings"] == []


def test_doubt_about_document_is_stored_as_warning(acme: Client, shop: str) -> None:
    row = build.feedback_row(order=build.order_id(1), on=ORDERED.strftime("%m/%d/%y"))
    header = ("Päivä", "Arvio", "Kommentit", "Vastauksesi", "Tilausnumero", "Sähköposti")

    report = acme.load(shop, build.feedback_file([row], header=header))

    assert report["warnings"][0] == "The language of the header is unknown. Columns were read by position."
    assert (report["status"], report["report_type"]) == ("loaded", "GET_SELLER_FEEDBACK_DATA")


def test_rejected_rows_are_stored_with_line_and_reason_and_others_are_loaded(acme: Client, shop: str) -> None:
    report = acme.load(shop, WITH_BAD_ROWS)

    rejected = acme.read(f"/v1/reports/{report['id']}/rejected-rows")["data"]
    assert rejected == [
        {
            "line": 3,
            "reason": "`order-status`: 'Lost' is not a known status; expected one of "
            "Pending, Unshipped, Shipping, Shipped, Complete, Cancelled.",
        },
        {
            "line": 4,
            "reason": (
                "`amazon-order-id`: '7' is not a valid Amazon order ID; expected e.g. 123-1234567-1234567."
            ),
        },
    ]
    assert report["rows"] == {
        "read": 3,
        "new": 1,
        "changed": 0,
        "unchanged": 0,
        "rejected": 2,
        "set_apart": 0,
    }
    assert acme.odr(shop)["denominator"] == 1


def test_rejected_rows_of_second_look_take_place_of_first(nord: Client, shelf: str) -> None:
    refused = nord.load(shelf, build.orders_file([row | {"order-status": "Lost"} for row in ROWS]))
    with context.agency(nord.agency.pk):
        RejectedRow.objects.filter(line=4).delete()

    again = nord.load(shelf, build.orders_file([row | {"order-status": "Lost"} for row in ROWS]))

    lines = [row["line"] for row in nord.read(f"/v1/reports/{again['id']}/rejected-rows")["data"]]
    assert (again["id"], again["status"], again["rows"]["rejected"]) == (refused["id"], "rejected", 3)
    assert lines == [2, 3, 4]


def test_recording_twice_changes_nothing(acme: Client, shop: str) -> None:
    report = claimed(acme, shop)
    load(report)
    before = acme.read(f"/v1/reports/{report.public_id}"), database_state.contents(acme)

    load(report, now=NOW + timedelta(hours=1))

    assert (acme.read(f"/v1/reports/{report.public_id}"), database_state.contents(acme)) == before


def test_failure_in_last_stage_is_rolled_back_and_retried(nord: Client, store: str) -> None:
    report_id = sent(nord, store, build.orders_file(build.orders_on(ORDERED, count=3, first=501)))
    with context.agency(nord.agency.pk):
        counted = DailyCounts.objects.order_by("recorded_at").values()[0]
        beyond_any_sum = [
            counted | {"day": counted["day"] - timedelta(days=n), "orders": 2**31 - 1} for n in (1, 2)
        ]
        DailyCounts.objects.bulk_create(DailyCounts(**row) for row in beyond_any_sum)
    before = database_state.contents(nord)
    with pytest.raises(DataError):
        tasks.load_report()
    report_leases.end_leases(nord)
    broken = stored(nord, report_id).status, database_state.contents(nord)
    with context.agency(nord.agency.pk):
        DailyCounts.objects.filter(orders=2**31 - 1).delete()

    tasks.load_report()

    assert broken == (Status.PROCESSING, before)
    assert (stored(nord, report_id).status, stored(nord, report_id).attempts) == (Status.LOADED, 2)
    assert nord.odr(store)["denominator"] == 103


def test_account_deleted_while_its_report_is_read_gets_nothing(acme: Client, shop: str) -> None:
    report = claimed(acme, shop)
    with context.agency(acme.agency.pk):
        agencies.delete_account(account=report.account, now=NOW)
    before = database_state.contents(acme)

    load(report)

    assert database_state.contents(acme) == before
    assert stored(acme, report.pk).status == Status.PROCESSING


def test_day_of_report_is_day_it_was_received(acme: Client, shop: str) -> None:
    in_a_week = (NOW + timedelta(days=7)).strftime("%m/%d/%y")
    document = build.feedback_file([build.feedback_row(order=build.order_id(1), on=in_a_week)])
    report = claimed(acme, shop, document)
    with context.agency(acme.agency.pk):
        Report.objects.update(received_at=NOW + timedelta(days=30))
    report.refresh_from_db(fields=["received_at"])

    load(report)

    with context.agency(acme.agency.pk):
        assert Defect.objects.get().occurred_on == (NOW + timedelta(days=7)).date()
