"""Facts enter the database: staged outside any transaction, then recorded by one statement per kind of fact."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.models import SellerAccount
from metrics.models import SourceLoad
from metrics.pipeline.staging import STAGED
from metrics.pipeline.statements import RECORD
from metrics.rules.facts import Fact


@dataclass(frozen=True)
class Recorded:
    """How many facts were new, how many changed, and the days whose counts that can change.

    Where rows state facts of several types, also the lines that said something new, and those that changed something.
    """

    new: int
    changed: int
    touched: frozenset[date]
    new_lines: frozenset[int] = frozenset()
    changed_lines: frozenset[int] = frozenset()


def stage(*, fact_type: type[Fact], facts: Iterable[tuple[int, Fact]]) -> int:
    """Copy (line, fact) pairs to this session's staging table, emptied before. Returns how many there were."""
    table, columns = STAGED[fact_type].table, {"line": "int4"} | STAGED[fact_type].columns
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

    The account must be held (SellerAccount.objects.locked), so that moments of one account never cross.
    """
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
                "with_lines": with_lines,
                "zones": json.dumps(settings.MARKETPLACE_ZONES),
            },
        )
        new, changed, days, new_lines, changed_lines = cursor.fetchone()
        cursor.execute(f"DROP TABLE pg_temp.{STAGED[fact_type].table}")
    SourceLoad.objects.get_or_create(
        agency_id=account.agency_id,
        account_id=account.pk,
        source=source,
        recorded_at=recorded_at,
        defaults={"report_id": report_id},
    )
    return Recorded(
        new=new,
        changed=changed,
        touched=frozenset(days),
        new_lines=frozenset(new_lines or ()),
        changed_lines=frozenset(changed_lines or ()),
    )
