"""Facts enter the database: staged outside any transaction, then recorded by one statement per kind of fact.

Which statement about an order or a defect is right does not depend on the order of arrival: the one that speaks of the
latest moment is. A fact whose content changes keeps the content it replaces (a trigger writes it to the past table).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.models import SellerAccount
from metrics.facts import DefectFact, Fact, OrderFact
from metrics.models import SourceLoad

STAGED: dict[type[Fact], tuple[str, dict[str, str]]] = {
    OrderFact: (
        "staged_orders",
        {
            "line": "int4",
            "order_id": "text",
            "marketplace": "text",
            "channel": "text",
            "status": "int2",
            "ordered_at": "timestamptz",
            "last_updated_at": "timestamptz",
        },
    ),
    DefectFact: (
        "staged_defects",
        {
            "line": "int4",
            "order_id": "text",
            "kind": "text",
            "reference": "text",
            "state": "text",
            "rating": "int2",
            "occurred_on": "date",
            "stated_at": "timestamptz",
            "funded_by": "text",
            "counts": "bool",
        },
    ),
}
"""Where each kind of fact is staged: the line, then the fact's own fields in their order."""

RECORD_ORDERS = """
WITH newest AS (
    SELECT DISTINCT ON (order_id)
        order_id, marketplace, channel, status, ordered_at, last_updated_at,
        (ordered_at AT TIME ZONE coalesce(%(zones)s::jsonb ->> marketplace, 'UTC'))::date AS ordered_on
    FROM staged_orders
    ORDER BY order_id, last_updated_at DESC, status DESC, ordered_at DESC, marketplace DESC, channel DESC
), fresh AS (
    SELECT newest.*, known.order_id IS NULL AS is_new, known.ordered_on AS was_ordered_on,
        (known.marketplace, known.channel, known.status, known.ordered_at, known.ordered_on) IS DISTINCT FROM
        (newest.marketplace, newest.channel, newest.status, newest.ordered_at, newest.ordered_on) AS differs
    FROM newest LEFT JOIN metrics_order AS known
        ON known.agency_id = %(agency)s AND known.account_id = %(account)s AND known.order_id = newest.order_id
    WHERE known.order_id IS NULL OR
        (newest.last_updated_at, newest.status, newest.ordered_at, newest.marketplace, newest.channel) >
        (known.last_updated_at, known.status, known.ordered_at, known.marketplace, known.channel)
), written AS (
    INSERT INTO metrics_order AS known (
        agency_id, account_id, order_id, marketplace, channel, status,
        ordered_at, ordered_on, last_updated_at, recorded_at, report_id)
    SELECT %(agency)s, %(account)s, order_id, marketplace, channel, status,
        ordered_at, ordered_on, last_updated_at, %(recorded_at)s, %(report)s
    FROM fresh
    ON CONFLICT (agency_id, account_id, order_id) DO UPDATE SET
        marketplace = excluded.marketplace, channel = excluded.channel, status = excluded.status,
        ordered_at = excluded.ordered_at, ordered_on = excluded.ordered_on,
        last_updated_at = excluded.last_updated_at,
        recorded_at = CASE WHEN
            (known.marketplace, known.channel, known.status, known.ordered_at, known.ordered_on) IS DISTINCT FROM
            (excluded.marketplace, excluded.channel, excluded.status, excluded.ordered_at, excluded.ordered_on)
            THEN excluded.recorded_at ELSE known.recorded_at END,
        report_id = excluded.report_id
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE differs AND NOT is_new),
    coalesce(array_agg(DISTINCT ordered_on) FILTER (WHERE differs), '{}'),
    coalesce(array_agg(DISTINCT was_ordered_on) FILTER (WHERE differs AND NOT is_new), '{}')
FROM fresh
"""

