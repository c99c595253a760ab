"""Test that every response about any day and moment equals a recount from the uploads, in any order of arrival.

RECOUNT_EXAMPLES=300 tries that many random accounts; the default is the same few each time.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice, product
from random import Random
from typing import Any

from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.agencies import lifecycle as agencies
from metrics.rules.catalogue.definitions import COUNTED
from tests.client import Client
from tests.clock import TODAY
from tests.documents import Document, json_fields
from tests.order_histories import FIRST_DAY
from tests.recount import figures, indistinct
from tests.recount.counted_rows import BUILDERS, DEFECTS
from tests.recount.figures import METRICS, ODR, PCR, RULES, SEVERITY, Recount, channels_of, rule_of
from tests.recount.knowledge import NEVER, Knowledge
from tests.recount.statements import Upload
from tests.upload_plans import Plan, upload_plans

# The last day that the API answers for.
LAST_DAY = TODAY + timedelta(days=1)
ALL_DAYS = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
MICROSECOND = timedelta(microseconds=1)
MARKETPLACES = ("US", "GB", "DE")
SERIES = [(metric, *where) for metric in METRICS for where in product(MARKETPLACES, channels_of(metric))]
OF_DEFECTS = {ODR, *figures.PARTS.values()}
MOMENTS, METRICS_A_MOMENT, DIMENSIONS_A_METRIC = 4, 2, 2
EXAMPLES = int(os.environ.get("RECOUNT_EXAMPLES", "0"))


class LoadedAccount:
    """Load the documents of a plan into a new account, and store the uploads with their times."""

    def __init__(self, plan: Plan) -> None:
        self.client = Client(*agencies.create_agency(name="Acme", now=timezone.now()))
        self.home = plan.home
        self.home = plan.home
        self.account_id = self.client.take_on(home=plan.home)
        self.uploads: dict[str, Upload] = {}
        for document in plan.documents:
            self.upload(document)

    def upload(self, document: Document) -> None:
        choice = {"counts_pending_and_cancelled": document.counts_all}
        assert self.client.patch("/v1/agency", choice, format="json").status_code == 200
        if document.report_type == "defects":
            # An absent text is left out: `funded_by` is a choice, and "" is none of it.
            defects = [
                {name: cell for name, cell in json_fields(row).items() if cell != ""} for row in document.rows
            ]
            report = self.client.post_defects(self.account_id, *defects)
        else:
            report = self.client.load(self.account_id, document.content, **document.upload_fields)
        received_at, known_at = (
            datetime.fromisoformat(report[name]) for name in ("received_at", "loaded_at")
        )
        kept = indistinct.kept_rows(document, received_at=received_at)
        rows, rejected = report["rows"], int(document.has_invalid_row) + len(document.rows) - len(kept)
        assert (report["status"], rows["read"], rows["rejected"]) == (
            "loaded",
            len(document.rows) + int(document.has_invalid_row),
            rejected,
        ), report
        context = (
            document.counts_all,
            frozenset(document.columns),
            document.store,
            document.period,
            rejected,
        )
        self.uploads.setdefault(report["id"], Upload(kept, received_at, known_at, *context))

    def moments(self) -> list[datetime | None]:
        """Return a moment before the first upload, some of those of uploads, and None for now."""
        known = [upload.known_at for upload in self.uploads.values()]
        return [min(known) - MICROSECOND, *known[:: 1 + len(known) // MOMENTS], None]

    def knowledge(self, known_at: datetime | None) -> Knowledge:
        return Knowledge(self.uploads.values(), known_at=known_at or datetime.max.replace(tzinfo=UTC))

    def days(self, metric: str) -> list[date]:
        """Today, and days at which something just enters the metric's window, is still in, or just left
        it."""
        inside, rule = Recount(self.knowledge(None)).days(metric) or [TODAY], rule_of(metric, self.home)
        edges = (rule.offset - 1, rule.offset, rule.offset + rule.days - 1, rule.offset + rule.days)
        days = (inside[n * len(inside) // 4] + timedelta(days=edge) for n, edge in enumerate(edges))
        return [TODAY, *(day for day in days if day <= LAST_DAY)]

    def read(self, path: str, known_at: datetime | None, **params: Any) -> Any:
        if known_at is not None:
            params["known_at"] = known_at.isoformat()
        return self.client.read(f"/v1/accounts/{self.account_id}/metrics{path}", **params)

    def values(self, *, as_of: date, known_at: datetime | None) -> dict[Any, Any]:
        """Return the figures of each series. Marketplaces without data are missing."""
        body = self.read("", known_at, as_of=as_of.isoformat())
        by_series = {(each["metric"], each["marketplace"], each["channel"]): each for each in body["metrics"]}
        assert len(by_series) == len(body["metrics"])
        assert {self.home} <= {marketplace for _, marketplace, _ in by_series} <= set(MARKETPLACES)
        return (
            EMPTY_VALUES
            | {key: _stated_values(value) for key, value in by_series.items()}
            | {"unmatched": body["unmatched_defects"]}
        )

    def status(self) -> str:
        return str(self.client.read(f"/v1/accounts/{self.account_id}")["status"])

    def open_breaches(self) -> set[tuple[str, str, str]]:
        listed = self.client.read("/v1/breaches", account=self.account_id, status="open", limit=100)["data"]
        return {
            (each["metric"], each["marketplace"], each["channel"])
            for each in listed
            if each["level"] == "breach"
        }

    def history(self, key: tuple[str, str, str], *, known_at: datetime | None) -> dict[date, tuple[int, int]]:
        """Return numerator and denominator of each day with data."""
        metric, marketplace, channel = key
        span = {"from": FIRST_DAY.isoformat(), "to": LAST_DAY.isoformat()}
        params = {"marketplace": marketplace, "channel": channel}
        points = self.read(f"/{metric}/history", known_at, **span, **params)["points"]
        assert len(points) in {0, sum(day >= RULES[metric].since for day in ALL_DAYS)}
        return {
            date.fromisoformat(point["as_of"]): (point["numerator"], point["denominator"])
            for point in points
            if point["denominator"]
        }

    def groups(
        self, by: str, metric: str, marketplace: str, channel: str, *, as_of: date, known_at: datetime | None
    ) -> tuple[int, dict[Any, Any]]:
        """Return how many rows have several keys, and the rows and defects of each key, all and exclusive."""
        series = {"metric": metric, "marketplace": marketplace, "channel": channel}
        when = {"known_at": known_at.isoformat()} if known_at else {}
        path = f"/v1/accounts/{self.account_id}/causes"
        body = self.client.read(path, by=by, as_of=as_of.isoformat(), limit=500, **series, **when)
        groups = {
            each["key"]: tuple(
                share[name] for share in (each, each["exclusive"]) for name in ("orders", "defects")
            )
            for each in body["groups"]
        }
        exclusive = sum(orders for _, _, orders, _ in groups.values())
        assert exclusive + body["mixed_orders"] == body["total"]["orders"]
        return body["mixed_orders"], groups

    def orders(self, metric: str, *, as_of: date, known_at: datetime | None) -> dict[Any, Any]:
        """Return each listed row of the window's denominator: order, place, time, whether it counts, and its
        defects."""
        page = self.read(f"/{metric}/orders", known_at, as_of=as_of.isoformat(), limit=50)
        listed = page["data"]
        while page["next_cursor"]:
            page = self.read(
                f"/{metric}/orders", known_at, as_of=as_of.isoformat(), limit=50, cursor=page["next_cursor"]
            )
            listed += page["data"]
        rows = {(line["order_id"], line["reference"] or ""): _listed(metric, line) for line in listed}
        assert len(rows) == len(listed)
        return rows


def _stated_values(value: dict[str, Any]) -> list[Any]:
    stated = [value[name] for name in ("numerator", "denominator", "parts", "meets_target")]
    metric, status = value["metric"], value["status"]
    return [
        *stated,
        value["unexplained"] if metric == PCR else None,
        status if RULES[metric].target else None,
    ]


def recounted_values(recount: Recount, *, as_of: date) -> dict[Any, Any]:
    return {**{key: _figures(recount, *key, as_of) for key in SERIES}, "unmatched": recount.unmatched}


def _figures(recount: Recount, metric: str, marketplace: str, channel: str, as_of: date) -> list[Any]:
    where = (marketplace, channel)
    parts = recount.parts(*where, as_of=as_of) if metric == ODR else None
    unexplained = recount.unexplained(marketplace, as_of=as_of) if metric == PCR else None
    status = recount.status(metric, *where, as_of=as_of) if RULES[metric].target else None
    met = recount.is_met(metric, *where, as_of=as_of)
    return [*recount.figures(metric, *where, as_of=as_of), parts, met, unexplained, status]


EMPTY_VALUES = recounted_values(Recount(Knowledge([], known_at=NEVER)), as_of=TODAY)


def _listed(metric: str, line: dict[str, Any]) -> tuple[Any, ...]:
    ordered_on = line["ordered_on"] if line["channel"] != "all" else None
    stated = [line[name] for name in ("marketplace", "channel", "day", "leaves_window_on", "counted")]
    defects = [_defect(each) for each in line["defects"] if each["kind"] in DEFECTS]
    return (*stated, ordered_on, _sorted(defects) if metric in OF_DEFECTS else None)


def recounted_rows(recount: Recount, known: Knowledge, metric: str, *, as_of: date) -> dict[Any, Any]:
    return {
        (line.order_id, line.reference): (
            *(line.marketplace, line.channel, line.day.isoformat()),
            *(rule_of(metric, line.marketplace, as_of).leaves_on(line.day).isoformat(), line.counted),
            known.orders[line.order_id].ordered_on.isoformat()
            if line.order_id and line.channel != "all"
            else None,
            _defects(known, str(line.order_id)) if metric in OF_DEFECTS else None,
        )
        for line in recount.listed(metric, as_of=as_of)
    }


def _defects(known: Knowledge, order_id: str) -> list[Any]:
    """Return the order's defects as the API lists them. Unconfirmed defects are listed only without details."""
    unconfirmed = [
        {"kind": kind, "state": "listed"}
        for each, kind in known.unconfirmed
        if each == order_id and kind in DEFECTS
    ]
    detailed = [json_fields(row) | {"counts": row.counts} for row in known.defects.get(order_id, [])]
    return _sorted([_defect(each) for each in unconfirmed + detailed])


