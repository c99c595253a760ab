"""The status that Amazon's own reports give an account in each marketplace: the newest report's word."""

from datetime import datetime

from accounts.models import SellerAccount
from api import timestamps
from metrics.models import Snapshot
from webhooks.events import publishing

USUAL = "NORMAL"


def follow(*, account: SellerAccount, now: datetime) -> None:
    """Take over the newest word of Amazon's, and publish each change. An older report that comes late changes nothing.

    The first word is news only where it is not the usual one.
    """
    told = Snapshot.objects.filter(agency_id=account.agency_id, account_id=account.pk).exclude(account_status="")
    newest = told.order_by("marketplace", "-reported_at", "-recorded_at").distinct("marketplace")
    for marketplace, status, reported_at in newest.values_list("marketplace", "account_status", "reported_at"):
        known = account.amazon_statuses.get(marketplace)
        previous = known and known["status"]
        word = {"status": status, "reported_at": timestamps.text(reported_at)}
        account.amazon_statuses[marketplace] = word
        if status != (previous or USUAL):
            change = {"marketplace": marketplace, "previous": previous, "current": status, "reported_at": word["reported_at"]}
            publishing.publish(account=account, type_="account.status_changed", data=change, now=now)