RECORD_DEFECTS = """
WITH newest AS (
    SELECT DISTINCT ON (order_id, kind, reference)
        order_id, kind, reference, state, rating, occurred_on, funded_by, counts, line,
        coalesce(stated_at, %(received_at)s) AS stated_at
    FROM staged_defects
    ORDER BY order_id, kind, reference, coalesce(stated_at, %(received_at)s) DESC, line DESC
), fresh AS (
    SELECT newest.*, known.order_id IS NULL AS is_new,
        (known.state, known.rating, known.occurred_on, known.funded_by, known.counts) IS DISTINCT FROM
        (newest.state, newest.rating, newest.occurred_on, newest.funded_by, newest.counts) AS differs
    FROM newest LEFT JOIN metrics_defect AS known
        ON known.agency_id = %(agency)s AND known.account_id = %(account)s
        AND known.order_id = newest.order_id AND known.kind = newest.kind AND known.reference = newest.reference
    WHERE known.order_id IS NULL OR
        (newest.stated_at, %(received_at)s, %(report)s, newest.line) >
        (known.stated_at, known.received_at, known.report_id, known.line)
), written AS (
    INSERT INTO metrics_defect AS known (
        agency_id, account_id, order_id, kind, reference, state, rating, occurred_on,
        stated_at, received_at, line, funded_by, counts, recorded_at, report_id)
    SELECT %(agency)s, %(account)s, order_id, kind, reference, state, rating, occurred_on,
        stated_at, %(received_at)s, line, funded_by, counts, %(recorded_at)s, %(report)s
    FROM fresh
    ON CONFLICT (agency_id, account_id, order_id, kind, reference) DO UPDATE SET
        state = excluded.state, rating = excluded.rating, occurred_on = excluded.occurred_on,
        stated_at = excluded.stated_at, received_at = excluded.received_at, line = excluded.line,
        funded_by = excluded.funded_by, counts = excluded.counts,
        recorded_at = CASE WHEN
            (known.state, known.rating, known.occurred_on, known.funded_by, known.counts) IS DISTINCT FROM
            (excluded.state, excluded.rating, excluded.occurred_on, excluded.funded_by, excluded.counts)
            THEN excluded.recorded_at ELSE known.recorded_at END,
        report_id = excluded.report_id
), touched AS (
    SELECT DISTINCT ordered_on
    FROM metrics_order JOIN fresh USING (order_id)
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND fresh.differs
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE differs AND NOT is_new),
    (SELECT coalesce(array_agg(ordered_on), '{}') FROM touched), '{}'::date[]
FROM fresh
"""

RECORD: dict[type[Fact], tuple[str, str]] = {
    OrderFact: ("orders", RECORD_ORDERS),
    DefectFact: ("defects", RECORD_DEFECTS),
}


@dataclass(frozen=True)
class Recorded:
    """How many facts were new, how many changed, and the order days whose counts that can change."""

    new: int
    changed: int
    touched: frozenset[date]


def stage(*, fact_type: type[Fact], facts: Iterable[tuple[int, Fact]]) -> int:
    """Copy (line, fact) pairs to this session's staging table, emptied before. Returns how many there were."""
    table, columns = STAGED[fact_type]
    described = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    staged = 0
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")
        cursor.execute(f"CREATE TEMPORARY TABLE {table} ({described})")
        with cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:  # five times cheaper than text to write
            copy.set_types(list(columns.values()))
            for staged, (line, fact) in enumerate(facts, start=1):  # noqa: B007  the count is the answer
                copy.write_row((line, *fact))
    return staged


def next_moment(*, account: SellerAccount, now: datetime) -> datetime:
    """When the facts of this transaction become known: later than all before them, whatever the clocks say.

    The account must be held (refresh.hold), so that moments of one account never cross.
    """
    last = account.last_recorded_at
    moment = now if last is None or now > last else last + timedelta(microseconds=1)
    account.last_recorded_at = moment
    account.save(update_fields=["last_recorded_at"])
    return moment


def record(
    *, account: SellerAccount, fact_type: type[Fact], report_id: UUID, received_at: datetime, recorded_at: datetime
) -> Recorded:
    """Record what `stage` staged. A second time, nothing is new and nothing changes."""
    source, statement = RECORD[fact_type]
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "agency": account.agency_id,
                "account": account.pk,
                "report": report_id,
                "received_at": received_at,
                "recorded_at": recorded_at,
                "zones": json.dumps(settings.MARKETPLACE_ZONES),
            },
        )
        new, changed, days, left = cursor.fetchone()
        cursor.execute(f"DROP TABLE pg_temp.{STAGED[fact_type][0]}")
    SourceLoad.objects.create(
        agency_id=account.agency_id, account_id=account.pk, source=source, recorded_at=recorded_at, report_id=report_id
    )
    return Recorded(new=new, changed=changed, touched=frozenset(days) | frozenset(left))
