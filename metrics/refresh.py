"""Facts to numbers to breaches: the product in ten lines."""

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction

from accounts.models import SellerAccount
from metrics.alerts import evaluation, observations, state_machine
from metrics.alerts.state_machine import Standing
from metrics.models import CurrentValue
from metrics.models.counts import STREAKS
from metrics.pipeline import (
    account_summary,
    amazon_statuses,
    daily_counts,
    denominators,
    feedback_removal,
    restatements,
    snapshots,
    threshold_versions,
)
from metrics.rules.series import Series, Value


@transaction.atomic
def refresh(*, account: SellerAccount, touched: Collection[date], now: datetime) -> None:
    """Recompute every number that the touched days can change, up to today. The account must be held."""
    removed = feedback_removal.sweep(account=account, recorded_at=now)
    days = {*touched, *removed, *denominators.follow(account=account, now=now)}
    rebuilt = daily_counts.rebuild(account=account, days=days, recorded_at=now)
    amazon_statuses.follow(account=account, now=now)
    account.marketplaces = sorted({*account.marketplaces, *rebuilt.marketplaces, *snapshots.marketplaces(account=account)})
    restatements.tell(account=account, changed=rebuilt.versions, now=now)
    threshold_versions.follow(account=account, now=now)
    remembered = evaluation.standings(account=account)
    seen = observations.since(account=account, judged_on=state_machine.last_day(remembered), now=now)
    evaluation.judge(account=account, standings=remembered, looks=seen, now=now)
    _keep(account=account, current=seen[-1].values, remembered=remembered, now=now)
    account_summary.note(account=account, values=seen[-1].values, now=now)


def _keep(*, account: SellerAccount, current: list[Value], remembered: dict[Series, Standing], now: datetime) -> None:
    rows = [
        CurrentValue(
            agency_id=account.agency_id,
            account_id=account.pk,
            metric=value.metric,
            marketplace=value.marketplace,
            channel=value.channel,
            as_of=value.as_of,
            window_from=value.window.first,
            window_to=value.window.last,
            numerator=value.numerator,
            denominator=value.denominator,
            status=value.status,
            computed_at=now,
            **{name: getattr(remembered[value.series], name) for name in STREAKS},
        )
        for value in current
    ]
    key = ["agency_id", "account_id", "metric", "marketplace", "channel"]
    fields = ["as_of", "window_from", "window_to", "numerator", "denominator", "status", "computed_at", *STREAKS]
    CurrentValue.objects.bulk_create(rows, update_conflicts=True, unique_fields=key, update_fields=fields)
