"""Which orders are in a denominator. Amazon's pages say "orders" and no more; the agency chooses for all its accounts.

Without a choice, orders that are neither Pending nor Cancelled count. An order with a counted defect always does, so that the
numerator is part of the denominator. An account follows its agency's choice as a whole, all its days in one transaction, and
remembers since when: an answer as known then uses the choice of then.
"""

from datetime import date, datetime

from accounts.models import SellerAccount
from metrics.models import DenominatorRule, Order
from metrics.rules.facts import OrderStatus

USUALLY_OUT = (OrderStatus.PENDING, OrderStatus.CANCELLED)


def left_out(*, account: SellerAccount, known_at: datetime) -> list[int]:
    """The statuses of orders that were not in the account's denominators, as known at a moment."""
    return [] if _counts_all(account, known_at) else [int(status) for status in USUALLY_OUT]


def follow(*, account: SellerAccount, now: datetime) -> list[date]:
    """Take over the agency's choice; returns the order days to count again, none where nothing changed."""
    choice = account.agency.counts_pending_and_cancelled
    if choice == _counts_all(account, now):
        return []
    DenominatorRule.objects.create(
        agency_id=account.agency_id, account_id=account.pk, counts_pending_and_cancelled=choice, recorded_at=now
    )
    mine = Order.objects.filter(agency_id=account.agency_id, account_id=account.pk)
    return list(mine.values_list("ordered_on", flat=True).distinct())


def _counts_all(account: SellerAccount, known_at: datetime) -> bool:
    rules = DenominatorRule.objects.filter(agency_id=account.agency_id, account_id=account.pk, recorded_at__lte=known_at)
    newest = rules.order_by("-recorded_at").values_list("counts_pending_and_cancelled", flat=True).first()
    return bool(newest)
