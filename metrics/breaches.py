"""The state machine of breaches: one open episode a series and level; opened and resolved as the values say."""

from collections.abc import Iterable
from datetime import datetime

from accounts.models import SellerAccount
from metrics.definitions import CATALOGUE
from metrics.models import Breach
from metrics.series import Value


def judge(*, account: SellerAccount, values: Iterable[Value], stale_sources: frozenset[str], now: datetime) -> None:
    """Open a breach for each series that misses its limit, resolve those that meet it again.

    A series without data, or whose source is stale, is left as it is: silence resolves nothing.
    """
    still_open = Breach.objects.filter(account=account, status=Breach.State.OPEN, level=Breach.Level.BREACH)
    open_breaches = {breach.series(): breach for breach in still_open}
    for value in values:
        if CATALOGUE[value.metric].source in stale_sources:
            continue
        breach = open_breaches.get(value.series)
        if value.meets_target is False and breach is None:
            _open(account=account, value=value, now=now)
        elif value.meets_target is True and breach is not None:
            _resolve(breach=breach, value=value, now=now)


def _open(*, account: SellerAccount, value: Value, now: datetime) -> None:
    assert value.limit is not None  # noqa: S101  a target that is missed exists
    Breach.objects.create(
        agency_id=account.agency_id,
        account=account,
        metric=value.metric,
        marketplace=value.marketplace,
        channel=value.channel,
        level=Breach.Level.BREACH,
        opened_at=now,
        as_of=value.as_of,
        numerator=value.numerator,
        denominator=value.denominator,
        comparator=value.limit.comparator,
        limit_numerator=value.limit.numerator,
        limit_denominator=value.limit.denominator,
    )


def _resolve(*, breach: Breach, value: Value, now: datetime) -> None:
    breach.status = Breach.State.RESOLVED
    breach.resolved_at = now
    breach.resolved_as_of = value.as_of
    breach.resolved_numerator = value.numerator
    breach.resolved_denominator = value.denominator
    breach.save(update_fields=["status", "resolved_at", "resolved_as_of", "resolved_numerator", "resolved_denominator"])
