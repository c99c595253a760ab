"""Events are written where they happen, in the caller's transaction: with it they are there, without it they never were."""

from datetime import datetime
from typing import Any

from accounts.models import SellerAccount
from webhooks.catalogue import TYPES
from webhooks.models import Event


def publish(*, account: SellerAccount, type_: str, data: dict[str, Any], now: datetime) -> Event:
    """The event that this happened. Raises KeyError for a type that the catalogue does not have."""
    return Event.objects.create(agency_id=account.agency_id, account=account, type=TYPES[type_].type, data=data, occurred_at=now)
