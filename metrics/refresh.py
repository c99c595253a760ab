"""Run the pipeline from an account's facts to daily counts, values, alerts and events.

`refresh` runs after each loaded report, each change of a threshold or of the denominator, and once a day.
"""

from collections.abc import Collection
from datetime import date, datetime

from accounts.models import SellerAccount
from metrics.alerts import current_values, evaluation
from metrics.pipeline import account_summary, amazon_reported, daily_counts, restatements, threshold_versions


def refresh(*, account: SellerAccount, touched: Collection[date], now: datetime) -> None:
    """Recompute everything that the touched days can change, up to today.

    1. rebuild daily counts   2. apply Amazon's own figures   3. publish restatements   4. apply thresholds
    5. evaluate alerts        6. save current values          7. save the account's summary

    Only the last step changes the account's row. Requires a transaction that holds the account's lock
    (`SellerAccount.objects.locked`).
    """
    # Values, restatements and alerts are computed from these counts alone, so they come first.
    counts = daily_counts.rebuild(account=account, days=touched, recorded_at=now)
    reported = amazon_reported.apply(account=account, now=now)
    marketplaces = sorted({*account.marketplaces, *counts.marketplaces, *reported.marketplaces})
    # Restatements compare with the moment before `now`, so they come before anything that replaces current
    # values.
    restatements.publish(account=account, changed=counts.versions, now=now)
    # Alerts are evaluated by the thresholds that the account has applied, so those come first.
    threshold_versions.apply(account=account, now=now)
    evaluated = evaluation.evaluate(account=account, marketplaces=marketplaces, now=now)
    current_values.save(account=account, values=evaluated.values, states=evaluated.states, now=now)
    # The summary counts open breaches, so it comes after the evaluation.
    account_summary.save(
        account=account,
        values=evaluated.values,
        marketplaces=marketplaces,
        amazon_statuses=reported.statuses,
        now=now,
    )
