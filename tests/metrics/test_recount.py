"""Whatever is loaded, in whatever order, every answer about any day and any moment equals a recount from the uploads.

RECOUNT_EXAMPLES=300 tries that many accounts, others each time; without it the same few are tried each time.
"""

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, product
from random import Random
from typing import Any

from django.core.management import call_command
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts import agencies
from tests import recount
from tests.client import Client
from tests.plans import CHANNELS, FIRST_DAY, HOME, TODAY, Document, fields, plans
from tests.recount import DefectRow, Knowledge, OrderRow, Upload

LAST_DAY = TODAY + timedelta(days=recount.DAYS + recount.OFFSET)  # the last window that holds an order of today's
ALL_DAYS = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
A_MOMENT = timedelta(microseconds=1)
MARKETPLACES, METRICS, ODR = ("GB", "DE"), tuple(recount.KINDS_OF_METRIC), "order_defect_rate"
EXAMPLES = int(os.environ.get("RECOUNT_EXAMPLES", "0"))


class Shop:
    """An account, everything that it was ever told, and when."""

    def __init__(self, plan: Iterable[Document]) -> None:
        self.client = Client(*agencies.open_agency(name="Acme", now=datetime.now(UTC)))
        self.account = self.client.take_on(home=HOME)
        self.uploads: dict[str, Upload] = {}
        for document in plan:
            self.tell(document)

    def tell(self, document: Document) -> None:
        choice = {"counts_pending_and_cancelled": document.counts_all}
        assert self.client.patch("/v1/agency", choice, format="json").status_code == 200
        if document.door == "defects":
            rows = [fields(row) for row in document.rows if isinstance(row, DefectRow)]
            report = self.client.post_defects(self.account, *rows)
        else:
            report = self.client.load(self.account, document.content, marketplace=document.store)
        assert (report["status"], report["rows"]["read"], report["rows"]["rejected"]) == ("loaded", len(document.rows), 0)
        received_at, known_at = (datetime.fromisoformat(report[name]) for name in ("received_at", "loaded_at"))
        self.uploads.setdefault(report["id"], Upload(document.rows, received_at, known_at, document.counts_all))

    def moments(self) -> list[datetime | None]:
        """Just before the first upload was known, at each one, and now."""
        known = [upload.known_at for upload in self.uploads.values()]
        return [min(known) - A_MOMENT, *known, None]

    def knowledge(self, known_at: datetime | None) -> Knowledge:
        return Knowledge(self.uploads.values(), known_at=known_at or datetime.max.replace(tzinfo=UTC))

    def days(self) -> list[date]:
        """Today, and days at which some order just enters, is still in, or just left the window."""
        told = {row.ordered_on for upload in self.uploads.values() for row in upload.rows if isinstance(row, OrderRow)}
        ordered = sorted(told) or [TODAY]
        edges = (recount.OFFSET - 1, recount.OFFSET, recount.OFFSET + recount.DAYS - 1, recount.OFFSET + recount.DAYS)
        return [TODAY, *(ordered[n * len(ordered) // 4] + timedelta(days=edge) for n, edge in enumerate(edges))]

    def read(self, path: str, known_at: datetime | None, **asked: Any) -> Any:
        if known_at is not None:
            asked["known_at"] = known_at.isoformat()
        return self.client.read(f"/v1/accounts/{self.account}/metrics{path}", **asked)

    def values(self, *, as_of: date, known_at: datetime | None) -> dict[Any, Any]:
        """The figures of each series. Of a marketplace that nothing is known of, nothing is said."""
        answer = self.read("", known_at, as_of=as_of.isoformat())
        found = {(each["metric"], each["marketplace"], each["channel"]): each for each in answer["metrics"]}
        assert len(found) == len(answer["metrics"])
        assert {HOME} <= {marketplace for _, marketplace, _ in found} <= set(MARKETPLACES)
        fields_of_value = ("numerator", "denominator", "parts", "meets_target")
        figures = {key: [value[field] for field in fields_of_value] for key, value in found.items()}
        return NOTHING_KNOWN | figures | {"unmatched": answer["unmatched_defects"]}

    def status(self) -> str:
        return str(self.client.read(f"/v1/accounts/{self.account}")["status"])

    def open_breaches(self) -> set[tuple[str, str, str]]:
        listed = self.client.read("/v1/breaches", account=self.account, status="open")["data"]
        return {(each["metric"], each["marketplace"], each["channel"]) for each in listed}

    def history(self, key: tuple[str, str, str], *, known_at: datetime | None) -> dict[date, tuple[int, int]]:
        """Numerator and denominator of each day on which there is any."""
        metric, marketplace, channel = key
        span = {"from": FIRST_DAY.isoformat(), "to": LAST_DAY.isoformat()}
        asked = {"marketplace": marketplace, "channel": channel}
        points = self.read(f"/{metric}/history", known_at, **span, **asked)["points"]
        assert len(points) in {0, len(ALL_DAYS)}
        return {
            date.fromisoformat(point["as_of"]): (point["numerator"], point["denominator"])
            for point in points
            if point["denominator"]
        }

    def orders(self, metric: str, *, as_of: date, known_at: datetime | None) -> dict[str, Any]:
        """Each order of the window's denominator: where and when it was placed, whether it counts, its defects."""
        page = self.read(f"/{metric}/orders", known_at, as_of=as_of.isoformat(), limit=50)
        listed = page["data"]
        while page["next_cursor"]:
            page = self.read(f"/{metric}/orders", known_at, as_of=as_of.isoformat(), limit=50, cursor=page["next_cursor"])
            listed += page["data"]
        assert len({order["order_id"] for order in listed}) == len(listed)
        return {
            order["order_id"]: (
                *(order[field] for field in ("marketplace", "channel", "ordered_on", "leaves_window_on", "counted")),
                sorted(
                    (each["kind"], each["reference"], each["state"], each["rating"] or 0, each["occurred_on"], each["counts"])
                    for each in order["defects"]
                ),
            )
            for order in listed
        }


def recounted_values(known: Knowledge, *, as_of: date) -> dict[Any, Any]:
    figures = {key: _figures(known, *key, as_of) for key in product(METRICS, MARKETPLACES, CHANNELS)}
    return {**figures, "unmatched": known.unmatched()}


def _figures(known: Knowledge, metric: str, marketplace: str, channel: str, as_of: date) -> list[Any]:
    figures = known.figures(metric=metric, as_of=as_of, marketplace=marketplace, channel=channel)
    if metric != ODR:
        return [*figures, None, None]
    parts = known.parts(as_of=as_of, marketplace=marketplace, channel=channel)
    return [*figures, parts, recount.meets_target(*figures)]


NOTHING_KNOWN = recounted_values(Knowledge([], known_at=recount.NEVER), as_of=TODAY)


def recounted_history(known: Knowledge, key: tuple[str, str, str]) -> dict[date, tuple[int, int]]:
    metric, marketplace, channel = key
    each = {as_of: known.figures(metric=metric, as_of=as_of, marketplace=marketplace, channel=channel) for as_of in ALL_DAYS}
    return {as_of: figures for as_of, figures in each.items() if figures[1]}


def recounted_orders(known: Knowledge, metric: str, *, as_of: date) -> dict[str, Any]:
    return {
        order_id: (
            order.store,
            order.channel,
            order.ordered_on.isoformat(),
            (order.ordered_on + timedelta(days=recount.DAYS + recount.OFFSET)).isoformat(),
            known.is_counted(order_id, metric),
            sorted(
                (each.kind, each.reference, each.state, each.rating or 0, each.occurred_on.isoformat(), each.counts)
                for each in known.defects.get(order_id, [])
            ),
        )
        for marketplace, channel in product(MARKETPLACES, CHANNELS)
        for order_id, order in known.denominator(as_of=as_of, marketplace=marketplace, channel=channel).items()
    }


@contextmanager
def left_no_trace() -> Iterator[None]:
    """Every example begins in an empty database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def reliably(examples: int) -> settings:
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        phases=tuple(Phase) if EXAMPLES else (Phase.explicit, Phase.generate),  # shrinking takes minutes
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@reliably(14)
@given(plan=plans())
def test_every_answer_about_any_day_and_moment_equals_the_recount(db: None, plan: list[Document]) -> None:
    with left_no_trace():
        shop = Shop(plan)

        for known_at, other_metric in zip(shop.moments(), cycle(METRICS[1:]), strict=False):
            known = shop.knowledge(known_at)
            for as_of in shop.days():
                assert shop.values(as_of=as_of, known_at=known_at) == recounted_values(known, as_of=as_of)
            for metric, as_of in product((ODR, other_metric), shop.days()):
                listed = recounted_orders(known, metric, as_of=as_of)
                assert shop.orders(metric, as_of=as_of, known_at=known_at) == listed
            for key in product((ODR, other_metric), MARKETPLACES, CHANNELS):
                assert shop.history(key, known_at=known_at) == recounted_history(known, key)


@reliably(10)
@given(plan=plans(settled=True), chance=st.randoms(use_true_random=True))
def test_the_same_documents_in_another_order_give_the_same_numbers(db: None, plan: list[Document], chance: Random) -> None:
    with left_no_trace():
        first, second = Shop(plan), Shop(chance.sample(plan, k=len(plan)))

        for as_of in first.days():
            values = recounted_values(first.knowledge(None), as_of=as_of)
            listed = recounted_orders(first.knowledge(None), ODR, as_of=as_of)
            for shop in (first, second):
                assert shop.values(as_of=as_of, known_at=None) == values
                assert shop.orders(ODR, as_of=as_of, known_at=None) == listed


@reliably(10)
@given(plan=plans(settled=True))
def test_counting_again_changes_nothing(db: None, plan: list[Document]) -> None:
    with left_no_trace():
        shop = Shop(plan)
        before = [shop.values(as_of=as_of, known_at=None) for as_of in shop.days()]

        said = io.StringIO()
        call_command("recompute", "--account", shop.account, stdout=said)

        assert said.getvalue().endswith(": 0 daily counts changed\n")
        assert [shop.values(as_of=as_of, known_at=None) for as_of in shop.days()] == before


@reliably(10)
@given(plan=plans())
def test_status_and_breaches_say_what_the_numbers_said_after_each_upload(db: None, plan: list[Document]) -> None:
    with left_no_trace():
        shop = Shop(plan)

        status, open_breaches = shop.status(), shop.open_breaches()

        missed, met, still_open = set[Any](), set[Any](), set[Any]()
        for known_at in sorted(upload.known_at for upload in shop.uploads.values()):
            values = recounted_values(shop.knowledge(known_at), as_of=known_at.date())
            missed, met = (
                {key for key, value in values.items() if key[0] == ODR and value[3] is meets} for meets in (False, True)
            )
            still_open = (still_open | missed) - met
        assert open_breaches == still_open
        assert status == ("breached" if missed else "healthy" if met else "no_data")
