"""The versions of thresholds that an account is judged by.

An account applies new versions as a whole, in one transaction, and records since when: an answer as known before then uses the
versions of before. Agencies write thresholds in metrics/alerts/thresholds.py.
"""

from datetime import datetime

from django.db.models import Max, Q, QuerySet, Subquery

from accounts.models import SellerAccount
from metrics.models import AppliedThresholds, Threshold
from metrics.rules.threshold_rules import Version


def follow(*, account: SellerAccount, now: datetime) -> None:
    """Judge the account by the versions that there are now. It must be held."""
    newest = _concerning(account).aggregate(moment=Max("recorded_at"))["moment"]
    followed = _followed(account, now).aggregate(moment=Max("upto"))["moment"]
    if newest and (followed is None or newest > followed):
        AppliedThresholds.objects.create(agency_id=account.agency_id, account_id=account.pk, upto=newest, recorded_at=now)


def known(*, account: SellerAccount, known_at: datetime) -> list[Version]:
    """The versions that the account was judged by at a moment, the removed and the replaced ones too."""
    upto = _followed(account, known_at).order_by("-recorded_at").values("upto")[:1]
    return [_version(row) for row in _concerning(account).filter(recorded_at__lte=Subquery(upto))]


def _concerning(account: SellerAccount) -> QuerySet[Threshold]:
    return Threshold.objects.filter(Q(account_id=None) | Q(account_id=account.pk), agency_id=account.agency_id)


def _followed(account: SellerAccount, known_at: datetime) -> QuerySet[AppliedThresholds]:
    return AppliedThresholds.objects.filter(agency_id=account.agency_id, account_id=account.pk, recorded_at__lte=known_at)


def _version(row: Threshold) -> Version:
    return Version(
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
