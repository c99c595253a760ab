"""What was learned since changed what past days say: found by asking both then and now, and told as `metric.restated`."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from accounts.models import SellerAccount
from api import timestamps
from metrics.models import CurrentValue, SourceLoad
from metrics.pipeline import values
from metrics.rules import judgement
from metrics.rules.definitions import COUNTED
from metrics.rules.series import Value
from webhooks.events import publishing

DAYS_BACK = 90
A_MOMENT = timedelta(microseconds=1)


def tell(*, account: SellerAccount, changed: Collection[tuple[str, str, date]], now: datetime) -> None:
    """Publish one event a series whose past days read otherwise than a moment before `now`.

    `changed` are the (marketplace, channel, day) whose counts did. A denominator that only grows is no news; a day that had no
    data is not restated by its first, nor any day by the first document of its source.
    """
    today = now.astimezone(UTC).date()
    since = max(min((day for _, _, day in changed), default=today), today - timedelta(days=DAYS_BACK))
    if since >= today or not _was_known(account):
        return
    spoken = _sources_before(account, now)
    for marketplace in sorted({marketplace for marketplace, _, _ in changed}):
        asked: dict[str, Any] = {
            "since": since,
            "until": today - timedelta(days=1),
            "marketplace": marketplace,
            "metrics": [metric.code for metric in COUNTED if metric.source in spoken],
        }
        before = {(value.series, value.as_of): value for value in values.over(account=account, **asked, known_at=now - A_MOMENT)}
        after = values.over(account=account, **asked, known_at=now)
        for pairs in _by_series((before[key], value) for value in after if (key := (value.series, value.as_of)) in before):
            _publish(account=account, pairs=pairs, now=now)


def _sources_before(account: SellerAccount, now: datetime) -> set[str]:
    """The sources that had spoken before this moment."""
    spoken = SourceLoad.objects.filter(agency_id=account.agency_id, account_id=account.pk, recorded_at__lt=now)
    return set(spoken.values_list("source", flat=True).distinct())


def _was_known(account: SellerAccount) -> bool:
    return CurrentValue.objects.filter(agency_id=account.agency_id, account_id=account.pk, denominator__gt=0).exists()


def _by_series(pairs: Iterable[tuple[Value, Value]]) -> Iterable[list[tuple[Value, Value]]]:
    """The pairs whose news is worth telling, by series, day by day."""
    found: dict[tuple[str, str, str], list[tuple[Value, Value]]] = {}
    for before, after in pairs:
        if before.denominator and (_bad(before) != _bad(after) or before.meets_target != after.meets_target):
            found.setdefault(after.series, []).append((before, after))
    return found.values()


def _bad(value: Value) -> int:
    return judgement.bad(value.numerator, value.denominator, value.limit)


def _publish(*, account: SellerAccount, pairs: list[tuple[Value, Value]], now: datetime) -> None:
    metric, marketplace, channel = pairs[0][1].series
    before, after = pairs[-1]
    turned = [new.as_of.isoformat() for old, new in pairs if old.meets_target != new.meets_target]
    data = {
        "metric": metric,
        "marketplace": marketplace,
        "channel": channel,
        "known_at": timestamps.text(now),
        "from": pairs[0][1].as_of.isoformat(),
        "to": after.as_of.isoformat(),
        "days_changed": len(pairs),
        "verdict_changed_on": turned,
        "before": _point(before),
        "after": _point(after),
    }
    publishing.publish(account=account, type_="metric.restated", data=data, now=now, series=":".join(pairs[0][1].series))


def _point(value: Value) -> dict[str, Any]:
    return {
        "as_of": value.as_of.isoformat(),
        "numerator": value.numerator,
        "denominator": value.denominator,
        "rate": value.rate,
        "meets_target": value.meets_target,
    }