def _defect(defect: dict[str, Any]) -> tuple[Any, ...]:
    """Return the fields of a listed defect: no stars of removed feedback, and no details of unconfirmed defects."""
    kind, state = defect["kind"], defect["state"]
    if state == "listed":
        return (kind, "", state)
    when = (defect.get("rating") or 0, defect["occurred_on"]) if state != "removed" else ()
    return (kind, defect["reference"] or "", state, defect["counts"], *when)


def _sorted(defects: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    detailed = {kind for kind, _, state, *_ in defects if state != "listed"}
    return sorted(each for each in defects if each[2] != "listed" or each[0] not in detailed)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back, so that every example begins in an empty database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def example_settings(examples: int) -> settings:
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        phases=tuple(Phase) if EXAMPLES else (Phase.explicit, Phase.generate),  # shrinking takes minutes
        deadline=None,
        database=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )


def test_recount_covers_every_counted_metric() -> None:
    assert {metric.code for metric in COUNTED} == set(METRICS) == set(BUILDERS), (
        "Add the metric to RULES in tests/recount/figures.py and to BUILDERS in tests/recount/counted_rows.py."
    )


@example_settings(6)
@given(plan=upload_plans(), turn=st.integers(0, len(METRICS) - 1))
def test_answers_about_any_day_and_moment_equal_the_recount(db: None, plan: Plan, turn: int) -> None:
    with rolled_back():
        account, metrics = LoadedAccount(plan), islice(cycle(METRICS), turn, None)
        dimensions = islice(cycle(figures.KEYS), turn, None)

        for known_at in account.moments():
            known = account.knowledge(known_at)
            recount = Recount(known)
            for metric in islice(metrics, METRICS_A_MOMENT):
                for as_of in account.days(metric):
                    assert account.values(as_of=as_of, known_at=known_at) == recounted_values(
                        recount, as_of=as_of
                    )
                    listed = recounted_rows(recount, known, metric, as_of=as_of)
                    assert account.orders(metric, as_of=as_of, known_at=known_at) == listed
                series = (metric, account.home, channels_of(metric)[0])
                for by in islice(dimensions, DIMENSIONS_A_METRIC):
                    groups = figures.groups(recount, known, by, *series, as_of=as_of)
                    assert account.groups(by, *series, as_of=as_of, known_at=known_at) == groups, by
                for where in product(MARKETPLACES, channels_of(metric)):
                    counted = figures.history(recount, metric, *where, days=ALL_DAYS)
                    assert account.history((metric, *where), known_at=known_at) == counted


