"""Choose the orders that are in a denominator.

Amazon's pages only say "orders", so the agency chooses for all its accounts. By default, Pending and
Cancelled orders do not count. An order with a counted defect always counts, so that the numerator is part of
the denominator.

An account applies its agency's choice to all its days in one transaction, and records when it did. Responses
for an earlier `known_at` use the earlier choice.
"""

from datetime import date, datetime

from accounts.models import SellerAccount
from metrics.models import DenominatorRule, Order
from metrics.rules.facts import OrderStatus

EXCLUDED_BY_DEFAULT = (OrderStatus.PENDING, OrderStatus.CANCELLED)


def excluded_statuses(*, account: SellerAccount, known_at: datetime) -> list[int]:
    """Return the order statuses that the account's denominators exclude, as known at a moment."""
    return [] if _counts_all(account, known_at) else [int(status) for status in EXCLUDED_BY_DEFAULT]


def apply(*, account: SellerAccount, now: datetime) -> list[date]:
    """Apply the agency's choice to the account. Return the order days to count again, if it changed.

    Requires a transaction that holds the account's lock.
    """
    choice = account.agency.counts_pending_and_cancelled
    if choice == _counts_all(account, now):
        return []
    DenominatorRule.objects.create(
        agency_id=account.agency_id,
        account_id=account.pk,
        counts_pending_and_cancelled=choice,
        recorded_at=now,
    )
    # All days at once: a window over days of both choices would be neither.
    orders = Order.objects.filter(agency_id=account.agency_id, account_id=account.pk)
    return list(orders.values_list("ordered_on", flat=True).distinct())


def _counts_all(account: SellerAccount, known_at: datetime) -> bool:
    rules = DenominatorRule.objects.filter(
        agency_id=account.agency_id, account_id=account.pk, recorded_at__lte=known_at
    )
    newest = rules.order_by("-recorded_at").values_list("counts_pending_and_cancelled", flat=True).first()
    return bool(newest)
