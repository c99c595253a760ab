"""Publish restatements: past values that changed because of new data (`metric.restated`).

The values of the last 90 days are computed twice, as known a moment before and as known now, and compared.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from accounts.models import SellerAccount
from api import timestamps
from metrics.models import CurrentValue, SourceLoad
from metrics.pipeline import values
from metrics.rules.catalogue.definitions import COUNTED
from metrics.rules.judgement import count_bad
from metrics.rules.series import Series, Value
from webhooks.events import publishing

DAYS_BACK = 90
A_MOMENT = timedelta(microseconds=1)


def publish(*, account: SellerAccount, changed: Collection[tuple[str, str, date]], now: datetime) -> None:
    """Publish one event for each series whose past values differ from those a moment before `now`.

    `changed` are the (marketplace, channel, day) whose daily counts changed. A denominator that only grows,
    the first data of a day, and the first report of a source are not published. Requires a transaction that
    holds the account's lock.
    """
    today = now.astimezone(UTC).date()
    since = max(min((day for _, _, day in changed), default=today), today - timedelta(days=DAYS_BACK))
    # The first report of an account changes no value that anybody could have seen.
    if since >= today or not _has_data(account):
        return
    sources = _sources_loaded_before(account, now)
    for marketplace in sorted({marketplace for marketplace, _, _ in changed}):
        params: dict[str, Any] = {
            "since": since,
            "until": today - timedelta(days=1),
            "marketplaces": [marketplace],
            "metrics": [metric.code for metric in COUNTED if metric.source in sources],
        }
        # The facts of this transaction are written already, with the moment `now`. A
        # moment before, they are not known.
        pairs = values.query_changed(account=account, **params, before=now - A_MOMENT, known_at=now)
        for series_pairs in _group_changes(pairs):
            _publish_series(account=account, pairs=series_pairs, now=now)


def _sources_loaded_before(account: SellerAccount, now: datetime) -> set[str]:
    loads = SourceLoad.objects.filter(agency_id=account.agency_id, account_id=account.pk, recorded_at__lt=now)
    return set(loads.values_list("source", flat=True).distinct())


def _has_data(account: SellerAccount) -> bool:
    current = CurrentValue.objects.filter(agency_id=account.agency_id, account_id=account.pk)
    return current.filter(denominator__gt=0).exists()


def _group_changes(pairs: Iterable[tuple[Value, Value]]) -> Iterable[list[tuple[Value, Value]]]:
    """Group by series, day by day, the pairs whose bad count or verdict changed."""
    groups: dict[Series, list[tuple[Value, Value]]] = {}
    for before, after in pairs:
        is_changed = _count_bad(before) != _count_bad(after) or before.meets_target != after.meets_target
        if before.denominator and is_changed:
            groups.setdefault(after.series, []).append((before, after))
    return groups.values()


def _count_bad(value: Value) -> int:
    return count_bad(value.numerator, value.denominator, value.limit)


def _publish_series(*, account: SellerAccount, pairs: list[tuple[Value, Value]], now: datetime) -> None:
    metric, marketplace, channel = pairs[0][1].series
    before, after = pairs[-1]
    data = {
        "metric": metric,
        "marketplace": marketplace,
        "channel": channel,
        "known_at": timestamps.text(now),
        "from": pairs[0][1].as_of.isoformat(),
        "to": after.as_of.isoformat(),
        "days_changed": len(pairs),
        "verdict_changed_on": [
            new.as_of.isoformat() for old, new in pairs if old.meets_target != new.meets_target
        ],
        "before": _point(before),
        "after": _point(after),
    }
    publishing.publish(
        account=account, type_="metric.restated", data=data, now=now, series=":".join(after.series)
    )


def _point(value: Value) -> dict[str, Any]:
    return {
        "as_of": value.as_of.isoformat(),
        "numerator": value.numerator,
        "denominator": value.denominator,
        "rate": value.rate,
        "meets_target": value.meets_target,
    }
