"""Apply threshold versions to accounts.

An account applies all new versions in one transaction, and records when it did. Responses for an earlier
`known_at` use the earlier versions. Agencies write thresholds in metrics/alerts/thresholds.py.
"""

from datetime import datetime

from django.db.models import Max, Q, QuerySet, Subquery

from accounts.models import SellerAccount
from metrics.models import AppliedThresholds, Threshold
from metrics.rules.threshold_rules import ThresholdVersion


def apply(*, account: SellerAccount, now: datetime) -> None:
    """Apply all versions that exist now to the account.

    Requires a transaction that holds the account's lock.
    """
    newest = _versions(account).aggregate(moment=Max("recorded_at"))["moment"]
    applied = _applied(account, now).aggregate(moment=Max("upto"))["moment"]
    if newest and (applied is None or newest > applied):
        AppliedThresholds.objects.create(
            agency_id=account.agency_id, account_id=account.pk, upto=newest, recorded_at=now
        )


def query(*, account: SellerAccount, known_at: datetime) -> list[ThresholdVersion]:
    """Return the versions that the account had applied at a moment, deleted and replaced ones included."""
    upto = _applied(account, known_at).order_by("-recorded_at").values("upto")[:1]
    return [_build_version(row) for row in _versions(account).filter(recorded_at__lte=Subquery(upto))]


def _versions(account: SellerAccount) -> QuerySet[Threshold]:
    """Return the versions whose scope includes the account."""
    return Threshold.objects.filter(
        Q(account_id=None) | Q(account_id=account.pk), agency_id=account.agency_id
    )


def _applied(account: SellerAccount, known_at: datetime) -> QuerySet[AppliedThresholds]:
    return AppliedThresholds.objects.filter(
        agency_id=account.agency_id, account_id=account.pk, recorded_at__lte=known_at
    )


def _build_version(row: Threshold) -> ThresholdVersion:
    return ThresholdVersion(
        threshold=row.threshold_id,
        account=row.account_id,
        metric=row.metric,
        marketplace=row.marketplace,
        channel=row.channel,
        warn=(row.warn_numerator, row.warn_denominator),
        clear=(row.clear_numerator, row.clear_denominator),
        for_days=row.for_days,
        keep_days=row.keep_days,
        min_denominator=row.min_denominator,
        is_removed=row.is_removed,
        recorded_at=row.recorded_at,
    )
