"""Test that generated plans reach every status, and that settled plans do not depend on their order."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import product
from random import Random

import pytest

from tests.clock import NOW, TODAY
from tests.documents import Document
from tests.order_histories import LATEST_EVENT
from tests.recount.figures import METRICS, RULES, Recount, channels_of
from tests.recount.knowledge import Knowledge
from tests.recount.statements import MessageRow, ReturnRow, ShipmentRow, Upload
from tests.upload_plans import HOMES, Plan, build_plan

SEEDS = range(24)
MOST = 240
"""Accounts among which every status occurs. A small account is seldom at risk, and the day decides which one
is."""


def known(documents: list[Document]) -> Knowledge:
    """Return the knowledge from the documents, received one second apart, the same bytes once."""
    uploads, seen = list[Upload](), set[bytes]()
    for n, document in enumerate(documents):
        if document.report_type == "defects" or document.content not in seen:
            context = (
                document.counts_all,
                frozenset(document.columns),
                document.store,
                document.period,
                int(document.has_invalid_row),
            )
            received_at = NOW + timedelta(seconds=n)
            uploads.append(Upload(document.rows, received_at, received_at, *context))
        seen.add(document.content)
    return Knowledge(uploads, known_at=NOW + timedelta(days=1))


def account(seed: int, *, settled: bool = False) -> Plan:
    size = seed % len(SEEDS)
    return build_plan(seed, HOMES[seed % 2], 5 + 2 * size, size, size, settled=settled)


@pytest.mark.parametrize("seed", SEEDS)
def test_plan_of_settled_documents_is_independent_of_their_order(seed: int) -> None:
    plan = account(seed, settled=True)
    mixed = Random(seed).sample(plan.documents, k=len(plan.documents))

    first, second = Recount(known(list(plan.documents))), Recount(known(mixed))

    for metric in METRICS:
        for as_of in (TODAY, TODAY + timedelta(days=20)):
            assert set(first.listed(metric, as_of=as_of)) == set(second.listed(metric, as_of=as_of))


def test_plan_is_reproducible() -> None:
    assert account(7) == account(7)


def test_plans_reach_every_status_of_every_metric() -> None:
    needed = {
        metric: {"no_data", "healthy", "breached"} if RULES[metric].target else {"no_data"}
        for metric in METRICS
    }
    reached: dict[str, set[str]] = {metric: set() for metric in METRICS}
    for seed, days_ago in product(range(MOST), (0, 10)):
        recount = Recount(known(list(account(seed).documents)))
        for metric, marketplace in product(METRICS, ("US", "GB", "DE")):
            where = (metric, marketplace, channels_of(metric)[0])
            reached[metric].add(recount.status(*where, as_of=TODAY - timedelta(days=days_ago)))
        if all(reached[metric] >= needed[metric] for metric in METRICS) and "at_risk" in set().union(
            *reached.values()
        ):
            break

    for metric, words in reached.items():
        assert words >= needed[metric], metric
    assert any("at_risk" in words for words in reached.values())


def test_plans_remove_feedback_by_absence_and_by_name() -> None:
    removed = Counter[bool]()
    for seed in SEEDS:
        for rows in known(list(account(seed).documents)).defects.values():
            removed.update(row.rating is None for row in rows if row.state == "removed")

    assert removed[True] > 5
    assert removed[False] > 5


def test_plans_use_every_report_type_and_no_future_time() -> None:
    report_types, moments = Counter[str](), list[datetime]()
    for seed in SEEDS:
        for document in account(seed).documents:
            report_types[document.report_type] += 1
            timed = [row for row in document.rows if isinstance(row, ShipmentRow | ReturnRow | MessageRow)]
            moments += [row.updated_at for row in timed if row.updated_at]

    assert len(report_types) == 12
    assert min(report_types.values()) > 5
    assert max(moments) <= LATEST_EVENT
