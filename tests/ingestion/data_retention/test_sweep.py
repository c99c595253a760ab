"""Test which data ends, by source, and that a sweep can be interrupted, repeated and run twice at once."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.utils import InternalError, ProgrammingError
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import audit
from accounts.agencies import lifecycle as agencies
from accounts.models import Agency, AuditEntry, SellerAccount
from accounts.tenancy import context
from ingestion.data_retention import edges, proof, sweep, tasks
from ingestion.models import Report
from metrics.models import DailyCounts, Defect, Order, PastOrder, Snapshot
from tests import build, messages
from tests.client import Client
from tests.clock import NOW, TODAY, clock
from tests.conftest import NOON
from tests.ingestion.data_retention.histories import DAY, Sent, Source, account_uuid, load
from webhooks.models import Event

LONG_AGO = timedelta(days=600)
EDGE = edges.months_before(TODAY, 18) + edges.AHEAD
RETAINED_FROM = EDGE + timedelta(days=74)


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@contextmanager
def at(ago: timedelta) -> Iterator[datetime]:
    """Set the clock back for a while."""
    clock.advance(-ago)
    yield timezone.now()
    clock.advance(ago)


def load_orders(
    client: Client, account: str, source: str, *, ago: timedelta = LONG_AGO, first: int = 1, count: int = 10
) -> str:
    """Load orders of one day, received a day later, so long ago."""
    with at(ago) as now:
        rows = build.orders_on(now - DAY, count=count, first=first)
        return load(client, account, Sent(build.orders_file(rows), source))


def end(client: Client, *, now: datetime = NOW) -> int:
    return sum(sweep.batches(agency_id=client.agency.pk, now=now))


def overdue(client: Client, *, now: datetime = NOW) -> int:
    return proof.count(agency_id=client.agency.pk, now=now).total()


def order_ids(client: Client) -> list[str]:
    with context.agency(client.agency.pk):
        return list(Order.objects.order_by("order_id").values_list("order_id", flat=True))


def choose(client: Client, months: int | None) -> None:
    response = client.patch("/v1/agency", {"data_retention_months": months}, format="json")
    assert response.json()["data_retention_months"] == months


def test_data_of_api_ends_with_its_reports_events_and_documents(
    acme: Client, shop: str, storage: Path
) -> None:
    report = load_orders(acme, shop, Source.SP_API)
    load_orders(acme, shop, Source.SP_API, ago=30 * DAY, first=100)
    assert overdue(acme) > 0

    assert end(acme) > 0

    with context.agency(acme.agency.pk):
        assert Order.objects.count() == 10
        assert DailyCounts.objects.filter(day__lt=EDGE).count() == 0
        assert Event.objects.filter(occurred_at__lt=NOW - timedelta(days=550)).count() == 0
    assert overdue(acme) == 0
    assert acme.get(f"/v1/reports/{report}").status_code == 404
    assert not list(storage.rglob(f"*{report}*"))


def test_hand_uploaded_data_stays_until_the_agency_chooses(acme: Client, shop: str) -> None:
    load_orders(acme, shop, Source.UPLOAD)

    assert (end(acme), overdue(acme), len(order_ids(acme))) == (0, 0, 10)
    choose(acme, 24)
    assert (end(acme), len(order_ids(acme))) == (0, 10)
    choose(acme, 12)
    assert overdue(acme) > 0
    assert end(acme) > 0

    assert (overdue(acme), order_ids(acme)) == (0, [])


def test_choice_of_agency_does_not_end_data_of_api_earlier(acme: Client, shop: str) -> None:
    load_orders(acme, shop, Source.SP_API, ago=400 * DAY)
    choose(acme, 12)

    end(acme)

    with context.agency(acme.agency.pk):
        assert SellerAccount.objects.get().data_from is None
    assert len(order_ids(acme)) == 10


@pytest.mark.parametrize(
    ("sources", "stays"),
    [((Source.SP_API, Source.UPLOAD), True), ((Source.UPLOAD, Source.SP_API), False)],
)
def test_order_of_both_sources_ends_by_its_newest_statement(
    acme: Client, shop: str, sources: tuple[str, str], stays: bool
) -> None:
    for source, status, hours in zip(sources, ("Pending", "Shipped"), (1, 5), strict=True):
        with at(LONG_AGO) as now:
            updated = (now + timedelta(hours=hours)).isoformat()
            row = build.order_row(
                purchase_date=(now - DAY).isoformat(), last_updated_date=updated, order_status=status
            )
            load(acme, shop, Sent(build.orders_file([row]), source))

    end(acme)

    with context.agency(acme.agency.pk):
        # The version of the other source ends by its own source.
        assert (Order.objects.exists(), PastOrder.objects.exists()) == (stays, not stays)
    assert overdue(acme) == 0


def test_claims_of_api_end_with_their_order_and_uploaded_ones_are_not_unmatched(
    acme: Client, shop: str
) -> None:
    load_orders(acme, shop, Source.SP_API)
    for source, number in ((Source.SP_API, 1), (Source.UPLOAD, 2)):
        with at(LONG_AGO) as now:
            claim = build.claim(order=build.order_id(number), occurred_on=f"{now - DAY:%Y-%m-%d}")
            load(acme, shop, Sent(build.claims_file([claim]), source))

    end(acme)

    with context.agency(acme.agency.pk):
        assert [defect.order_id for defect in Defect.objects.all()] == [build.order_id(2)]
    assert acme.read(f"/v1/accounts/{shop}/unmatched-defects")["data"] == []
    assert acme.read(f"/v1/accounts/{shop}/metrics")["unmatched_defects"] == 0


def test_interrupted_sweep_answers_as_gone_and_is_continued(
    acme: Client, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BATCH_SIZE", 3)
    load_orders(acme, shop, Source.SP_API)
    load_orders(acme, shop, Source.SP_API, ago=90 * DAY, first=100)
    before = acme.odr(shop)

    interrupted = sweep.batches(agency_id=acme.agency.pk, now=NOW)
    next(interrupted)
    interrupted.close()

    assert 10 < len(order_ids(acme)) < 20
    assert overdue(acme) > 0
    old = acme.get(f"/v1/accounts/{shop}/metrics", {"as_of": f"{NOW - LONG_AGO:%Y-%m-%d}"})
    assert old.status_code == 410
    assert end(acme) > 0
    assert (overdue(acme), len(order_ids(acme)), acme.odr(shop)) == (0, 10, before)
    assert end(acme) == 0


def test_late_report_of_old_days_does_not_bring_them_back(acme: Client, shop: str) -> None:
    load_orders(acme, shop, Source.SP_API)
    end(acme)
    old = build.orders_on(NOW - LONG_AGO, count=5, first=500)

    load(acme, shop, Sent(build.orders_file(old), Source.SP_API))
    load(
        acme,
        shop,
        Sent(build.orders_file(build.orders_on(NOW - LONG_AGO, count=5, first=600)), Source.UPLOAD),
    )

    with context.agency(acme.agency.pk):
        assert DailyCounts.objects.filter(day__lt=EDGE).count() == 0
    assert (
        acme.get(f"/v1/accounts/{shop}/metrics", {"as_of": f"{NOW - LONG_AGO:%Y-%m-%d}"}).status_code == 410
    )
    end(acme, now=NOW + DAY)
    assert overdue(acme, now=NOW + DAY) == 0
    assert order_ids(acme) == [build.order_id(600 + n) for n in range(5)]


def test_orders_that_are_stated_again_after_their_end_are_not_counted_twice(acme: Client, shop: str) -> None:
    day, promised = EDGE - 20 * DAY, EDGE + 20 * DAY
    placed = datetime.combine(day, datetime.min.time(), NOW.tzinfo) + timedelta(hours=12)
    orders = build.orders_file(build.orders_on(placed, count=6))
    packages = build.table(
        *(
            {
                "order_id": build.order_id(number),
                "package": "P1",
                "shipped_at": f"{day + 2 * DAY:%Y-%m-%d}",
                "first_scan_at": f"{day + 3 * DAY:%Y-%m-%d}",
                "deliver_by": str(promised),
                "delivered_at": f"{day + 9 * DAY:%Y-%m-%d}",
            }
            for number in range(1, 7)
        )
    )
    with at(NOW - placed - 30 * DAY):
        load(acme, shop, Sent(orders, Source.SP_API))
        load(acme, shop, Sent(packages, Source.UPLOAD))
    with context.agency(acme.agency.pk):
        before = DailyCounts.objects.values_list("tracked_packages", flat=True).get(day=promised)
    end(acme)
    assert order_ids(acme) == []

    # The agency uploads all it has, and a day later the promised day gets another package.
    load(acme, shop, Sent(orders, Source.UPLOAD))
    load(acme, shop, Sent(packages + b"\n", Source.UPLOAD))
    end(acme, now=NOW + DAY)
    new = build.orders_file(build.orders_on(placed + 25 * DAY, count=1, first=50))
    load(acme, shop, Sent(new, Source.UPLOAD))
    load(
        acme,
        shop,
        Sent(
            packages.splitlines()[0]
            + b"\n"
            + packages.splitlines()[1].replace(build.order_id(1).encode(), build.order_id(50).encode()),
            Source.UPLOAD,
        ),
    )

    with context.agency(acme.agency.pk):
        versions = DailyCounts.objects.filter(day=promised).order_by("recorded_at")
        assert list(versions.values_list("tracked_packages", flat=True)) == [before, before + 1]
    assert before == 6


def test_report_that_arrives_during_a_sweep_ends_too(
    acme: Client, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BATCH_SIZE", 4)
    load_orders(acme, shop, Source.SP_API)
    running = sweep.batches(agency_id=acme.agency.pk, now=NOW)
    next(running)

    rows = build.orders_on(NOW - LONG_AGO, count=5, first=500)
    load(acme, shop, Sent(build.orders_file(rows), Source.SP_API))

    assert sum(running) > 0
    assert (overdue(acme), order_ids(acme)) == (0, [])


def test_two_sweeps_at_once_delete_everything_once(
    committed_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BATCH_SIZE", 7)
    client = Client(*agencies.create_agency(name="Acme", now=NOON))
    shop = client.take_on()
    load_orders(client, shop, Source.SP_API, count=60)
    load_orders(client, shop, Source.SP_API, ago=30 * DAY, first=100, count=20)
    before, deleted, errors = client.odr(shop, as_of=str(TODAY)), [], []

    def run() -> None:
        try:
            deleted.append(end(client))
        except Exception as error:  # noqa: BLE001  reported below
            errors.append(error)
        finally:
            connections.close_all()

    both = [threading.Thread(target=run) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    assert errors == []
    assert max(deleted) > 0
    assert (overdue(client), len(order_ids(client))) == (0, 20)
    assert client.odr(shop, as_of=str(TODAY)) == before


def test_snapshots_end_by_the_source_of_their_report(acme: Client, shop: str) -> None:
    document = (
        b'{"accountStatuses": [{"marketplaceId": "ATVPDKIKX0DER", "status": "NORMAL"}], "performanceMetrics": '
        b'[{"marketplaceId": "ATVPDKIKX0DER", "otherPolicyViolations": {"defectsCount": %d, "status": "BAD"}}]}'
    )
    for source, violations in ((Source.SP_API, 1), (Source.UPLOAD, 2)):
        with at(LONG_AGO):
            load(acme, shop, Sent(document % violations, source))

    end(acme)

    with context.agency(acme.agency.pk):
        assert [
            each.document["otherPolicyViolations"]["defectsCount"] for each in Snapshot.objects.all()
        ] == [2]


def test_audit_entries_end_with_their_report_and_others_stay(acme: Client, shop: str) -> None:
    report = load_orders(acme, shop, Source.SP_API)
    for what, source, ago in (
        ("report.received", "sp_api", LONG_AGO),
        ("report.received", "upload", LONG_AGO),
        ("report.queued_again", "sp_api", 500 * DAY),
        ("key.created", "sp_api", LONG_AGO),
    ):
        with context.agency(acme.agency.pk):
            audit.record(
                agency_id=acme.agency.pk,
                actor=audit.UNDERONE,
                what=what,
                about=report,
                detail={"source": source},
                now=NOW - ago,
            )

    end(acme)

    with context.agency(acme.agency.pk):
        left = [(entry.what, entry.detail["source"]) for entry in AuditEntry.objects.filter(about=report)]
    assert sorted(left) == [
        ("key.created", "sp_api"),
        ("report.queued_again", "sp_api"),
        ("report.received", "upload"),
        ("report.received", "upload"),
    ]


@pytest.mark.parametrize(("what", "days"), [("report.received", 360), ("key.created", 800)])
def test_database_refuses_to_delete_young_and_other_audit_entries(acme: Client, what: str, days: int) -> None:
    # The database compares with its own clock.
    now = datetime.now(tz=NOW.tzinfo) - timedelta(days=days)
    with context.agency(acme.agency.pk):
        entry = audit.record(
            agency_id=acme.agency.pk, actor=audit.UNDERONE, what=what, about="rpt_x", now=now
        )
        with (
            pytest.raises((InternalError, ProgrammingError), match="never changed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("DELETE FROM accounts_auditentry WHERE id = %s", [entry.pk])


def test_deleted_account_and_closed_agency_end_too(acme: Client, shop: str) -> None:
    load_orders(acme, shop, Source.SP_API)
    acme.delete(f"/v1/accounts/{shop}")
    confirm = {"confirm": f"close {acme.agency.name}"}
    assert acme.delete("/v1/agency", confirm, format="json").status_code == 202

    assert end(acme) > 0

    assert (overdue(acme), order_ids(acme)) == (0, [])


def test_task_gives_way_after_some_batches(
    acme: Client, rival: Client, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BATCH_SIZE", 2)
    monkeypatch.setattr(tasks, "BATCHES_PER_RUN", 3)
    load_orders(acme, shop, Source.SP_API)
    messages.take()

    tasks.end_data()
    queued = messages.take()
    assert {words["agency_id"] for _, words in queued} == {str(each.agency.pk) for each in (acme, rival)}
    runs = 0
    while queued:
        runs += 1
        for _, words in queued:
            tasks.end_agency_data(**words)
        queued = messages.take()

    assert runs > 2
    assert overdue(acme) == 0
    entries = acme.read("/v1/audit-log", what="data.deleted")["data"]
    # The last run may find nothing.
    assert len(entries) in {runs, runs - 1}
    assert all(entry["detail"]["count"] > 0 for entry in entries)


def check_retention() -> str:
    output = io.StringIO()
    call_command("check_retention", stdout=output)
    return output.getvalue()


def test_check_retention_fails_until_nothing_is_overdue(acme: Client, shop: str) -> None:
    load_orders(acme, shop, Source.SP_API)

    with pytest.raises(CommandError, match="rows are overdue"):
        check_retention()
    end(acme)

    lines = check_retention().splitlines()
    assert {line.split()[0] for line in lines} == {"0"}
    assert len(lines) > 20


def test_days_without_facts_move_the_first_day_once_data_of_the_api_has_ended(
    acme: Client, shop: str
) -> None:
    load_orders(acme, shop, Source.SP_API)
    end(acme)

    end(acme, now=NOW + 10 * DAY)

    with context.agency(acme.agency.pk):
        account = SellerAccount.objects.get(pk=account_uuid(shop))
    moved = edges.months_before(TODAY + 10 * DAY, 18) + edges.AHEAD
    assert (account.sp_api_data_from, account.own_data_from, account.data_from) == (moved, None, moved)


def read_problem(client: Client, path: str, **params: Any) -> tuple[int, str, str | None]:
    response = client.get(path, params)
    body = response.json()
    return response.status_code, body["type"], body.get("retained_from")


def test_days_and_moments_that_are_gone_are_answered_with_retained_from(acme: Client, shop: str) -> None:
    load_orders(acme, shop, Source.SP_API)
    metrics = f"/v1/accounts/{shop}/metrics"
    history, orders = f"{metrics}/order_defect_rate/history", f"{metrics}/order_defect_rate/orders"
    for path in (metrics, history, orders):
        assert acme.read(path)["retained_from"] is None
    end(acme)

    gone, day_before = (410, "/problems/data-not-retained", str(RETAINED_FROM)), str(RETAINED_FROM - DAY)
    for path in (metrics, history, orders, f"/v1/accounts/{shop}/unmatched-defects"):
        assert acme.read(path)["retained_from"] == str(RETAINED_FROM)
        assert read_problem(acme, path, known_at=f"{day_before}T12:00:00Z") == gone
    for path in (metrics, orders):
        assert read_problem(acme, path, as_of=day_before) == gone
        assert acme.read(path, as_of=str(RETAINED_FROM))["retained_from"] == str(RETAINED_FROM)
    assert read_problem(acme, history, **{"from": day_before}) == gone
    assert read_problem(acme, history, to=day_before) == gone
    assert acme.read("/v1/portfolio")["retained_from"] == str(RETAINED_FROM)
    # Without `from`, a history begins with the first day that is complete.
    points = acme.read(history, to=str(RETAINED_FROM + 5 * DAY))["points"]
    assert [points[0]["as_of"], len(points)] == [str(RETAINED_FROM), 6]


@pytest.mark.parametrize("months", [11, 121, "many", 12.5])
def test_agency_cannot_choose_less_than_a_year_or_more_than_ten(acme: Client, months: object) -> None:
    response = acme.patch("/v1/agency", {"data_retention_months": months}, format="json")

    assert response.status_code == 400
    with context.agency(acme.agency.pk):
        assert Agency.objects.get().data_retention_months is None


def test_documents_that_cannot_be_deleted_hold_up_no_other(
    acme: Client, shop: str, storage: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sweep, "REPORTS_BATCH_SIZE", 2)
    stuck = [load_orders(acme, shop, Source.SP_API, first=n, count=1) for n in (1, 2, 3)]
    free = load_orders(acme, shop, Source.SP_API, first=4, count=1)
    for path in [path for path in storage.rglob("rpt_*") if path.name[:36] in stuck]:
        path.unlink()
        (path / "a file that makes it a folder").mkdir(parents=True)

    end(acme)

    assert [acme.get(f"/v1/reports/{each}").status_code for each in (*stuck, free)] == [200, 200, 200, 404]
    assert [caplog.text.count(f"The document of {each} could not be deleted") for each in stuck] == [1, 1, 1]


def test_reports_in_progress_are_left_to_the_next_sweep(acme: Client, shop: str) -> None:
    report = load_orders(acme, shop, Source.SP_API)
    with context.agency(acme.agency.pk):
        Report.objects.update(status=Report.Status.PROCESSING)

    end(acme)

    assert acme.read(f"/v1/reports/{report}")["status"] == "processing"