@example_settings(3)
@given(plan=upload_plans(settled=True), chance=st.randoms(use_true_random=True))
def test_answers_are_independent_of_the_order_of_reports(db: None, plan: Plan, chance: Random) -> None:
    with rolled_back():
        mixed = replace(plan, documents=tuple(chance.sample(plan.documents, k=len(plan.documents))))
        first, second = LoadedAccount(plan), LoadedAccount(mixed)

        known = first.knowledge(None)
        recount = Recount(known)
        for metric, account in product(METRICS, (first, second)):
            as_of = chance.choice(first.days(metric))
            assert account.values(as_of=as_of, known_at=None) == recounted_values(recount, as_of=as_of)
            assert account.orders(metric, as_of=as_of, known_at=None) == recounted_rows(
                recount, known, metric, as_of=as_of
            )


@example_settings(3)
@given(plan=upload_plans(settled=True))
def test_recompute_of_recounted_account_changes_nothing(db: None, plan: Plan) -> None:
    with rolled_back():
        account = LoadedAccount(plan)
        days = [as_of for metric in METRICS for as_of in account.days(metric)[:3]]
        before = [account.values(as_of=as_of, known_at=None) for as_of in days]

        output = io.StringIO()
        call_command("recompute", "--account", account.account_id, stdout=output)

        assert output.getvalue().endswith(": 0 daily counts changed\n")
        assert [account.values(as_of=as_of, known_at=None) for as_of in days] == before


@example_settings(4)
@given(plan=upload_plans())
def test_status_and_breaches_match_the_values_after_each_upload(db: None, plan: Plan) -> None:
    with rolled_back():
        account = LoadedAccount(plan)

        status, open_breaches = account.status(), account.open_breaches()

        still_open, statuses = set[Any](), dict[Any, str]()
        for known_at in sorted(upload.known_at for upload in account.uploads.values()):
            recount, as_of = Recount(account.knowledge(known_at)), known_at.date()
            statuses = {key: recount.status(*key, as_of=as_of) for key in SERIES}
            missed = {key for key, word in statuses.items() if word == "breached"}
            met = {key for key, word in statuses.items() if word in {"healthy", "at_risk"}}
            still_open = (still_open | missed) - met
        assert open_breaches == still_open
        assert status == next(word for word in SEVERITY if word in statuses.values())
