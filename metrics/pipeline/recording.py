"""Write facts to the database, in one transaction: stage them, then record each type with one statement.

1. `stage` copies the facts of a report to temporary tables   2. `next_moment` decides when they become known
3. `record` writes them
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Max

from accounts.models import SellerAccount
from metrics.models import Snapshot, SourceLoad
from metrics.pipeline.staging import STAGED
from metrics.pipeline.statements import RECORD
from metrics.rules.facts import Fact


@dataclass(frozen=True)
class Recorded:
    """Count the facts that were new and that changed, with the days whose counts they can change.

    If a row of a report can state facts of several types, also the lines that stated new or changed facts.
    """

    new: int
    changed: int
    touched: frozenset[date]
    new_lines: frozenset[int] = frozenset()
    changed_lines: frozenset[int] = frozenset()

    def __add__(self, other: "Recorded") -> "Recorded":
        """Return the facts of both together. The same line must not be counted in both."""
        return Recorded(
            self.new + other.new,
            self.changed + other.changed,
            self.touched | other.touched,
            self.new_lines | other.new_lines,
            self.changed_lines | other.changed_lines,
        )


NOTHING = Recorded(0, 0, frozenset())


@dataclass(frozen=True, slots=True)
class OtherReadings:
    """Name the loaded reports of the same bytes for another marketplace, received earlier or later."""

    earlier: tuple[UUID, ...] = ()
    later: tuple[UUID, ...] = ()


NO_READINGS = OtherReadings()


def stage(*, fact_type: type[Fact], facts: Iterable[tuple[int, Fact]]) -> int:
    """Copy (line, fact) pairs to a new staging table of this transaction. Return their number.

    Requires a transaction. It has locked no row yet, because parsing a large report takes minutes.
    """
    table, columns = STAGED[fact_type].table, {"line": "int4"} | STAGED[fact_type].columns
    column_types = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    staged = 0
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {table} ({column_types}) ON COMMIT DROP")
        # Binary is five times cheaper to write than text.
        with cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
            # In binary, PostgreSQL converts nothing: psycopg must know the types of the columns.
            copy.set_types(list(columns.values()))
            for staged, (line, fact) in enumerate(facts, start=1):  # noqa: B007  `staged` is returned
                copy.write_row((line, *fact))
    return staged


def next_moment(*, account: SellerAccount, now: datetime) -> datetime:
    """Return and save the moment at which the facts of this transaction become known.

    It is later than every earlier moment of the account. Requires a transaction that holds the account's
    lock, so that moments are in the order of the transactions.
    """
    # The clocks of two machines differ, and a clock can be set back.
    last = account.last_recorded_at
    moment = now if last is None or now > last else last + timedelta(microseconds=1)
    account.last_recorded_at = moment
    account.save(update_fields=["last_recorded_at"])
    return moment


def record(
    *,
    account: SellerAccount,
    fact_type: type[Fact],
    report_id: UUID,
    received_at: datetime,
    recorded_at: datetime,
    with_lines: bool = False,
    readings: OtherReadings = NO_READINGS,
) -> Recorded:
    """Record the staged facts of one type, and that their source was loaded.

    Recording the same facts again changes nothing. Requires a transaction that holds the account's lock.
    """
    source, statements = RECORD[fact_type]
    params: dict[str, Any] = {
        "agency": account.agency_id,
        "account": account.pk,
        "report": report_id,
        "received_at": received_at,
        "recorded_at": recorded_at,
        "with_lines": with_lines,
        "earlier_readings": list(readings.earlier),
        "later_readings": list(readings.later),
        "zones": json.dumps(settings.MARKETPLACE_ZONES),
    }
    recorded = NOTHING
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, params)
            recorded += _build_recorded(*cursor.fetchone())
    drop_staged(fact_type=fact_type)
    _record_load(account=account, source=source, report_id=report_id, recorded_at=recorded_at)
    return recorded


def drop_staged(*, fact_type: type[Fact]) -> None:
    """Drop the staging table of a type of fact, recorded or not. Requires the transaction of `stage`."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE pg_temp.{STAGED[fact_type].table}")


def _build_recorded(
    new: int,
    changed: int,
    days: Iterable[date],
    new_lines: Iterable[int] | None,
    changed_lines: Iterable[int] | None,
) -> Recorded:
    return Recorded(new, changed, frozenset(days), frozenset(new_lines or ()), frozenset(changed_lines or ()))


def _record_load(*, account: SellerAccount, source: str, report_id: UUID, recorded_at: datetime) -> None:
    """Store that the source was loaded, and until when its data describe it."""
    key = {
        "agency_id": account.agency_id,
        "account_id": account.pk,
        "source": source,
        "recorded_at": recorded_at,
    }
    described_at = _reported_at(account, report_id) if source == "reported" else recorded_at
    # Facts of two types may have one source: an account health report has snapshots and figures.
    SourceLoad.objects.get_or_create(
        **key, defaults={"report_id": report_id, "described_at": min(described_at, recorded_at)}
    )


def _reported_at(account: SellerAccount, report_id: UUID) -> datetime:
    """Return the newest moment that the snapshots of a report describe."""
    snapshots = Snapshot.objects.filter(
        agency_id=account.agency_id, account_id=account.pk, report_id=report_id
    )
    newest: datetime = snapshots.aggregate(newest=Max("reported_at"))["newest"]
    return newest
